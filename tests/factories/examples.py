"""How many examples a generated test against the database tries."""

from __future__ import annotations

import os

ASKED = int(os.environ.get("CRM_EXAMPLES", "0"))
"""CRM_EXAMPLES: so many, for a search of an hour."""
_ANOTHER_SERVER = "CRM_TEST_PG_BIN" in os.environ


def examples(usual: int) -> int:
    """Fewer on another PostgreSQL: what may differ there are plans and statements, and the rest was tried on ours."""
    return ASKED or (max(usual // 4, 5) if _ANOTHER_SERVER else usual)
