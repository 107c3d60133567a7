"""Instants as the database, events and the domain write them: naive UTC, ISO text, milliseconds since 1970."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from shared.kernel.clock import iso

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - the database's timestamps are UTC without zone
_MILLISECOND = timedelta(milliseconds=1)


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
    """Milliseconds of an instant as events and doors show it."""
    return ms(datetime.fromisoformat(shown))
