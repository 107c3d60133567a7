"""Whose turn it is. Pure.

Everybody gets of what is given out what their weight is of all weights, and nobody is ever more than one ahead of
another of the same weight. It depends on nothing but what was given so far, so that turns can be taken in any process.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Member:
    """An owner in a pool. given: how many they got since the pool is as it is."""

    owner: int
    weight: int = 1
    given: int = 0


def turns(members: Sequence[Member], count: int) -> tuple[list[int], list[Member]]:
    """The owners of the next `count`, in order, and the members afterwards. Those of weight 0 get nothing; without
    anybody else the answer is empty."""
    after = list(members)
    places = [place for place, one in enumerate(after) if one.weight > 0]
    chosen: list[int] = []
    for _ in range(count if places else 0):
        # Who would be least far ahead of their share with one more; of equals the one who stands first.
        place = min(places, key=lambda at: ((after[at].given + 1) / after[at].weight, at))
        after[place] = replace(after[place], given=after[place].given + 1)
        chosen.append(after[place].owner)
    return chosen, after
