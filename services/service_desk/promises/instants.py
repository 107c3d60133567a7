"""Instants as the database, events and the domain write them: naive UTC, ISO text, milliseconds since 1970."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from shared.kernel.clock import iso
from shared.kernel.errors import Invalid
from shared.service.effective import EARLIEST

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - the database's timestamps are UTC without zone
_MILLISECOND = timedelta(milliseconds=1)
FIRST, LAST = EARLIEST, datetime(2199, 1, 1, tzinfo=UTC)
"""Between which instants calendars tell business time, with room for what is promised behind the last."""


def ms(moment: datetime) -> int:
    """Milliseconds of an instant, naive ones being UTC."""
    plain = moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
    return (plain - _EPOCH) // _MILLISECOND


def naive(at: int) -> datetime:
    """An instant as the database keeps it."""
    return _EPOCH + at * _MILLISECOND


def aware(at: int) -> datetime:
    """An instant as values hold it."""
    return naive(at).replace(tzinfo=UTC)


def text(at: int | None) -> str | None:
    """An instant as doors show it, None for none."""
    return None if at is None else iso(aware(at))


def from_text(shown: str) -> int:
    """Milliseconds of an instant as events and doors show it. Raises ValueError for none of the years 1 to 9999."""
    try:
        return ms(datetime.fromisoformat(shown))
    except OverflowError as error:
        raise ValueError(str(error)) from error


def asked(name: str, shown: object, *, measured: bool = False) -> int:
    """The instant that a caller gives under a name; measured: business time is to be told by it. Raises Invalid."""
    try:
        at = from_text(shown if isinstance(shown, str) else "")
    except ValueError:
        message = f"{name}: {str(shown)[:50]} is no instant such as 2026-03-02T09:00:00Z"
        raise Invalid.one(name, "INVALID_DATE", message) from None
    if measured and not ms(FIRST) <= at < ms(LAST):
        message = f"{name}: business time is told from {FIRST.year} on, before {LAST.year}"
        raise Invalid.one(name, "INVALID_DATE", message)
    return at
