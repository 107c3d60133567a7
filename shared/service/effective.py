"""When a write counts from, where that is not now: it may be long ago, never yet to come. One word on it for all doors
and for the rows of files."""

from __future__ import annotations

from datetime import datetime, timedelta

from shared.kernel.clock import now

EFFECTIVE_AT = "effective_at"
IN_FUTURE = "IN_FUTURE"
_LENIENCE = timedelta(minutes=1)
"""Clocks of clients go a little ahead of ours."""


def yet_to_come(at: datetime) -> bool:
    """Whether an instant is in the future: what counted from it would last longer than it is there."""
    return at > now() + _LENIENCE
