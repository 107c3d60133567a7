"""The services whose entities are reported on. Data only."""

from __future__ import annotations

SOURCES = ("workspace", "contacts", "opportunities", "service_desk")
