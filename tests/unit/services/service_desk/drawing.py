"""Random calendars, policies and histories, small enough to be counted by minutes, near the odd days of clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import strategies as st

from services.service_desk.domain.calendars import Calendar, joined
from services.service_desk.domain.policies import Goal, OnChange, PolicyVersion, Target
from services.service_desk.domain.progress import Said, Step
from services.service_desk.domain.timelines import CalendarTimeline, Splice, Timeline
from tests.unit.services.service_desk.minutes import MINUTE

# Where clocks do something: they skip or repeat an hour, half an hour, midnight, a day; and a leap day, and a new year.
ODD = (
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("America/New_York", date(2025, 3, 9)),
    ("America/New_York", date(2025, 11, 2)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("America/Sao_Paulo", date(2018, 11, 4)),
    ("America/Sao_Paulo", date(2018, 2, 18)),
    ("Pacific/Apia", date(2011, 12, 30)),
    ("Asia/Kathmandu", date(2028, 2, 29)),
    ("UTC", date(2024, 12, 31)),
)
STATES = ("new", "open", "waiting_on_customer", "waiting_on_us", "closed")
PRIORITIES = (None, "low", "high")
KINDS = ("bug", "bill")
_DAY_MINUTES = 1440


@st.composite
def hours(draw: st.DrawFn) -> tuple[tuple[int, int], ...]:
    """Parts of a day: none, all of it, or up to three with gaps."""
    cuts = draw(st.lists(st.integers(0, _DAY_MINUTES), max_size=6, unique=True).map(sorted))
    return joined(list(zip(cuts[::2], cuts[1::2], strict=False)))


@st.composite
def calendars(draw: st.DrawFn, zone: str, day: date) -> Calendar:
    """A calendar with something odd about the days around one."""
    week = tuple(draw(hours()) for _ in range(7))
    near = st.integers(-3, 4).map(lambda days: day + timedelta(days=days))
    holidays = frozenset(draw(st.lists(near, max_size=2)))
    exceptions = draw(st.dictionaries(near, hours(), max_size=2))
    if not any(week):
        week = (((540, 1020),), *week[1:])
    return Calendar(zone, week, holidays, exceptions)


def instant(day: date) -> int:
    """Midnight UTC of a day."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000


_kind = st.sampled_from(KINDS).map(lambda kind: {"attribute": "kind", "operator": "EQ", "value": kind})
_vip = st.booleans().map(lambda vip: {"attribute": "vip", "operator": "EQ", "value": vip})
conditions = st.one_of(
    st.none(),
    _kind,
    _vip,
    st.tuples(_kind, _vip).map(lambda both: {"and": list(both)}),
    st.tuples(_kind, _vip).map(lambda both: {"or": list(both)}),
    _kind.map(lambda one: {"not": one}),
)
_lengths = st.integers(1, 1500).map(lambda minutes: minutes * MINUTE)
goals = st.builds(
    Goal,
    st.dictionaries(st.sampled_from(["low", "high"]), _lengths, max_size=2),
    st.none() | _lengths,
    st.frozensets(st.sampled_from(STATES[:-1]), max_size=2),
)


@st.composite
def policies(draw: st.DrawFn, start: int) -> tuple[PolicyVersion, ...]:
    """Up to three policies, each in up to three versions."""
    found = []
    for number in range(1, draw(st.integers(1, 3)) + 1):
        since = start - 5000 * MINUTE
        for version in range(1, draw(st.integers(1, 3)) + 1):
            found.append(
                PolicyVersion(
                    number,
                    version,
                    since,
                    draw(st.integers(1, 2)),
                    draw(st.dictionaries(st.sampled_from(list(Target)), goals, min_size=2)),
                    draw(conditions),
                    draw(st.sampled_from(OnChange)),
                    place=draw(st.integers(0, 1)),
                    withdrawn=version > 1 and draw(st.booleans()),
                )
            )
            since = max(since, start) + draw(st.integers(1, 2000)) * MINUTE
    return tuple(found)


@st.composite
def histories(draw: st.DrawFn, start: int) -> tuple[Step, ...]:
    """Up to eight steps over two days."""
    at, found = start, []
    for _ in range(draw(st.integers(1, 8))):
        facts = {"kind": draw(st.sampled_from(KINDS)), "vip": draw(st.booleans())}
        said = draw(st.sampled_from((None, Said.AGENT, Said.CUSTOMER)))
        state, priority = draw(st.sampled_from(STATES)), draw(st.sampled_from(PRIORITIES))
        found.append(Step(at, state, priority, facts, said))
        at += draw(st.integers(0, 400)) * MINUTE
    return tuple(found)


Versions = dict[int, list[tuple[int, Calendar]]]
World = tuple[tuple[PolicyVersion, ...], Versions, tuple[Step, ...]]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Policies, calendars by number in versions, and a ticket's history."""
    zone, day = draw(st.sampled_from(ODD))
    start = instant(day) + draw(st.integers(-2000, 1000)) * MINUTE
    found: Versions = {}
    for number in (1, 2):
        found[number] = [(start - 9000 * MINUTE, draw(calendars(zone, day)))]
        if draw(st.booleans()):
            since = start + draw(st.integers(1, 3000)) * MINUTE
            found[number].append((since, draw(calendars(zone, day))))
    return draw(policies(start)), found, draw(histories(start))


def timelines(versions: Versions) -> dict[int, Timeline]:
    """Business time of the calendars."""
    return {
        number: Splice.of([(since, CalendarTimeline(one)) for since, one in several])
        for number, several in versions.items()
    }
