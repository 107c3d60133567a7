"""What a batch of wanted links comes to, item by item in the order asked. Pure: state in, rows and errors out.

Entities that are about to be created stand in with negative ids until they have their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.eav.links.relations import RelationDef, Relations
from shared.kernel.errors import CrmError, Invalid

Row = tuple[int, int, int]
"""(relation, from id, to id) of one direction; a link is named by the smaller of its two rows."""


@dataclass(frozen=True, slots=True)
class Want:
    """One wanted link of the item at `place`, its names resolved: `defs` are the labels asked for."""

    place: int
    from_id: int
    from_type: str
    to_type: str
    to_id: int
    defs: tuple[RelationDef, ...] = ()
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """A link that will differ from what is stored: made or undone, and its clock so far (0: it was not there)."""

    relation: RelationDef
    from_id: int
    to_id: int
    live: bool
    clock: int
    since: datetime | None


@dataclass(slots=True)
class Stored:
    """What the tables hold of all that a batch can touch.

    links: row -> clock. holders: (register, carrier) -> (its other end, whether that is live). counts: (relation with
    a limit, entity) -> live links. parents: (tree, child) -> parent, upwards from everything touched.
    """

    links: dict[Row, int] = field(default_factory=dict)
    holders: dict[tuple[int, int], tuple[int, bool]] = field(default_factory=dict)
    counts: dict[tuple[int, int], int] = field(default_factory=dict)
    parents: dict[tuple[int, int], int] = field(default_factory=dict)


def named(relation: RelationDef, from_id: int, to_id: int) -> Row:
    """The name of a link."""
    return min((relation.id, from_id, to_id), (relation.inverse, to_id, from_id))


class Plan:
    """The links as they will be. `link` takes one item's wants all together or not at all."""

    def __init__(self, relations: Relations, stored: Stored, *, exact: bool = False) -> None:
        self._relations = relations
        self._stored = stored
        self._exact = exact
        self._initial = {self._name(row): clock for row, clock in stored.links.items()}
        self._links: dict[Row, bool] = {}
        self._told: dict[Row, tuple[RelationDef, int, int, datetime | None]] = {}
        self._since: datetime | None = None
        self._holders: dict[tuple[int, int], tuple[int, bool]] = dict(stored.holders)
        self._journal: list[tuple[dict[Any, Any], Any, Any]] = []
        self.fresh: dict[int, set[tuple[str, int]]] = {}
        """Place of an item -> (type, id) of what it links to anew, beside what is stored and the items before it."""

    def link(self, wants: Sequence[Want]) -> CrmError | None:
        """Make these links, or answer why not: then nothing of it is made."""
        self._journal.clear()
        for want in wants:
            self._since = want.since
            error = self._link(want)
            if error is not None:
                self.fresh.pop(want.place, None)
                for held, key, old in reversed(self._journal):
                    if old is None:
                        del held[key]
                    else:
                        held[key] = old
                return error
        return None

    def changes(self) -> Iterable[Difference]:
        """Every link that differs from what is stored."""
        for name, live in self._links.items():
            if live is not (name in self._initial):
                relation, start, end, since = self._told[name]
                yield Difference(relation, start, end, live, self._initial.get(name, 0), since)

    def has(self, relation: RelationDef, from_id: int, to_id: int) -> bool:
        """Whether the pair will have this relation."""
        name = named(relation, from_id, to_id)
        return self._links.get(name, name in self._initial)

    def had(self, relation: RelationDef, from_id: int, to_id: int) -> bool:
        """Whether the pair has it by now."""
        return named(relation, from_id, to_id) in self._initial

    def _name(self, row: Row) -> Row:
        relation = self._relations.get(row[0])
        return row if relation is None else named(relation, row[1], row[2])

    def _other(self, relation: RelationDef) -> RelationDef:
        found = self._relations.get(relation.inverse)
        assert found is not None, f"relation {relation.id} has no inverse"
        return found

    def _link(self, want: Want) -> CrmError | None:
        between = self._relations.between(want.from_type, want.to_type)
        new = not self.has(between[0], want.from_id, want.to_id)
        if new or not all(self.has(one, want.from_id, want.to_id) for one in want.defs):
            self.fresh.setdefault(want.place, set()).add((want.to_type, want.to_id))
        for relation in between:
            if self._exact and relation not in want.defs and not self._kept(relation):
                self._drop(relation, want.from_id, want.to_id)
        for relation in (between[0], *want.defs):
            error = self._add(relation, want.from_id, want.to_id)
            if error is not None:
                return error
        for relation in between:
            if new and self._falls(relation, want.from_id, want.to_id):
                self._add(relation, want.from_id, want.to_id)
        return None

    def _kept(self, relation: RelationDef) -> bool:
        """What setting labels leaves alone: the plain relation, and registers that fall to the first one linked."""
        return relation.plain or relation.first or self._other(relation).first

    def _falls(self, relation: RelationDef, from_id: int, to_id: int) -> bool:
        """Whether a register falls to this newly linked pair, because nobody who is there holds it."""
        other = self._other(relation)
        if relation.from_mirror if relation.first else other.from_mirror:
            return False  # the service of who carries a register knows who holds it, and gives it away
        if relation.first:
            return not self._holders.get((relation.id, from_id), (0, False))[1]
        return other.first and not self._holders.get((other.id, to_id), (0, False))[1]

    def _add(self, relation: RelationDef, from_id: int, to_id: int) -> CrmError | None:
        if self.has(relation, from_id, to_id):
            return None
        other = self._other(relation)
        for one, start, end in ((relation, from_id, to_id), (other, to_id, from_id)):
            if one.single:
                self._take_over(one, start, end)
            error = self._over_limit(one, start) or self._circle(one, start, end)
            if error is not None:
                return error
        for one, start in {(relation, from_id), (other, to_id)}:
            self._put(self._stored.counts, (one.id, start), self._stored.counts.get((one.id, start), 0) + 1)
        self._set(relation, from_id, to_id, True)
        return None

    def _take_over(self, register: RelationDef, carrier: int, to_id: int) -> None:
        held = self._holders.get((register.id, carrier))
        if held is not None:
            self._drop(register, carrier, held[0])
        self._put(self._holders, (register.id, carrier), (to_id, True))
        if register.tree:
            self._put(self._stored.parents, (register.id, carrier), to_id)

    def _drop(self, relation: RelationDef, from_id: int, to_id: int) -> None:
        if not self.has(relation, from_id, to_id):
            return
        other = self._other(relation)
        for one, start in {(relation, from_id), (other, to_id)}:
            self._put(self._stored.counts, (one.id, start), self._stored.counts.get((one.id, start), 0) - 1)
            if one.single:
                self._put(self._holders, (one.id, start), (0, False))
                self._put(self._stored.parents, (one.id, start), 0)
        self._set(relation, from_id, to_id, False)

    def _set(self, relation: RelationDef, from_id: int, to_id: int, live: bool) -> None:
        name = named(relation, from_id, to_id)
        self._put(self._links, name, live)
        self._put(self._told, name, (relation, from_id, to_id, self._since))

    def _put(self, held: dict[Any, Any], key: Any, value: Any) -> None:
        self._journal.append((held, key, held.get(key)))
        held[key] = value

    def _over_limit(self, relation: RelationDef, from_id: int) -> CrmError | None:
        if relation.limit is None or self._stored.counts.get((relation.id, from_id), 0) < relation.limit:
            return None
        what = f'"{relation.label}" ' if relation.label else ""
        message = (
            f"{relation.from_type} {max(from_id, 0) or 'to be created'} has {relation.limit} {what}links to"
            f" {relation.to_type}, and more are not allowed"
        )
        return Invalid.one("id", "LIMIT_EXCEEDED", message)

    def _circle(self, relation: RelationDef, child: int, parent: int) -> CrmError | None:
        """Why a child cannot have this parent: it stands above it already."""
        if not relation.tree:
            return None
        above = parent
        seen = set()
        while above and above not in seen:
            if above == child:
                message = f"{relation.from_type} {parent} cannot be above {child}: it stands below it"
                return Invalid.one("id", "CIRCULAR_ASSOCIATION", message)
            seen.add(above)
            above = self._stored.parents.get((relation.id, above), 0)
        return None
