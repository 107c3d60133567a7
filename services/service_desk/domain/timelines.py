"""Measuring business time: how much of it lies between two instants, and when some of it will have passed.

A timeline numbers business time: `position` says how much of it lies before an instant (counted from a fixed one, so
only differences mean something), `instant` is its reverse. Whatever is measured through positions adds up exactly.

Years are worked out when they are first asked for and kept, so that a question is a look-up among sorted spans.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from threading import Lock
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from services.service_desk.domain.calendars import DAY, MINUTE, Calendar, dates

FIRST_YEAR, LAST_YEAR = 1970, 2199
# How often the offset of a zone is looked at; between two looks, it changes once at most.
_LOOK = 12 * 3600


class OutOfReach(ValueError):
    """An instant outside the years a timeline covers, or business time that never comes."""


class Timeline(Protocol):
    """Business time."""

    def position(self, at: int) -> int:
        """Business time before an instant, counted from a fixed one."""

    def instant(self, position: int) -> int:
        """The earliest instant before which that much lies. Raises OutOfReach when there is none."""


def between(timeline: Timeline, start: int, end: int) -> int:
    """Business milliseconds from one instant to another; negative when the second is the earlier."""
    return timeline.position(end) - timeline.position(start)


def add(timeline: Timeline, at: int, span: int) -> int:
    """The earliest instant by which that many business milliseconds have passed; the instant itself for none.

    Raises ValueError for a negative span, OutOfReach when they never pass.
    """
    if span <= 0:
        if span < 0:
            raise ValueError("time that has passed is not negative")
        return at
    return timeline.instant(timeline.position(at) + span)


class _Spans(NamedTuple):
    """Business in the years worked out: sorted spans, the position at the beginning and end of each, and at the
    beginning and end of all."""

    since: int
    until: int
    floor: int
    ceiling: int
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]


_NONE = _Spans(0, 0, 0, 0, (), (), (), ())


class CalendarTimeline:
    """The business time of one calendar, counted from the first year asked for.

    Safe among threads: what is kept is replaced as a whole, by one at a time.
    """

    def __init__(self, calendar: Calendar) -> None:
        self.calendar = calendar
        self._zone = ZoneInfo(calendar.time_zone)
        self._last = None if calendar.last_day is None else calendar.last_day.year + 1
        self._spans = _NONE
        self._growing = Lock()

    def position(self, at: int) -> int:
        """See `Timeline`. Raises OutOfReach outside the years covered."""
        spans = self._spans
        if not spans.since <= at < spans.until:
            spans = self._reaching(at)
        place = bisect_right(spans.starts, at) - 1
        if place < 0:
            return spans.floor
        end = spans.ends[place]
        return spans.before[place] + (at if at < end else end) - spans.starts[place]

    def instant(self, position: int) -> int:
        """See `Timeline`."""
        spans = self._spans
        if spans is _NONE:
            raise OutOfReach("positions mean something once one has been asked for")
        while position > spans.ceiling:
            year = _year_of(spans.until)
            if year > LAST_YEAR or (self._last is not None and year > self._last):
                raise OutOfReach("so much business time never comes")
            spans = self._reaching(spans.until)
        while position <= spans.floor:
            spans = self._reaching(spans.since - 1)
        place = bisect_left(spans.after, position)
        return spans.starts[place] + position - spans.before[place]

    def _reaching(self, at: int) -> _Spans:
        """What is known, with an instant's year in it."""
        wanted = _year_of(at)
        with self._growing:
            while not self._spans.since <= at < self._spans.until:
                self._spans = self._grown(wanted)
            return self._spans

    def _grown(self, wanted: int) -> _Spans:
        """With one year more, towards the wanted one."""
        spans = self._spans
        if spans is _NONE:
            return _counted(wanted, wanted, self._year(wanted), 0)
        pairs = list(zip(spans.starts, spans.ends, strict=True))
        first, last = _year_of(spans.since), _year_of(spans.until - 1)
        if wanted > last:
            return _counted(first, last + 1, [*pairs, *self._year(last + 1)], spans.floor)
        earlier = self._year(first - 1)
        length = sum(end - start for start, end in earlier)
        return _counted(first - 1, last, [*earlier, *pairs], spans.floor - length)

    def _year(self, year: int) -> list[tuple[int, int]]:
        """Business spans of one year, UTC; spans that touch as one."""
        pieces = tuple(_offsets(self._zone, _january(year), _january(year + 1)))
        found: list[tuple[int, int]] = []
        # The local days at both ends may belong to the years beside.
        first = date(year, 1, 1) - timedelta(days=2)
        for day in dates(first, date(year, 12, 31) + timedelta(days=2)):
            midnight = (day.toordinal() - _EPOCH) * DAY
            for start, end in self.calendar.hours(day):
                for since, until, offset in pieces:
                    begin = max(midnight + start * MINUTE - offset, since)
                    finish = min(midnight + end * MINUTE - offset, until)
                    if begin < finish:
                        found.append((begin, finish))
        found.sort()
        return list(_touching(found))


@dataclass(frozen=True, slots=True)
class Splice:
    """Business time by versions of a calendar: each counts from its instant on, the first one also before. Promises
    begin no earlier than their calendar; drafts that are tried on history do."""

    parts: tuple[Timeline, ...]
    froms: tuple[int, ...]
    shifts: tuple[int, ...]
    limits: tuple[int, ...]

    @classmethod
    def of(cls, versions: Sequence[tuple[int, Timeline]]) -> Timeline:
        """From (valid from, timeline) pairs in order of time; one alone needs no splicing."""
        if len(versions) == 1:
            return versions[0][1]
        shifts, limits = [0], []
        for (_, old), (since, new) in pairwise(versions):
            limit = old.position(since) + shifts[-1]
            limits.append(limit)
            shifts.append(limit - new.position(since))
        froms = tuple(since for since, _ in versions[1:])
        return cls(tuple(one for _, one in versions), froms, tuple(shifts), tuple(limits))

    def position(self, at: int) -> int:
        """See `Timeline`."""
        place = bisect_right(self.froms, at)
        return self.parts[place].position(at) + self.shifts[place]

    def instant(self, position: int) -> int:
        """See `Timeline`."""
        place = bisect_left(self.limits, position)
        return self.parts[place].instant(position - self.shifts[place])


_EPOCH = date(1970, 1, 1).toordinal()


def _january(year: int) -> int:
    return (date(year, 1, 1).toordinal() - _EPOCH) * DAY


def _year_of(at: int) -> int:
    if not _SINCE <= at < _UNTIL:
        raise OutOfReach(f"business time is known from {FIRST_YEAR} to {LAST_YEAR}")
    return date.fromordinal(at // DAY + _EPOCH).year


_SINCE, _UNTIL = _january(FIRST_YEAR), _january(LAST_YEAR + 1)


def _counted(first: int, last: int, pairs: Sequence[tuple[int, int]], position: int) -> _Spans:
    before, after, floor = [], [], position
    for start, end in pairs:
        before.append(position)
        position += end - start
        after.append(position)
    starts, ends = tuple(start for start, _ in pairs), tuple(end for _, end in pairs)
    return _Spans(_january(first), _january(last + 1), floor, position, starts, ends, tuple(before), tuple(after))


def _touching(spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    held: tuple[int, int] | None = None
    for start, end in spans:
        if held is not None and start <= held[1]:
            held = (held[0], max(held[1], end))
            continue
        if held is not None:
            yield held
        held = (start, end)
    if held is not None:
        yield held


def _offsets(zone: ZoneInfo, since: int, until: int) -> Iterator[tuple[int, int, int]]:
    """(from, until, offset) of a zone's clocks, all in milliseconds, one after the other."""
    at, end = since // 1000, until // 1000
    offset, begun = _offset(zone, at), at
    while at < end:
        coming = min(at + _LOOK, end)
        new = _offset(zone, coming)
        if new != offset:
            low, high = at, coming
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if _offset(zone, middle) == offset else (low, middle)
            yield begun * 1000, high * 1000, offset * 1000
            offset, begun = new, high
        at = coming
    if begun < end:
        yield begun * 1000, until, offset * 1000


def _offset(zone: ZoneInfo, second: int) -> int:
    shown = (datetime.fromtimestamp(second, UTC)).astimezone(zone).utcoffset()
    return 0 if shown is None else shown // timedelta(seconds=1)
