"""What clocks came to: later steps change none of it, and every closing is one, whatever happens."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings

from services.service_desk.domain.clocks import follow
from services.service_desk.domain.outcomes import mark, outcomes
from services.service_desk.domain.policies import Target
from services.service_desk.domain.progress import CLOSED, Run, Said, Step
from tests.unit.services.service_desk.drawing import World, worlds
from tests.unit.services.service_desk.test_clocks import book_of


@settings(max_examples=50, deadline=None)
@given(worlds())
def test_what_was_said_once_stays(world: World) -> None:
    book, steps = book_of(world), world[2]
    found = [follow(book, steps[:count]) for count in range(1, len(steps) + 1)]
    told = [outcomes(one, steps[0].at) for one in found]
    for before, after in pairwise(told):
        later = {one.which: one for one in after}
        for one in before:
            same = later[one.which]
            assert one == (same if one.reopened is not None else same._replace(reopened=None))
    for (one, left), (other, right) in pairwise(zip(found, told, strict=True)):
        assert (tuple(mark(one)) == tuple(mark(other))) == (left == right)


@settings(max_examples=50, deadline=None)
@given(worlds())
def test_every_closing_and_every_opening_again_is_one(world: World) -> None:
    steps = world[2]
    found = outcomes(follow(book_of(world), steps), steps[0].at)
    solved = [one for one in found if one.target is Target.RESOLUTION]
    closed = [step.at for before, step in pairwise((None, *steps)) if _closes(before, step)]
    reopened = [step.at for before, step in pairwise(steps) if before.state == CLOSED != step.state]
    assert [one.ended for one in solved] == closed
    assert [one.reopened for one in solved if one.reopened is not None] == reopened


@settings(max_examples=50, deadline=None)
@given(worlds())
def test_what_nobody_answered_took_no_time(world: World) -> None:
    steps = world[2]
    answers = {step.at for step in steps if step.said is Said.AGENT}
    for one in outcomes(follow(book_of(world), steps), steps[0].at):
        if one.target is not Target.RESOLUTION:
            assert one.calendar is None or one.ended in answers
            assert one.calendar is not None or one.verdict is not Run.MET


def _closes(before: Step | None, step: Step) -> bool:
    return step.state == CLOSED and (before is None or before.state != CLOSED)
