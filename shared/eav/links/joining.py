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
_NEVER: Stamp = (-1, "")


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

    def made_at(self, relation: int) -> Stamp:
        """When it was last made."""
        return self.made[relation][0] if relation in self.made else _NEVER

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

    def hear(self, one: Heard, stamp: Stamp) -> None:
        """Take in a word, as said then."""
        if one.live:
            self.make(one.relation.id, stamp, one.since)
        else:
            self.undo(one.relation.id, stamp)


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
    plainly = [one for one in heard if not one.tell]
    for one in plainly:
        pair.hear(one, one.stamp)
    after = pair.held()
    # What a word implies (a label that the pair is linked, undoing the link that it has no labels) is told as well:
    # those who only listen need not know the rule.
    said = {one.relation.id for one in plainly if one.live and pair.undone.get(one.relation.id, _NEVER) < one.stamp}
    unsaid = {one.relation.id for one in plainly if not one.live and pair.made_at(one.relation.id) < one.stamp}
    implied, lost = after - before - said, before - after - unsaid
    yield from _told(pair, implied, lost, ours, heard[0])
    told = [one for one in heard if one.tell]
    if told:
        # Nothing is kept of words that change nothing here: the others do not know of them, and never will.
        trial = Pair(pair.plain, pair.own_id, pair.other_id, dict(pair.made), dict(pair.undone))
        for one in told:
            trial.hear(one, one.stamp)
        before, after = pair.held(), trial.held()
        yield from _told(pair, after - before, before - after, ours, told[0])


def _told(pair: Pair, made: Iterable[int], undone: Iterable[int], ours: Stamp, heard: Heard) -> Iterable[News]:
    for relation in sorted(made):
        pair.make(relation, ours, heard.since)
        yield News(pair, relation, True)
    for relation in sorted(undone):
        pair.undo(relation, ours)
        yield News(pair, relation, False, heard.reason)
