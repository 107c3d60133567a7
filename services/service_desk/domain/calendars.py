"""When business is: hours of the week in a time zone, holidays, and days that differ. Values; `timelines` measures.

Hours are read off the clock on the wall of the time zone. An hour that the clock shows twice when daylight saving ends
counts twice, one that it skips does not count: what matters is when somebody is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

MINUTE = 60_000
DAY = 24 * 60 * MINUTE
_DAYS = 7

Hours = tuple[tuple[int, int], ...]
"""Parts of a day, in order and apart: (from, to) in minutes since its midnight, `to` at most 1440."""


class CalendarProblem(ValueError):
    """A calendar that cannot be: the message says why."""


class UnknownZone(CalendarProblem):
    """A time zone that nobody knows."""


class EmptyCalendar(CalendarProblem):
    """A calendar in which there is no business at all: no deadline would ever come."""


@dataclass(frozen=True)
class Calendar:
    """Business hours. week: hours of Monday to Sunday. Raises CalendarProblem for what cannot be.

    holidays: days without hours. exceptions: days with hours of their own, which stand above holidays and the week.
    """

    time_zone: str
    week: tuple[Hours, ...]
    holidays: frozenset[date] = frozenset()
    exceptions: Mapping[date, Hours] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.time_zone)
        except (ValueError, OSError, LookupError):
            raise UnknownZone(f"there is no time zone {self.time_zone[:100]!r}") from None
        if len(self.week) != _DAYS:
            raise CalendarProblem("a week has the hours of seven days, Monday first")
        for hours in (*self.week, *self.exceptions.values()):
            _check(hours)
        if not any(self.week) and not any(self.exceptions.values()):
            raise EmptyCalendar("the calendar has no business hours: no deadline would ever come")

    @cached_property
    def last_day(self) -> date | None:
        """The last day with hours; None when there is no end of them."""
        return None if any(self.week) else max(day for day, hours in self.exceptions.items() if hours)

    def hours(self, day: date) -> Hours:
        """The hours of one day."""
        own = self.exceptions.get(day)
        if own is not None:
            return own
        return () if day in self.holidays else self.week[day.weekday()]


def week_of(days: Mapping[int, Iterable[tuple[int, int]]]) -> tuple[Hours, ...]:
    """The hours of a week from parts of its days (0 = Monday), in any order.

    A part that ends where it began or earlier goes on past midnight: 22:00 to 6:00 is 22:00 to 24:00 and, the next
    day, 0:00 to 6:00. Parts that touch become one; ones that overlap are a CalendarProblem.
    """
    found: list[list[tuple[int, int]]] = [[] for _ in range(_DAYS)]
    for day, parts in days.items():
        if not 0 <= day < _DAYS:
            raise CalendarProblem("days of the week go from 0, Monday, to 6, Sunday")
        for start, end in parts:
            if start < end:
                found[day].append((start, end))
                continue
            found[day].append((start, 1440))
            if end:
                found[(day + 1) % _DAYS].append((0, end))
    return tuple(joined(parts) for parts in found)


def joined(parts: Iterable[tuple[int, int]]) -> Hours:
    """Parts of one day in order, those that touch as one; raises CalendarProblem for what overlaps."""
    hours: list[tuple[int, int]] = []
    for start, end in sorted(parts):
        if hours and start < hours[-1][1]:
            raise CalendarProblem("parts of a day overlap")
        if hours and start == hours[-1][1]:
            hours[-1] = (hours[-1][0], end)
        else:
            hours.append((start, end))
    _check(hours)
    return tuple(hours)


def yearly(days: Sequence[tuple[int, int]], years: Iterable[int]) -> frozenset[date]:
    """Holidays on the same (month, day) every year; 29 February only in leap years."""
    found = set()
    for year in years:
        for month, day in days:
            try:
                found.add(date(year, month, day))
            except ValueError:
                if (month, day) != (2, 29):
                    raise CalendarProblem(f"there is no day {month}-{day}") from None
    return frozenset(found)


def dates(first: date, last: date) -> Iterable[date]:
    """Every day from the first to the last."""
    return (first + timedelta(days=count) for count in range((last - first).days + 1))


def _check(hours: Sequence[tuple[int, int]]) -> None:
    before = 0
    for place, (start, end) in enumerate(hours):
        if not 0 <= start < end <= 1440 or (place and start < before):
            raise CalendarProblem(
                "hours of a day are from 0:00 to 24:00, in order and apart, each with an end after it"
            )
        before = end


ALWAYS = Calendar("UTC", (((0, 1440),),) * _DAYS)
"""Every minute: calendar time."""
