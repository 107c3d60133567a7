"""Business time: what is added is measured, on the odd days of clocks as on any other."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.service_desk.domain.calendars import (
    ALWAYS,
    Calendar,
    CalendarProblem,
    EmptyCalendar,
    joined,
    week_of,
    yearly,
)
from services.service_desk.domain.timelines import CalendarTimeline, OutOfReach, Splice, Timeline, add, between
from tests.unit.services.service_desk.drawing import ODD, calendars, instant
from tests.unit.services.service_desk.minutes import MINUTE, open_minute

_HOUR = 60 * MINUTE
_OFFICE = week_of({day: [(9 * 60, 12 * 60), (13 * 60, 17 * 60)] for day in range(5)})
_BERLIN = Calendar("Europe/Berlin", _OFFICE)


def at(text: str, zone: str = "Europe/Berlin") -> int:
    """An instant on the clock of a zone."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()) * 1000


@st.composite
def timelines(draw: st.DrawFn) -> tuple[Timeline, int]:
    """A calendar, or two versions of one, and an instant near an odd day of its."""
    zone, day = draw(st.sampled_from(ODD))
    near = instant(day) + draw(st.integers(-5 * 24 * 3600_000, 5 * 24 * 3600_000))
    found: list[tuple[int, Timeline]] = [(0, CalendarTimeline(draw(calendars(zone, day))))]
    if draw(st.booleans()):
        found.append((near + draw(st.integers(-(10**8), 10**9)), CalendarTimeline(draw(calendars(zone, day)))))
    return Splice.of(found), near


@settings(max_examples=60, deadline=None)
@given(timelines(), st.integers(0, 40 * 24 * 3600_000))
def test_what_is_added_is_measured(drawn: tuple[Timeline, int], span: int) -> None:
    timeline, start = drawn
    end = add(timeline, start, span)
    assert between(timeline, start, end) == span
    assert end >= start
    # No earlier instant would do.
    assert span == 0 or between(timeline, start, end - 1) == span - 1


@settings(max_examples=60, deadline=None)
@given(timelines(), st.integers(0, 20 * 24 * 3600_000))
def test_what_is_measured_can_be_added(drawn: tuple[Timeline, int], later: int) -> None:
    timeline, start = drawn
    span = between(timeline, start, start + later)
    assert between(timeline, start + later, start) == -span
    assert add(timeline, start, span) <= start + later
    assert between(timeline, add(timeline, start, span), start + later) == 0


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(ODD).flatmap(lambda odd: st.tuples(st.just(odd[1]), calendars(*odd))), st.integers(0, 4000))
def test_it_equals_counting_minutes(drawn: tuple[date, Calendar], later: int) -> None:
    day, calendar = drawn
    start = instant(day) - 2000 * MINUTE
    minutes = sum(open_minute(calendar, start + minute * MINUTE) for minute in range(later))
    assert between(CalendarTimeline(calendar), start, start + later * MINUTE) == minutes * MINUTE


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ("2026-03-02T09:00", 7, "2026-03-02T17:00"),  # the day's end, not the next day's beginning
        ("2026-03-02T11:30", 1, "2026-03-02T13:30"),  # over lunch
        ("2026-03-06T16:00", 2, "2026-03-09T10:00"),  # over a weekend
        ("2026-03-07T12:00", 1, "2026-03-09T10:00"),  # from a weekend
        ("2024-02-28T16:00", 2, "2024-02-29T10:00"),  # into a leap day
        ("2026-03-27T16:00", 2, "2026-03-30T10:00"),  # over the night in which an hour is skipped
        ("2026-10-23T16:00", 2, "2026-10-26T10:00"),  # over the night in which an hour comes twice
    ],
)
def test_office_hours(start: str, hours: int, end: str) -> None:
    assert add(CalendarTimeline(_BERLIN), at(start), hours * _HOUR) == at(end)


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)])
def test_a_day_has_as_many_hours_as_its_clocks_show(day: str, hours: int) -> None:
    whole = CalendarTimeline(Calendar("Europe/Berlin", (((0, 1440),),) * 7))
    start = at(f"{day}T00:00")
    end = at(f"{(date.fromisoformat(day) + timedelta(days=1)).isoformat()}T00:00")
    assert between(whole, start, end) == hours * _HOUR
    night = CalendarTimeline(Calendar("Europe/Berlin", week_of({each: [(120, 180)] for each in range(7)})))
    assert between(night, start, end) == (hours - 23) * _HOUR


def test_a_day_that_never_was() -> None:
    calendar = Calendar("Pacific/Apia", (((0, 1440),),) * 7, exceptions={date(2011, 12, 30): ((0, 60),)})
    assert between(
        CalendarTimeline(calendar), at("2011-12-29T00:00", "Pacific/Apia"), at("2012-01-01T00:00", "Pacific/Apia")
    ) == (48 * _HOUR)


def test_nights_go_on_after_midnight() -> None:
    night = Calendar("UTC", week_of({6: [(22 * 60, 6 * 60)]}))
    assert night.week[6] == ((1320, 1440),)
    assert night.week[0] == ((0, 360),)
    assert between(CalendarTimeline(night), 0, instant(date(1970, 1, 8))) == 8 * _HOUR


def test_holidays_and_days_with_hours_of_their_own() -> None:
    days = {date(2026, 12, 24): ((540, 720),), date(2026, 12, 25): ((600, 660),)}
    calendar = Calendar("Europe/Berlin", _OFFICE, yearly([(12, 25), (2, 29)], [2026, 2028]), days)
    assert calendar.hours(date(2026, 12, 24)) == ((540, 720),)
    assert calendar.hours(date(2026, 12, 25)) == ((600, 660),)
    assert calendar.hours(date(2028, 2, 29)) == calendar.hours(date(2028, 12, 25)) == ()


@pytest.mark.parametrize(
    "week", [((),) * 7, (((540, 540),),) * 7, (((600, 540),),) * 7, (((0, 1441),),) * 7, (((0, 9), (8, 20)),) * 7, ()]
)
def test_calendars_that_cannot_be(week: tuple[tuple[tuple[int, int], ...], ...]) -> None:
    with pytest.raises(CalendarProblem):
        Calendar("UTC", week)


def test_an_empty_calendar_is_an_error() -> None:
    with pytest.raises(EmptyCalendar):
        Calendar("UTC", ((),) * 7, exceptions={date(2026, 1, 1): ()})
    with pytest.raises(CalendarProblem):
        Calendar("Europe/Nowhere", _OFFICE)
    with pytest.raises(CalendarProblem):
        joined([(0, 60), (30, 90)])


def test_time_that_never_comes() -> None:
    once = CalendarTimeline(Calendar("UTC", ((),) * 7, exceptions={date(2031, 5, 1): ((0, 60),)}))
    assert add(once, instant(date(2026, 1, 1)), _HOUR) == instant(date(2031, 5, 1)) + _HOUR
    with pytest.raises(OutOfReach):
        add(once, instant(date(2026, 1, 1)), _HOUR + 1)
    with pytest.raises(OutOfReach):
        once.position(instant(date(2300, 1, 1)))
    with pytest.raises(ValueError, match="negative"):
        add(once, 0, -1)


def test_years_may_be_asked_for_in_any_order() -> None:
    instants = [instant(date(year, 6, 1)) for year in (2026, 2023, 2028, 2019)]
    one = CalendarTimeline(_BERLIN)
    for start in instants:
        for end in instants:
            assert between(one, start, end) == between(CalendarTimeline(_BERLIN), start, end)


def test_a_version_of_a_calendar_counts_from_its_instant_on() -> None:
    change = int(datetime(2026, 3, 4, tzinfo=UTC).timestamp()) * 1000
    spliced = Splice.of([(0, CalendarTimeline(_BERLIN)), (change, CalendarTimeline(ALWAYS))])
    assert between(spliced, at("2026-03-02T09:00"), change) == 14 * _HOUR
    assert add(spliced, at("2026-03-02T09:00"), 15 * _HOUR) == change + _HOUR
