"""Which promise counts, and when something is due about it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.service_desk.domain.calendars import ALWAYS
from services.service_desk.domain.clocks import caught_up, follow
from services.service_desk.domain.policies import (
    Book,
    Goal,
    Moment,
    OnChange,
    PolicyVersion,
    Target,
    Threshold,
    asked,
    specificity,
)
from services.service_desk.domain.progress import Run, Said, Step
from services.service_desk.domain.thresholds import next_look, reached
from services.service_desk.domain.timelines import CalendarTimeline
from tests.unit.services.service_desk.minutes import MINUTE, fits

_BUG = {"attribute": "kind", "operator": "EQ", "value": "bug"}
_VIP = {"attribute": "vip", "operator": "EQ", "value": True}
_HOUR = {Target.RESOLUTION: Goal(otherwise=60 * MINUTE)}
_FACTS = {"kind": "bug", "vip": True}


def book(*versions: PolicyVersion) -> Book:
    """Promises around the clock."""
    return Book(versions, {1: CalendarTimeline(ALWAYS)}, fits)


def policy(number: int, **more: object) -> PolicyVersion:
    """A policy that promises a solution within an hour."""
    return replace(PolicyVersion(number, 1, 0, 1, _HOUR), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        (None, 0),
        (_BUG, 1),
        ({"and": [_BUG, _VIP]}, 2),
        ({"or": [_BUG, {"and": [_BUG, _VIP]}]}, 1),
        ({"not": {"and": [_BUG, _VIP]}}, 2),
        ({"text": "printer"}, 1),
    ],
)
def test_specificity(tree: dict[str, object] | None, expected: int) -> None:
    assert specificity(tree) == expected


def test_what_conditions_ask_for() -> None:
    assert asked({"or": [_BUG, {"not": _VIP}]}) == {"kind", "vip"}
    assert asked({"and": [_BUG, {"text": "printer"}]}) is None


def test_the_most_specific_policy_counts() -> None:
    every = (policy(1), policy(2, conditions=_BUG), policy(3, conditions={"and": [_BUG, _VIP]}))
    for order in (every, every[::-1]):
        found = [book(*order).chosen(facts, 5) for facts in (_FACTS, {"kind": "bug"}, {})]
        assert [one and one.policy for one in found] == [3, 2, 1]


def test_of_equally_specific_ones_the_first_placed_counts() -> None:
    found = book(policy(1, conditions=_BUG, place=2), policy(2, conditions=_VIP, place=1)).chosen(_FACTS, 0)
    assert found is not None
    assert found.policy == 2


def test_versions_count_from_their_instant_on() -> None:
    held = book(policy(1), policy(1, version=2, valid_from=10), policy(1, version=3, valid_from=20, withdrawn=True))
    assert [(one := held.chosen({}, at)) and one.version for at in (-1, 0, 9, 10, 19, 20)] == [None, 1, 1, 2, 2, None]


def test_values_that_cannot_be_remembered() -> None:
    held = book(policy(1, conditions=_BUG))
    for _ in range(2):
        assert held.chosen({"kind": ["bug"]}, 0) is None
        assert held.chosen({"kind": {"no": "value"}}, 0) is None


@pytest.mark.parametrize(
    ("how", "due"), [(OnChange.KEEP, 120), (OnChange.RESTART, 150), (OnChange.PRORATE, 90)], ids=str
)
def test_how_a_new_promise_counts_what_has_passed(how: OnChange, due: int) -> None:
    """30 of 60 minutes have passed when 120 are promised."""
    goals = {Target.RESOLUTION: Goal({"low": 120 * MINUTE}, 60 * MINUTE)}
    steps = (Step(0, "new", None, {}), Step(30 * MINUTE, "new", "low", {}))
    live = follow(book(policy(1, goals=goals, on_change=how)), steps).live
    assert [one.due for one in live if one.due is not None] == [due * MINUTE]


def test_a_version_takes_over_running_clocks() -> None:
    shorter = policy(1, version=2, valid_from=30 * MINUTE, goals={Target.RESOLUTION: Goal(otherwise=20 * MINUTE)})
    held = book(policy(1), shorter)
    progress = follow(held, (Step(0, "new", None, {}),))
    assert next_look(held, progress, 0) == 30 * MINUTE
    later = caught_up(held, progress, 30 * MINUTE)
    clock = next(one for one in later.live if one.target is Target.RESOLUTION)
    # More than it promises has passed: it ends at once, not before it was made.
    assert (clock.version, clock.elapsed, clock.due) == (2, 30 * MINUTE, 30 * MINUTE)
    assert caught_up(held, progress, 30 * MINUTE - 1) is progress


def test_thresholds_come_before_at_and_after() -> None:
    marks = (
        Threshold("soon", Target.RESOLUTION, Moment.BEFORE, 15 * MINUTE),
        Threshold("now", Target.RESOLUTION, Moment.AT),
        Threshold("late", Target.RESOLUTION, Moment.AFTER, 30 * MINUTE),
        Threshold("early", Target.RESOLUTION, Moment.BEFORE, 90 * MINUTE),
        Threshold("other", Target.NEXT_RESPONSE, Moment.AT),
    )
    held = book(policy(1, thresholds=marks))
    progress = follow(held, (Step(0, "new", None, {}),))
    assert [(one.at // MINUTE, one.threshold.name) for one in reached(held, progress, 500 * MINUTE)] == [
        (0, "early"),
        (45, "soon"),
        (60, "now"),
        (90, "late"),
    ]
    # Just after the end of a promise, it shows as broken.
    over = 60 * MINUTE + 1
    looks = [0, 45 * MINUTE, 60 * MINUTE, over, 90 * MINUTE]
    assert [next_look(held, progress, after) for after in looks] == [45 * MINUTE, 60 * MINUTE, over, 90 * MINUTE, None]


def test_a_clock_that_stands_still_reaches_nothing() -> None:
    goals = {Target.RESOLUTION: Goal(otherwise=60 * MINUTE, pauses=frozenset({"waiting_on_customer"}))}
    held = book(policy(1, goals=goals, thresholds=(Threshold("now", Target.RESOLUTION, Moment.AT),)))
    waiting = Step(20 * MINUTE, "waiting_on_customer", None, {}, Said.AGENT)
    progress = follow(held, (Step(0, "new", None, {}), waiting))
    assert [one.run for one in progress.live] == [Run.PAUSED]
    assert next_look(held, progress, 0) is None
    assert reached(held, progress, 10**12) == ()
    on = follow(held, (Step(50 * MINUTE, "waiting_on_us", None, {}, Said.CUSTOMER),), progress)
    assert next_look(held, on, 50 * MINUTE) == 90 * MINUTE
    assert next_look(held, on, 90 * MINUTE) == 90 * MINUTE + 1
