"""Which numbers of linked entities contacts and companies show. Data only."""

from __future__ import annotations

from shared.service.counting import Counted

COUNTS = (
    Counted("contact", "deal_count", 4),
    Counted("company", "deal_count", 342),
    Counted("company", "contact_count", 280),
    Counted("company", "child_company_count", 13),
)
