"""How fresh an answer has to be: `any`; `bounded`, two seconds behind at most, or `bounded(30s)`; `strong`."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from shared.kernel.errors import Invalid

FRESHNESS = "any, bounded (two seconds), bounded(30s), strong"
_BOUNDED = re.compile(r"bounded(?:\((\d{1,4}(?:\.\d{1,3})?)s\))?", re.ASCII)
_SECONDS = 2.0


def check_fresh(fresh: str) -> None:
    """Raises Invalid for what is no freshness."""
    if fresh not in ("any", "strong") and _BOUNDED.fullmatch(fresh) is None:
        raise Invalid.one("fresh", "INVALID_PARAMETER", f"fresh: use one of {FRESHNESS}")


def needed(fresh: str, asked: datetime) -> datetime | None:
    """The instant up to which everything has to be applied; None for any."""
    if fresh == "any":
        return None
    found = _BOUNDED.fullmatch(fresh)
    return asked if found is None else asked - timedelta(seconds=float(found[1] or _SECONDS))
