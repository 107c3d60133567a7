"""What wanted links come to, without a database."""

from __future__ import annotations

from typing import Any

import pytest

from shared.eav.links.clock import Clock
from shared.eav.links.plan import Plan, Stored, Want
from shared.eav.links.relations import RelationDef, worked_out
from shared.kernel.errors import Invalid

PLAIN = RelationDef(10, 11, "a", "b", "a_to_b", plain=True)
BACK = RelationDef(11, 10, "b", "a", "b_to_a", plain=True)
FIRST = RelationDef(20, 21, "a", "b", "first", "First", single=True, first=True)
FIRST_BACK = RelationDef(21, 20, "b", "a", "first_back", "First")
ONLY = RelationDef(30, 31, "a", "b", "only", "Only", single=True)
ONLY_BACK = RelationDef(31, 30, "b", "a", "only_back", "Only", single=True)
ALIKE = RelationDef(40, 40, "b", "b", "b_to_b", plain=True)
ABOVE = RelationDef(50, 51, "b", "b", "above", "Above", single=True, tree=True)
BELOW = RelationDef(51, 50, "b", "b", "below", "Below")


class Known:
    """Relations without a database."""

    def __init__(self, *defs: RelationDef) -> None:
        self._defs = defs or (PLAIN, BACK, FIRST, FIRST_BACK, ONLY, ONLY_BACK, ALIKE, ABOVE, BELOW)

    def get(self, ident: int) -> RelationDef | None:
        """By id."""
        return next((one for one in self._defs if one.id == ident), None)

    def between(self, from_type: str, to_type: str) -> list[RelationDef]:
        """Of a direction, the plain one first."""
        return [one for one in self._defs if (one.from_type, one.to_type) == (from_type, to_type)]


def plan(stored: Stored | None = None, *defs: RelationDef, exact: bool = False) -> Plan:
    return Plan(Known(*defs), stored or Stored(), exact=exact)  # type: ignore[arg-type]


def want(from_id: int, to_id: int, *defs: RelationDef, back: bool = False, place: int = 0) -> Want:
    names = ("b", "a") if back else ("a", "b")
    return Want(place, from_id, *names, to_id, defs) if defs != (ALIKE,) else Want(place, from_id, "b", "b", to_id)


def differences(made: Plan) -> set[tuple[int, int, int, bool]]:
    return {(one.relation.id, one.from_id, one.to_id, one.live) for one in made.changes()}


def test_both_sides_of_one_link_are_one_change():
    made = plan()
    assert made.link([want(1, 2), want(2, 1, back=True)]) is None
    assert differences(made) == {(10, 1, 2, True), (20, 1, 2, True)}
    assert made.has(BACK, 2, 1)
    assert not made.had(BACK, 2, 1)


def test_what_is_made_and_undone_again_is_no_change():
    made = plan(Stored({(10, 1, 2): 5, (20, 1, 2): 5}, {(20, 1): (2, True)}))
    assert made.link([want(1, 3, FIRST)]) is None
    assert made.link([want(1, 2, FIRST)]) is None
    assert differences(made) == {(10, 1, 3, True)}


def test_a_register_of_both_ends_leaves_both_old_ones():
    stored = {(10, 1, 2): 1, (30, 1, 2): 1, (10, 3, 4): 1, (30, 3, 4): 1}
    made = plan(Stored(stored, {(30, 1): (2, True), (31, 2): (1, True), (30, 3): (4, True), (31, 4): (3, True)}))
    assert made.link([want(1, 4, ONLY)]) is None
    assert {(30, 1, 2, False), (30, 1, 4, True)} <= differences(made)
    assert any(not live and {start, end} == {3, 4} for _, start, end, live in differences(made))


@pytest.mark.parametrize(("holder", "taken"), [((9, True), False), ((9, False), True), (None, True)])
def test_a_first_one_takes_over_from_nobody_who_is_there(holder: tuple[int, bool] | None, taken: bool):
    stored = Stored({(10, 1, 9): 1, (20, 1, 9): 1}, {(20, 1): holder}) if holder else Stored()
    made = plan(stored)
    assert made.link([want(1, 2)]) is None
    assert made.has(FIRST, 1, 2) is taken
    assert made.has(FIRST, 1, 9) is (holder == (9, True))


def limited(most: int) -> tuple[RelationDef, ...]:
    return (RelationDef(10, 11, "a", "b", "a_to_b", plain=True, limit=most), BACK)


def test_an_item_over_a_limit_leaves_nothing_behind():
    made = plan(Stored(counts={(10, 1): 1}), *limited(2))
    refused = made.link([want(1, 2), want(1, 3)])
    assert isinstance(refused, Invalid)
    assert refused.errors[0].code == "LIMIT_EXCEEDED"
    assert differences(made) == set()
    assert made.link([want(1, 2)]) is None
    assert made.link([want(1, 3)]) is not None
    assert differences(made) == {(10, 1, 2, True)}


def test_links_that_are_there_count_once():
    made = plan(Stored({(10, 1, 2): 1}, counts={(10, 1): 1}), *limited(1))
    assert made.link([want(1, 2)]) is None
    assert made.link([want(1, 3)]) is not None


@pytest.mark.parametrize("ends", [(1, 3, ABOVE), (3, 1, BELOW)])
def test_circles_of_what_is_stored_and_what_is_asked(ends: tuple[int, int, RelationDef]):
    made = plan(Stored(parents={(50, 3): 2}))
    together = [Want(0, 2, "b", "b", 1, (ABOVE,)), Want(0, *ends[:1], "b", "b", ends[1], ends[2:])]
    refused = made.link(together)
    assert isinstance(refused, Invalid)
    assert refused.errors[0].code == "CIRCULAR_ASSOCIATION"
    assert differences(made) == set()
    assert made.link(together[:1]) is None


def test_setting_labels_leaves_what_falls_to_the_first():
    stored = {(10, 1, 2): 1, (20, 1, 2): 1, (30, 1, 2): 1}
    made = plan(Stored(stored, {(20, 1): (2, True), (30, 1): (2, True), (31, 2): (1, True)}), exact=True)
    assert made.link([want(1, 2)]) is None
    assert differences(made) == {(30, 1, 2, False)}


def test_ids_worked_out_of_the_types_never_meet():
    ids = [f"0-{n}" for n in (1, 2, 5, 136, 420)] + ["9-1", "9-2"] + [f"2-{n}" for n in (1, 2, 30_000)]
    made: list[Any] = [worked_out(one) for one in ids]
    found = {
        one["base"] + one["number"] * one["span"] + other["number"] for one in made for other in made if one and other
    }
    assert len(found) == len(ids) ** 2
    assert max(found) < 2**31
    assert min(found) >= 1_000_000
    assert [worked_out(one) for one in ("", "contact", "2-99999", "3-1")] == [None] * 4


def test_a_clock_goes_on():
    clock = Clock()
    ticks = [clock.tick() for _ in range(1000)]
    assert ticks == sorted(set(ticks))
    assert clock.tick(ticks[-1] + 10**9) > ticks[-1] + 10**9
