"""Whose turn it is. Pure.

Everybody gets of what is given out what their weight is of all weights, and nobody is ever more than one ahead of
another of the same weight. It depends on nothing but what was given so far, so that turns can be taken in any process.

Who could not take any, being away or full, is not made up to afterwards: what passed them by is counted as if they had
got it. Who lacked a skill is: they were there for everything else.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Member:
    """An owner in a pool. given: how many they got since the pool is as it is; passed: how many passed them by."""

    owner: int
    weight: int = 1
    given: int = 0
    passed: int = 0

    @property
    def had(self) -> int:
        """What counts as theirs already."""
        return self.given + self.passed


def turns(members: Sequence[Member], count: int) -> tuple[list[int], list[Member]]:
    """The owners of the next `count`, in order, and the members afterwards. Those of weight 0 get nothing; without
    anybody else the answer is empty."""
    after, chosen = list(members), []
    free = {one.owner for one in members}
    for _ in range(count):
        owner, after = turn(after, free)
        if owner is not None:
            chosen.append(owner)
    return chosen, after


def turn(
    members: Sequence[Member], free: Collection[int], absent: Collection[int] = ()
) -> tuple[int | None, list[Member]]:
    """The next one of those who are free, None without any, and the members afterwards; it passes the absent by."""
    places = [place for place, one in enumerate(members) if one.weight > 0 and one.owner in free]
    if not places:
        return None, list(members)
    # Who would be least far ahead of their share with one more; of equals the one who stands first.
    place = min(places, key=lambda at: ((members[at].had + 1) / members[at].weight, at))
    level, weight = members[place].had, members[place].weight
    after = [
        replace(one, passed=max(one.passed, level * one.weight // weight - one.given)) if one.owner in absent else one
        for one in members
    ]
    return members[place].owner, gave(after, members[place].owner)


def gave(members: Sequence[Member], owner: int, count: int = 1) -> list[Member]:
    """The members after somebody got some; a negative count takes back what came to nothing."""
    return [replace(one, given=max(one.given + count, 0)) if one.owner == owner else one for one in members]
