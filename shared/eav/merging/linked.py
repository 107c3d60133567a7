"""What becomes of links when entities are merged, and how it is taken back. Set-wise, however many links there are.

The survivor gets every link that it does not have and may have; a register it holds itself (its primary company, its
parent), links among the merged, and what would close a circle in a tree are left out. Everything is noted, so that
undoing gives the absorbed their links back, except those undone since. Not for single links: see `links.links`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from shared.eav.catalog import LiveType
from shared.eav.links.across import bury, newest_of, survivors, touch
from shared.eav.links.clock import Clock
from shared.eav.links.plan import named
from shared.eav.links.relations import RelationDef, Relations
from shared.kernel.db import Connection

Row = tuple[int, int, int]

_READ = """
select relation, from_id, to_id, since, clock from eav_link
where relation = any(%(relations)s::int[]) and from_id = any(%(ids)s::bigint[]) order by 2, 1, 3
"""
_ABOVE = """
with recursive above as (
    select l.from_id, l.to_id from eav_link l where l.relation = %(tree)s and l.from_id = any(%(ids)s::bigint[])
    union
    select l.from_id, l.to_id from above a join eav_link l on l.relation = %(tree)s and l.from_id = a.to_id)
select from_id, to_id from above
"""
_GONE = """
delete from eav_link l using unnest(%(r)s::int[], %(f)s::bigint[], %(t)s::bigint[]) g(r, f, t)
where l.relation = g.r and l.from_id = g.f and l.to_id = g.t returning l.relation, l.from_id, l.to_id
"""
_PUT = """
insert into eav_link(relation, from_id, to_id, since, clock)
select r, f, t, s, %(clock)s
from unnest(%(r)s::int[], %(f)s::bigint[], %(t)s::bigint[], %(s)s::timestamp[]) g(r, f, t, s)
order by 1, 2, 3 on conflict do nothing
"""
_NOTE = """
insert into eav_merge_link(merge_id, relation, absorbed, other_id, moved, since, clock)
select %(merge)s, * from unnest(%(r)s::int[], %(f)s::bigint[], %(t)s::bigint[], %(moved)s::bool[],
    %(s)s::timestamp[], %(clocks)s::bigint[])
"""
_NOTED = """
select n.relation, n.absorbed, coalesce(a.survivor, n.other_id), n.since, n.clock, n.moved
from eav_merge_link n left join eav_absorbed a on a.id = n.other_id and n.relation <> all(%(across)s::int[])
where n.merge_id = %(merge)s order by 2, 1, 3
"""
_HELD = """
select l.relation, l.from_id from unnest(%(r)s::int[], %(f)s::bigint[]) g(r, f)
join eav_link l on l.relation = g.r and l.from_id = g.f
"""


@dataclass(frozen=True, slots=True)
class Moving:
    """A link of an absorbed entity, from its side; `moved`: whether it becomes the survivor's."""

    relation: int
    absorbed: int
    other: int
    since: datetime
    clock: int
    moved: bool
    inverse: int

    def told(self) -> list[Any]:
        """As JSON in the merge's event."""
        return [self.relation, self.inverse, str(self.absorbed), str(self.other), self.moved]


class LinkMoves:
    """Moves links of merged entities of one database."""

    def __init__(self, relations: Relations) -> None:
        self._relations = relations
        self._clock = Clock()

    def ready(self) -> None:
        """Look at the relations now if that is due, before a connection is held."""
        self._relations.ready()

    def planned(self, connection: Connection, live: LiveType, survivor: int, absorbed: Sequence[int]) -> list[Moving]:
        """What a merge would do to the links of the absorbed; nothing is written."""
        leaving = {one.id: one for one in self._relations.leaving(live.name)}
        params = {"relations": list(leaving), "ids": [survivor, *absorbed]}
        rows = connection.rows(_READ, params)
        trees = {one.id: one for one in leaving.values() if one.tree and any(row[0] == one.id for row in rows)}
        trees |= {
            other.id: other
            for one in leaving.values()
            if (other := self._other(one)).tree and any(row[0] == one.id for row in rows)
        }
        above = {tree: dict(connection.rows(_ABOVE, {"tree": tree, "ids": params["ids"]})) for tree in trees}
        plan = _Plan(survivor, absorbed, rows, above)
        order = {ident: place for place, ident in enumerate(absorbed)}
        theirs = sorted((row for row in rows if row[1] in order), key=lambda row: (order[row[1]], row[0], row[2]))
        moving = []
        for relation, start, to, at, clock in theirs:
            other = self._other(leaving[relation])
            moved = plan.moves(leaving[relation], other, to)
            moving.append(Moving(relation, start, to, at, clock, moved, other.id))
        return moving

    def move(self, connection: Connection, merge_id: int, survivor: int, moving: Sequence[Moving]) -> int:
        """Carry it out, and note it under the merge; the clock of the links as they are now."""
        if not moving:
            return 0
        clock = self._swap(
            connection,
            [(one.relation, one.absorbed, one.other) for one in moving],
            [(one.relation, survivor, one.other, one.since) for one in moving if one.moved],
            max(one.clock for one in moving),
        )
        noted = {**_columns("rft", [(one.relation, one.absorbed, one.other) for one in moving]), "merge": merge_id}
        noted |= {"moved": [one.moved for one in moving], "s": [one.since for one in moving]}
        connection.run(_NOTE, {**noted, "clocks": [one.clock for one in moving]}, prepare=True)
        return clock

    def give_back(
        self, connection: Connection, live: LiveType, merge_id: int, survivor: int
    ) -> tuple[list[Moving], int]:
        """Undo `move`, after the absorbed are their own again: the links that they have back, and their clock. What was
        undone since stays undone, and an entity that was merged meanwhile is represented by its survivor."""
        # Ids of another service's entities may be those of absorbed ones here.
        elsewhere = [one.id for one in self._relations.leaving(live.name) if one.to_mirror]
        rows = connection.rows(_NOTED, {"merge": merge_id, "across": elsewhere})
        found = [Moving(r, who, to, at, clock, moved, self._inverse(r)) for r, who, to, at, clock, moved in rows]
        noted = self._with_labels(self._meant(connection, found))
        if not noted:
            return [], 0
        leaving = [(one.relation, survivor, one.other) for one in noted if one.moved]
        there = self._gone(connection, leaving)
        held = self._registers_held(connection, [one for one in noted if not one.moved])
        back = [
            one
            for one in noted
            if ((one.relation, survivor, one.other) in there if one.moved else (one.inverse, one.other) not in held)
        ]
        plain = {(one.relation, one.absorbed, one.other) for one in back}
        back = [one for one in back if (self._plain(one.relation), one.absorbed, one.other) in plain]
        clock = self._put(
            connection,
            there,
            [(one.relation, one.absorbed, one.other, one.since) for one in back],
            max((one.clock for one in noted), default=0),
        )
        return back, clock

    def _meant(self, connection: Connection, noted: Sequence[Moving]) -> list[Moving]:
        """The same with survivors for entities of other services that were absorbed there. Of those, links that moved
        are left with who has them: nobody can tell any more whether it had them before."""
        ends = {
            (one.relation, one.other): (defn.to_type, one.other)
            for one in noted
            if (defn := self._relations.get(one.relation)) is not None and defn.to_mirror
        }
        heirs = survivors(connection, ends.values()) if ends else {}
        meant = [heirs.get(ends.get((one.relation, one.other), ("", 0)), one.other) for one in noted]
        both = zip(noted, meant, strict=True)
        return [replace(one, other=other) for one, other in both if not one.moved or other == one.other]

    def _with_labels(self, noted: Sequence[Moving]) -> list[Moving]:
        """Labels that the survivor gave a link since it got that go with it."""
        found = {(one.relation, one.absorbed, one.other, one.moved): one for one in noted}
        for one in noted:
            defn = self._relations.get(one.relation)
            if one.moved and defn is not None and defn.plain:
                for label in self._relations.between(defn.from_type, defn.to_type)[1:]:
                    key = (label.id, one.absorbed, one.other, True)
                    found.setdefault(key, replace(one, relation=label.id, inverse=label.inverse))
        return list(found.values())

    def _plain(self, relation: int) -> int:
        """The relation that every pair has that has this one."""
        found = self._relations.get(relation)
        return relation if found is None else self._relations.plain(found.from_type, found.to_type).id

    def _registers_held(self, connection: Connection, dropped: Sequence[Moving]) -> set[tuple[int, int]]:
        """Registers of others that would point at an absorbed entity again, but point elsewhere by now."""
        asked = {
            (inverse.id, one.other)
            for one in dropped
            if (defn := self._relations.get(one.relation)) is not None and (inverse := self._other(defn)).single
        }
        if not asked:
            return set()
        return set(connection.rows(_HELD, _columns("rf", sorted(asked))))

    def _swap(
        self, connection: Connection, gone: Sequence[Row], put: Sequence[tuple[int, int, int, datetime]], seen: int
    ) -> int:
        """Take links away and put others, in both directions; the clock of that."""
        self._gone(connection, gone)
        return self._put(connection, gone, put, seen)

    def _put(
        self, connection: Connection, gone: Iterable[Row], put: Sequence[tuple[int, int, int, datetime]], seen: int
    ) -> int:
        """Put links, in both directions, and remember those that are gone; the clock of that."""
        lost, won = self._across(gone), self._across((r, f, t) for r, f, t, _ in put)
        names = {named(one, start, end) for one, start, end in (*lost, *won)}
        clock = self._clock.tick(max(seen, newest_of(connection, names)))
        bury(connection, [(named(one, start, end), clock, None) for one, start, end in lost])
        touch(connection, self._labelled(won), clock)
        if put:
            both = [*put, *((self._inverse(r), t, f, s) for r, f, t, s in put)]
            params = {**_columns("rfts", both), "clock": clock}
            connection.run(_PUT, params, prepare=True)
        return clock

    def _across(self, rows: Iterable[Row]) -> list[tuple[RelationDef, int, int]]:
        """Those of the links that another service knows of."""
        defs = ((self._relations.get(relation), start, end) for relation, start, end in rows)
        return [(one, start, end) for one, start, end in defs if one is not None and one.across]

    def _labelled(self, links: Iterable[tuple[RelationDef, int, int]]) -> set[tuple[RelationDef, int, int]]:
        """The plain links of pairs that get a label, which says of them that they are linked."""
        return {
            (self._relations.plain(one.from_type, one.to_type), start, end)
            for one, start, end in links
            if not one.plain
        }

    def _gone(self, connection: Connection, rows: Sequence[Row]) -> set[Row]:
        if not rows:
            return set()
        both = {*rows, *((self._inverse(r), t, f) for r, f, t in rows)}
        return set(connection.rows(_GONE, _columns("rft", sorted(both)), prepare=True))

    def _other(self, relation: RelationDef) -> RelationDef:
        found = self._relations.get(relation.inverse)
        assert found is not None, f"relation {relation.id} has no inverse"
        return found

    def _inverse(self, relation: int) -> int:
        found = self._relations.get(relation)
        return relation if found is None else found.inverse


class _Plan:
    """Links as they become while those of the absorbed are gone through one by one."""

    def __init__(
        self,
        survivor: int,
        absorbed: Iterable[int],
        rows: Sequence[tuple[Any, ...]],
        above: dict[int, dict[int, int]],
    ) -> None:
        self._survivor = survivor
        self._merged = {survivor, *absorbed}
        self._has = {(relation, to) for relation, start, to, *_ in rows if start == survivor}
        self._holds = {relation for relation, _ in self._has}
        apart = self._merged - {survivor}
        self._above = {
            tree: {child: up for child, up in edges.items() if child not in apart and up not in apart}
            for tree, edges in above.items()
        }

    def moves(self, relation: RelationDef, other: RelationDef, to: int) -> bool:
        """Whether the survivor gets this link."""
        within = relation.from_type == relation.to_type  # else the ids of two services may be the same
        if (within and to in self._merged) or (relation.id, to) in self._has:
            return False
        if relation.single and relation.id in self._holds:
            return False
        if relation.tree and not self._hang(relation.id, self._survivor, to):
            return False
        if other.tree and not self._hang(other.id, to, self._survivor):
            return False
        self._has.add((relation.id, to))
        self._holds.add(relation.id)
        return True

    def _hang(self, tree: int, child: int, parent: int) -> bool:
        """Put a child below a parent, unless that closes a circle."""
        edges = self._above.get(tree, {})
        above: int | None = parent
        seen: set[int] = set()
        while above is not None and above not in seen:
            if above == child:
                return False
            seen.add(above)
            above = edges.get(above)
        self._above.setdefault(tree, {})[child] = parent
        return True


def _columns(names: str, rows: Iterable[Sequence[Any]]) -> dict[str, list[Any]]:
    listed = list(rows)
    return {name: [row[n] for row in listed] for n, name in enumerate(names)}
