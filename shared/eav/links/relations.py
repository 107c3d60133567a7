"""Relations in force: what kinds of links there are between which entity types.

Built-in ones are handed in as data, user-defined ones are rows of `eav_relation`, and every other pair of types has a
plain relation whose id is worked out of the types' own ids: the same in every service, and nothing to be made first.
Whoever changes rows of `eav_relation` moves the catalog versions of both types on (`links.labels` does), so that a
process notices by the versions it checks anyway.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Protocol

from shared.eav.catalog import Catalog, LiveType
from shared.kernel.db import Connection, Database
from shared.kernel.errors import Invalid


@dataclass(frozen=True, slots=True)
class RelationDef:
    """One direction of a kind of link; `inverse` is the id of the other direction (its own id when both are alike).

    plain: the relation that every linked pair has, whatever its labels. single: a register, an entity has at most one.
    first: the first one linked gets it without being asked for. tree: leads from a child to its parent, no circles.
    limit: the most links of this relation that one entity may have. from_mirror, to_mirror: the type at this end lives
    in another service.
    """

    id: int
    inverse: int
    from_type: str
    to_type: str
    name: str = ""
    label: str | None = None
    builtin: bool = True
    plain: bool = False
    single: bool = False
    limit: int | None = None
    first: bool = False
    tree: bool = False
    from_mirror: bool = False
    to_mirror: bool = False

    @property
    def across(self) -> bool:
        """Whether it leads to entities of another service, or from there."""
        return self.from_mirror or self.to_mirror


_SQL = """
select r.id, r.inverse, r.from_type, r.to_type, r.name, r.label, l.most
from eav_relation r left join eav_relation_limit l on l.relation = r.id
union all
select l.relation, null, null, null, null, null, l.most from eav_relation_limit l
where l.relation not in (select id from eav_relation) order by 1
"""
_WORKED_OUT = 1_000_000
_SPAN = 40_000
# Where the numbers of each family of type ids begin: built-in, inner, made at run time.
_FAMILIES = {"0": 0, "9": 900, "2": 1000}


def worked_out(wire_id: str) -> dict[str, int] | None:
    """How the ids of the relations that nobody listed are made for a type: those that lead away from it are `number` *
    `span` + `base` and the other type's number; None for a type that has none."""
    number = _number(wire_id)
    return None if number is None else {"base": _WORKED_OUT, "span": _SPAN, "number": number}


def _number(wire_id: str) -> int | None:
    found = re.fullmatch(r"([029])-(\d+)", wire_id)
    number = _FAMILIES[found[1]] + int(found[2]) if found else _SPAN
    return number if number < _SPAN else None


class RelationBook(Protocol):
    """Relations by id and by the types that they lead from and to."""

    def get(self, ident: int) -> RelationDef | None:
        """A relation by its id."""

    def between(self, from_type: str, to_type: str) -> tuple[RelationDef, ...]:
        """All relations of this direction, the plain one first. Raises Invalid for types that cannot be linked."""


@dataclass(frozen=True, slots=True)
class KnownRelations:
    """All relations at one moment."""

    stamp: object
    by_id: dict[int, RelationDef] = field(default_factory=dict)
    pairs: dict[tuple[str, str], tuple[RelationDef, ...]] = field(default_factory=dict)

    def get(self, ident: int) -> RelationDef | None:
        """A relation by its id."""
        return self.by_id.get(ident)

    def between(self, from_type: str, to_type: str) -> tuple[RelationDef, ...]:
        """All relations of this direction, the plain one first; names are internal ones. Raises Invalid for types
        that cannot be linked."""
        found = self.pairs.get((from_type, to_type))
        if found is None:
            message = f"{from_type} cannot be linked to {to_type}"
            raise Invalid.one("toObjectType", "INVALID_ASSOCIATION", message)
        return found

    def leaving(self, from_type: str) -> tuple[RelationDef, ...]:
        """Every relation that leads away from entities of a type."""
        return tuple(one for (start, _), found in self.pairs.items() if start == from_type for one in found)


def relations_within(
    connection: Connection,
    builtin: Iterable[RelationDef],
    elsewhere: Mapping[str, str],
    types: Collection[LiveType],
    stamp: object = None,
) -> KnownRelations:
    """The relations in force between these types, mirrors included, and those `elsewhere` (ids by name)."""
    rows = connection.rows(_SQL)
    made = [_made(*row[:6]) for row in rows if row[1] is not None]
    listed = [*builtin, *made]
    known = {**elsewhere, **{live.name: live.defn.wire_id for live in types}}
    listed += _worked_out(known, {(one.from_type, one.to_type) for one in listed if one.plain})
    limits = {row[0]: row[6] for row in rows if row[6] is not None}
    mirrors = {live.name for live in types if live.mirror}
    return _known(
        stamp,
        (
            replace(
                one,
                limit=limits.get(one.id, one.limit),
                from_mirror=one.from_type in mirrors,
                to_mirror=one.to_type in mirrors,
            )
            for one in listed
        ),
    )


class Relations:
    """The relations of one database, kept as long as the catalog's versions stay. Thread-safe.

    elsewhere: ids by name of entity types that other services have, for the relations between those and ours.
    """

    def __init__(
        self,
        builtin: Sequence[RelationDef],
        database: Database,
        catalog: Catalog,
        elsewhere: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._builtin = tuple(builtin)
        self._elsewhere = elsewhere
        self._database = database
        self._catalog = catalog
        self._lock = threading.Lock()
        self._known = KnownRelations(None)

    def refresh(self) -> None:
        """Look at catalog and relations again."""
        self._catalog.refresh()
        with self._lock:
            self._known = self._load()

    def ready(self) -> None:
        """Look now if that is due, so that nobody has to while holding a connection."""
        self._current()

    def get(self, ident: int) -> RelationDef | None:
        """A relation by its id."""
        return self._current().by_id.get(ident)

    def between(self, from_type: str, to_type: str) -> tuple[RelationDef, ...]:
        """All relations of this direction, the plain one first; names are internal ones. Raises Invalid for types
        that cannot be linked."""
        return self._current().between(from_type, to_type)

    def plain(self, from_type: str, to_type: str) -> RelationDef:
        """The relation that every linked pair of these types has. Raises Invalid for types that cannot be linked."""
        return self.between(from_type, to_type)[0]

    def leaving(self, from_type: str) -> tuple[RelationDef, ...]:
        """Every relation that leads away from entities of a type."""
        return self._current().leaving(from_type)

    def made(self) -> tuple[RelationDef, ...]:
        """Relations made at run time, and built-in ones with a limit of this installation."""
        known = self._current()
        return tuple(one for _, one in sorted(known.by_id.items()) if not one.builtin or one.limit is not None)

    def _current(self) -> KnownRelations:
        known = self._known
        if known.stamp is None or known.stamp is not self._catalog.stamp:
            with self._lock:
                if self._known.stamp is None or self._known.stamp is not self._catalog.stamp:
                    self._known = self._load()
                known = self._known
        return known

    def _load(self) -> KnownRelations:
        # The stamp first: relations read after it are as new as it, or newer, never older.
        if self._catalog.stamp is None:
            self._catalog.refresh()
        stamp = self._catalog.stamp
        types = [*self._catalog.known(), *self._catalog.mirrors()]
        with self._database.connect() as connection:
            return relations_within(connection, self._builtin, self._elsewhere, types, stamp)


def _made(ident: int, inverse: int, from_type: str, to_type: str, name: str, label: str | None) -> RelationDef:
    return RelationDef(ident, inverse, from_type, to_type, name, label, builtin=False)


def _known(stamp: object, defs: Iterable[RelationDef]) -> KnownRelations:
    known = KnownRelations(stamp)
    for one in sorted(defs, key=lambda one: (not one.plain, one.id)):
        known.by_id[one.id] = one
        pair = (one.from_type, one.to_type)
        if one.plain or pair in known.pairs:  # types that nobody here knows cannot be linked, whatever labels say
            known.pairs[pair] = (*known.pairs.get(pair, ()), one)
    return known


def _worked_out(types: dict[str, str], listed: set[tuple[str, str]]) -> list[RelationDef]:
    """Plain relations of the pairs of types that no list names."""
    numbers = {name: number for name, wire_id in types.items() if (number := _number(wire_id)) is not None}
    return [
        RelationDef(
            _WORKED_OUT + a * _SPAN + b, _WORKED_OUT + b * _SPAN + a, one, other, f"{one}_to_{other}", plain=True
        )
        for one, a in numbers.items()
        for other, b in numbers.items()
        if (one, other) not in listed
    ]
