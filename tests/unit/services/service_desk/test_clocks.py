"""Clocks against the slow reference, and what must hold of them whatever happens."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from services.service_desk.domain.clocks import caught_up, follow, reading
from services.service_desk.domain.policies import Book, Target
from services.service_desk.domain.progress import ENDED, Clock, Progress, Promise, Run, Said, Step
from services.service_desk.domain.thresholds import next_look
from tests.unit.services.service_desk.drawing import STATES, World, timelines, worlds
from tests.unit.services.service_desk.minutes import MINUTE, Counted, Desk, fits

_TAIL = 700 * MINUTE


def book_of(world: World) -> Book:
    """The promises of a world."""
    return Book(world[0], timelines(world[1]), fits)


def counted(world: World, end: int) -> list[Counted]:
    """What the reference makes of it by an instant."""
    desk, steps = Desk(world[0], world[1]), world[2]
    for at in range(steps[0].at, end, MINUTE):
        desk.minute(at, [one for one in steps if one.at == at])
    for one in desk.live():
        one.miss(end)
    return sorted(desk.clocks, key=lambda one: (one.cycle, one.started, one.target, one.round))


def shown(book: Book, progress: Progress, end: int) -> list[tuple[object, ...]]:
    """What the engine makes of it, in the terms of the reference."""
    found = []
    for one in caught_up(book, progress, end - 1).clocks:
        now = reading(book.timelines, one, end if one.stopped is None else one.stopped)
        run = one.run.value
        judged = one.judged if now.breached is not None else None
        missed = None if judged is None else (judged.policy, judged.version, judged.length)
        counted = (now.elapsed, now.paused, now.breached, missed, one.stopped)
        found.append((one.target.value, one.cycle, one.round, run, *counted))
    return found


@settings(max_examples=50, deadline=None)
@given(worlds())
def test_the_engine_equals_counting_minutes(world: World) -> None:
    book, end = book_of(world), world[2][-1].at + _TAIL
    expected = [
        (one.target, one.cycle, one.round, one.run, one.elapsed, one.paused, one.breached, one.missed, one.stopped)
        for one in counted(world, end)
    ]
    assert shown(book, follow(book, world[2]), end) == expected


@settings(max_examples=50, deadline=None)
@given(worlds(), st.lists(st.integers(0, 12_000), max_size=5))
def test_state_folded_bit_by_bit_equals_recomputation(world: World, looks: list[int]) -> None:
    book, steps = book_of(world), world[2]
    end = steps[-1].at + _TAIL
    progress = None
    for place, step in enumerate(steps):
        progress = follow(book, (step,), progress)
        until = steps[place + 1].at if place + 1 < len(steps) else end
        # Looking in between, as the sweep does, must not show afterwards.
        for look in sorted(step.at + minutes * MINUTE for minutes in looks):
            if look <= until:
                progress = caught_up(book, progress, look)
                next_look(book, progress, look)
    assert progress is not None
    whole = follow(book, steps)
    assert shown(book, progress, end) == shown(book, whole, end)
    assert caught_up(book, progress, end).clocks == caught_up(book, whole, end).clocks


@settings(max_examples=50, deadline=None)
@given(worlds(), st.data())
def test_pausing_never_shortens_a_deadline(world: World, data: st.DataObject) -> None:
    pausing = data.draw(st.sampled_from([one for one in STATES if one != "closed"]))
    rested = tuple(
        replace(
            one, goals={target: replace(goal, pauses=goal.pauses | {pausing}) for target, goal in one.goals.items()}
        )
        for one in world[0]
    )
    end = world[2][-1].at + _TAIL
    less, more = (Book(one, timelines(world[1]), fits) for one in (world[0], rested))
    pairs = zip(
        caught_up(less, follow(less, world[2]), end).clocks,
        caught_up(more, follow(more, world[2]), end).clocks,
        strict=True,
    )
    for clock, other in pairs:
        was = reading(less.timelines, clock, clock.stopped or end)
        now = reading(more.timelines, other, other.stopped or end)
        assert now.elapsed <= was.elapsed
        assert now.breached is None or (was.breached is not None and was.breached <= now.breached)
        if was.breached is None and was.due is not None and now.due is not None:
            assert was.due <= now.due


@settings(max_examples=50, deadline=None)
@given(worlds())
def test_what_is_shown_adds_up(world: World) -> None:
    book, end = book_of(world), world[2][-1].at + _TAIL
    progress = caught_up(book, follow(book, world[2]), end)
    for one in progress.clocks:
        now = reading(book.timelines, one, one.stopped or end)
        if now.remaining is not None:
            assert now.elapsed + now.remaining == one.length
        if now.breached is None and one.run is Run.RUNNING and one.due is not None:
            assert one.due >= end
        assert (one.stopped is not None) == (one.run in ENDED)
        assert one.run is not Run.BREACHED or one.breached is not None


def test_a_breach_is_never_taken_back(desk: Book) -> None:
    opened = Step(0, "new", "high", {})
    lowered = Step(20 * MINUTE, "new", "low", {})
    progress = follow(desk, (opened, lowered, Step(30 * MINUTE, "closed", "low", {})))
    solved = _clock(progress, Target.RESOLUTION)
    assert (solved.run, solved.breached, solved.length) == (Run.BREACHED, 10 * MINUTE, 100 * MINUTE)
    # What was missed is the promise of then.
    assert solved.judged == Promise(1, 1, 1, 10 * MINUTE)


def test_an_answer_at_the_last_moment_is_in_time(desk: Book) -> None:
    opened = Step(0, "new", "high", {})
    for minutes, run in ((5, Run.MET), (6, Run.BREACHED)):
        answered = Step(minutes * MINUTE, "waiting_on_customer", "high", {}, said=Said.AGENT)
        assert _clock(follow(desk, (opened, answered)), Target.FIRST_RESPONSE).run is run


def test_closing_without_an_answer_has_no_verdict_on_it(desk: Book) -> None:
    progress = follow(desk, (Step(0, "new", "high", {}), Step(MINUTE, "closed", "high", {})))
    assert _clock(progress, Target.FIRST_RESPONSE).run is Run.DROPPED
    assert _clock(progress, Target.RESOLUTION).run is Run.MET


def test_reopening_begins_a_cycle_with_clocks_of_its_own(desk: Book) -> None:
    steps = (
        Step(0, "new", "high", {}),
        Step(MINUTE, "closed", "high", {}, said=Said.AGENT),
        Step(500 * MINUTE, "open", "high", {}, said=Said.CUSTOMER),
    )
    progress = follow(desk, steps)
    assert [(one.target, one.cycle) for one in progress.live] == [
        (Target.FIRST_RESPONSE, 2),
        (Target.RESOLUTION, 2),
    ]
    assert {one.due for one in progress.live} == {505 * MINUTE, 510 * MINUTE}


def test_each_wait_for_an_answer_is_a_round(desk: Book) -> None:
    steps = (
        Step(0, "new", "high", {}),
        Step(MINUTE, "open", "high", {}, said=Said.AGENT),
        Step(2 * MINUTE, "open", "high", {}, said=Said.CUSTOMER),
        Step(3 * MINUTE, "open", "high", {}, said=Said.CUSTOMER),
        Step(4 * MINUTE, "open", "high", {}, said=Said.AGENT),
        Step(9 * MINUTE, "open", "high", {}, said=Said.CUSTOMER),
    )
    rounds = [one for one in follow(desk, steps).clocks if one.target is Target.NEXT_RESPONSE]
    assert [(one.round, one.started, one.elapsed, one.run) for one in rounds] == [
        (1, 2 * MINUTE, 2 * MINUTE, Run.MET),
        (2, 9 * MINUTE, 0, Run.RUNNING),
    ]


def _clock(progress: Progress, target: Target) -> Clock:
    return next(one for one in progress.clocks if one.target is target)
