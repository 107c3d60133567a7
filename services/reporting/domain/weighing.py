"""Days of a ledger proven by one number per group, and what was moved told by it. Pure.

A group's weight is the sum of its rows, each times a number that belongs to its day alone. It is kept beside the totals
and grows with them, change by change: a row that is altered, lost or moved to another day later no longer adds up to
it, even where the sum over all days does. The same is reckoned by the database (`tables.WEIGHT`): change both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache

from services.reporting.domain.exact import exact, minus, plus

Sum = tuple[int, int, Decimal]
"""Entities, entities with a value, the sum of values."""

FACTOR, PRIME = 2654435761, 4294967291
SECOND, THIRD = 1000003, 998244353
_START, _BEFORE = date(1970, 1, 1), 1_000_000
_YEARS = range(1970, 2101)
NOTHING: Sum = (0, 0, Decimal(0))


def number_of(day: date) -> int:
    """The number that belongs to a day; no two days within reach of a calendar have the same."""
    return ((day - _START).days + _BEFORE) * FACTOR % PRIME


@exact
def size(one: Sum) -> Decimal:
    """A row as one number."""
    return one[0] + one[1] * Decimal(SECOND) + one[2] * THIRD


@exact
def weight(rows: Mapping[date, Sum] | Iterable[tuple[date, Sum]]) -> Decimal:
    """What the rows of a group weigh."""
    pairs = rows.items() if isinstance(rows, Mapping) else rows
    return sum((number_of(day) * size(one) for day, one in pairs), Decimal(0))


def added(one: Sum, other: Sum) -> Sum:
    """Two rows together."""
    return one[0] + other[0], one[1] + other[1], plus(one[2], other[2])


def without(one: Sum, other: Sum) -> Sum:
    """What a row is more than another."""
    return one[0] - other[0], one[1] - other[1], minus(one[2], other[2])


@exact
def restored(rows: Mapping[date, Sum], right: Sum, weighed: Decimal) -> dict[date, Sum] | None:
    """The rows of a group as they were before one of them was altered, lost, or moved to another day; None when more
    has happened to them than that, or it could have been several days. right: what they should come to."""
    excess = NOTHING
    for one in rows.values():
        excess = added(excess, one)
    excess = without(excess, right)
    off = weight(rows) - weighed
    if excess != NOTHING:
        day = _day(off, size(excess))
        return None if day is None else {**rows, day: without(rows.get(day, NOTHING), excess)}
    found = []
    for day, one in rows.items():
        before = _day(number_of(day) * size(one) - off, size(one))
        if before is not None and before != day:
            found.append({**rows, day: NOTHING, before: added(rows.get(before, NOTHING), one)})
    return found[0] if len(found) == 1 else None


def _day(total: Decimal, part: Decimal) -> date | None:
    """The day whose number times `part` is `total`."""
    if not part or total % part:
        return None
    return _days().get(int(total / part))


@lru_cache(maxsize=1)
def _days() -> Mapping[int, date]:
    first, last = date(_YEARS.start, 1, 1), date(_YEARS.stop, 1, 1)
    return {number_of(day): day for day in (first + timedelta(n) for n in range((last - first).days))}
