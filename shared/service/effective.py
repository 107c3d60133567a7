"""When a write counts from, where that is not now: since 1970, never yet to come. One word on it for all doors and for
the rows of files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from shared.kernel.clock import now

EFFECTIVE_AT = "effective_at"
IN_FUTURE, TOO_EARLY = "IN_FUTURE", "TOO_EARLY"
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
"""What counts from before that is a slip of the pen, or a date that somebody left empty: calendars of promises begin
with it. What happened earlier is told by an attribute of its own."""
_LENIENCE = timedelta(minutes=1)
"""Clocks of clients go a little ahead of ours."""


def refusal(at: datetime) -> tuple[str, str] | None:
    """Why nothing can count from an instant, as a code and words to go on with; None when something can. Of what is in
    the future: it would last longer than it is there."""
    if at > now() + _LENIENCE:
        return IN_FUTURE, "in the future: it counts from now or from before"
    if at < EARLIEST:
        return TOO_EARLY, f"before {EARLIEST.year}: nothing counts from then"
    return None
