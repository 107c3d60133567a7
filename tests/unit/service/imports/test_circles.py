"""Who can never be linked: to itself, or to somebody below; in the order of the file."""

from __future__ import annotations

from shared.service.imports.circles import CIRCLE, ITSELF, impossible
from shared.service.imports.resolving import Edge
from shared.service.imports.waiting import Waiting

UP, DOWN = {0: Edge(14, True)}, {0: Edge(14, False)}


def row(line, child, parent):
    own, other = ("name", child), ("name", parent)
    return Waiting(line, None, frozenset({other}), frozenset({own}), {other: 0}, ((other, 0),))


def found(rows, edges=UP, above=(), also=()):
    parents = {(14, ("name", child)): ("name", parent) for child, parent in above}
    return impossible(rows, edges, lambda target: target, parents, also)


def test_the_row_that_closes_a_circle_is_the_one():
    ring = [row(2, "a", "b"), row(3, "b", "c"), row(4, "c", "a")]
    assert found(ring) == found(ring, DOWN) == {4: (0, CIRCLE)}
    assert found(ring, also={3}) == {}
    assert found(ring[2:], above=[("a", "b"), ("b", "c")]) == {4: (0, CIRCLE)}
    assert found(ring, {0: None}) == {}


def test_nobody_is_linked_to_itself_whatever_the_relation():
    assert found([row(2, "a", "a")]) == found([row(2, "a", "a")], {0: None}) == {2: (0, ITSELF)}


def test_a_new_parent_takes_the_place_of_the_former():
    assert found([row(2, "a", "b"), row(3, "a", "c"), row(4, "b", "a")]) == {}


def test_long_chains_are_no_trouble():
    assert found([row(n, f"c{n}", f"c{n - 1}") for n in range(20_000, 1, -1)]) == {}
