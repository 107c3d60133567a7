"""What two services' words on one pair of entities come to. Pure; whatever the order, and however often they are heard.

Of a relation is kept when it was last made and last undone; it holds when it was made after both that and the last
undoing of the plain relation, which undoes the whole link. Whoever gives a pair a label says that it is linked. So
every word raises some stamps to a maximum, and all who heard the same words agree. Not for registers, which only the
service of who carries them can keep: see `receiving`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from shared.eav.links.relations import RelationDef

Stamp = tuple[int, str]
"""(hybrid logical clock, service name): the greater one was later."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One word: this relation of ours to theirs is (or is not) there. tell: what it changes is news to the others."""

    relation: RelationDef
    own_id: int
    other_id: int
    live: bool
    stamp: Stamp
    since: datetime | None = None
    tell: bool = False
    reason: str = ""


@dataclass(slots=True)
class Pair:
    """All relations of two entities, from ours to theirs, by id: when made (and since when it counts), when undone."""

    plain: int
    own_id: int
    other_id: int
    made: dict[int, tuple[Stamp, datetime | None]] = field(default_factory=dict)
    undone: dict[int, Stamp] = field(default_factory=dict)

    def holds(self, relation: int) -> bool:
        """Whether they are linked by it."""
        if relation not in self.made:
            return False
        stamp = self.made[relation][0]
        return all(one not in self.undone or self.undone[one] < stamp for one in (relation, self.plain))

    def held(self) -> frozenset[int]:
        """The relations that hold."""
        return frozenset(one for one in self.made if self.holds(one))

    def make(self, relation: int, stamp: Stamp, since: datetime | None = None) -> None:
        """It was made then, and the pair linked by that."""
        for one in {self.plain, relation}:
            known = self.made.get(one)
            if known is None or known[0] < stamp:
                self.made[one] = stamp, known[1] if known is not None and self.holds(one) else since

    def undo(self, relation: int, stamp: Stamp) -> None:
        """It was undone then."""
        self.undone[relation] = max(stamp, self.undone.get(relation, stamp))


@dataclass(frozen=True, slots=True)
class News:
    """A relation that a pair got or lost, and that others have to be told of."""

    pair: Pair
    relation: int
    live: bool
    reason: str = ""


def settle(words: Sequence[tuple[Pair, Heard]], ours: Stamp) -> list[News]:
    """Take in words about these pairs, in any order. What those change that are to be told is put under our stamp,
    which must be greater than any other here."""
    by_pair: dict[int, tuple[Pair, list[Heard]]] = {}
    for pair, one in words:
        by_pair.setdefault(id(pair), (pair, []))[1].append(one)
    return [news for pair, heard in by_pair.values() for news in _settled(pair, heard, ours)]


def _settled(pair: Pair, heard: Sequence[Heard], ours: Stamp) -> Iterable[News]:
    before = pair.held()
    for one in heard:
        if one.live:
            pair.make(one.relation.id, one.stamp, one.since)
        else:
            pair.undo(one.relation.id, one.stamp)
    after = pair.held()
    told = [one for one in heard if one.tell]
    made = {one.relation.id for one in heard if one.live and not one.tell}
    undone = {one.relation.id for one in heard if not one.live and not one.tell}
    # What a word implies (a label that the pair is linked, undoing the link that it has no labels) is told as well:
    # those who only listen need not know the rule.
    for relation in sorted(after - before - made):
        pair.make(relation, ours, heard[0].since)
        yield News(pair, relation, True)
    theirs = made | {pair.plain} if made else made  # what the others hold, unless they are told
    for relation in sorted((before | theirs) - after if told else before - after - undone):
        pair.undo(relation, ours)
        yield News(pair, relation, False, told[0].reason if told else "")
