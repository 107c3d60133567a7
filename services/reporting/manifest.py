"""The service as a value: see README.md beside it for what it owns, publishes and hears."""

from __future__ import annotations

from pathlib import Path

from services.reporting.handlers import subscriptions
from shared.service.manifest import Manifest

MANIFEST = Manifest(name="reporting", types=(), follows=subscriptions, migrations=Path(__file__).parent / "migrations")
