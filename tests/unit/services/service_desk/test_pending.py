"""Steps that are folded when somebody looks come to the same as steps that are folded at once."""

from __future__ import annotations

from hypothesis import given, settings

from services.service_desk.domain.clocks import follow
from services.service_desk.domain.progress import Step
from services.service_desk.domain.thresholds import Reached, passed
from services.service_desk.promises.rows import as_json, carried_on, from_json
from shared.kernel.json import dumps, loads
from tests.unit.services.service_desk.drawing import World, worlds
from tests.unit.services.service_desk.minutes import MINUTE
from tests.unit.services.service_desk.test_clocks import book_of


def pending(steps: tuple[Step, ...], told: int) -> list[list[object]]:
    """As rows keep them."""
    found = [[one.at, one.state, one.priority, dict(one.facts), told] for one in steps]
    return list(loads(dumps(found)))


@settings(max_examples=50, deadline=None)
@given(worlds())
def test_folded_later_is_folded_at_once(world: World) -> None:
    book, (first, *rest) = book_of(world), [one._replace(said=None) for one in world[2]]
    begun = follow(book, (first,))
    told = rest[-1].at if rest else first.at
    progress, reached, late = carried_on(book, from_json(book, loads(dumps(as_json(begun)))), pending((*rest,), told))
    assert not late
    noted: list[Reached] = []
    at_once = begun
    for step in rest:
        at_once, found = passed(book, at_once, step.at - 1)
        noted += found
        at_once = follow(book, (step,), at_once)
    assert progress == at_once
    assert list(reached) == noted


@settings(max_examples=20, deadline=None)
@given(worlds())
def test_what_comes_too_late_is_told_and_what_was_reached_until_then(world: World) -> None:
    book, first = book_of(world), world[2][0]
    begun = follow(book, (first,))
    told = first.at + 700 * MINUTE
    progress, reached, late = carried_on(book, begun, pending((first._replace(at=first.at - 1),), told))
    assert (progress, late) == (begun, True)
    assert reached == passed(book, begun, told)[1]
