"""Turns are fair: by weight, at every moment, and the same however they are taken."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from shared.service.assignment.shares import Member, turns

pools = st.lists(st.integers(0, 6), min_size=1, max_size=8).map(
    lambda weights: [Member(100 + n, weight) for n, weight in enumerate(weights)]
)


@given(st.integers(1, 9), st.integers(0, 60))
def test_of_equal_weights_nobody_is_two_ahead(size: int, count: int):
    chosen, _ = turns([Member(n) for n in range(size)], count)
    got = Counter(dict.fromkeys(range(size), 0)) + Counter(chosen)
    found = [got[n] for n in range(size)]
    assert sum(found) == count
    assert max(found) - min(found) <= 1


@given(pools, st.integers(0, 80))
def test_everybody_gets_their_share(members: list[Member], count: int):
    chosen, after = turns(members, count)
    total = sum(one.weight for one in members)
    assert len(chosen) == (count if total else 0)
    for one in after:
        due = len(chosen) * one.weight / total if total else 0
        assert abs(one.given - due) < max(2, len(members)), one
        assert one.weight or not one.given
    assert Counter(chosen) == {one.owner: one.given for one in after if one.given}


@given(pools, st.lists(st.integers(0, 9), max_size=6))
def test_turns_one_by_one_are_turns_at_once(members: list[Member], counts: list[int]):
    apart: list[int] = []
    after = members
    for count in counts:
        chosen, after = turns(after, count)
        apart += chosen
    assert (apart, after) == turns(members, sum(counts))


def test_after_a_round_of_weights_everybody_has_what_they_are_due():
    _, after = turns([Member(1, 3), Member(2, 2), Member(3, 1)], 12)
    assert [one.given for one in after] == [6, 4, 2]
