"""Which numbers of linked entities deals show. Data only."""

from __future__ import annotations

from shared.service.counting import Counted

COUNTS = (Counted("deal", "contact_count", 3),)
