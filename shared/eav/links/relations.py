"""Relations in force: what kinds of links there are between which entity types.

Built-in ones are handed in as data, user-defined ones are rows of `eav_relation`, and every other pair of types has a
plain relation whose id is worked out of the types' own ids: the same in every service, and nothing to be made first.
Whoever changes rows of `eav_relation` moves the catalog versions of both types on (`links.labels` does), so that a
process notices by the versions it checks anyway.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from shared.eav.catalog import Catalog
from shared.kernel.db import Database
from shared.kernel.errors import Invalid


@dataclass(frozen=True, slots=True)
class RelationDef:
    """One direction of a kind of link; `inverse` is the id of the other direction (its own id when both are alike).

    plain: the relation that every linked pair has, whatever its labels. single: a register, an entity has at most one.
    first: the first one linked gets it without being asked for. tree: leads from a child to its parent, no circles.
    limit: the most links of this relation that one entity may have.
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


@dataclass(frozen=True, slots=True)
class _Known:
    """All relations at one moment."""

    stamp: object
    by_id: dict[int, RelationDef] = field(default_factory=dict)
    pairs: dict[tuple[str, str], tuple[RelationDef, ...]] = field(default_factory=dict)


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
        self._known = _Known(None)

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
        found = self._current().pairs.get((from_type, to_type))
        if found is None:
            message = f"{from_type} cannot be linked to {to_type}"
            raise Invalid.one("toObjectType", "INVALID_ASSOCIATION", message)
        return found

    def plain(self, from_type: str, to_type: str) -> RelationDef:
        """The relation that every linked pair of these types has. Raises Invalid for types that cannot be linked."""
        return self.between(from_type, to_type)[0]

    def leaving(self, from_type: str) -> tuple[RelationDef, ...]:
        """Every relation that leads away from entities of a type."""
        pairs = self._current().pairs
        return tuple(one for (start, _), found in pairs.items() if start == from_type for one in found)

    def made(self) -> tuple[RelationDef, ...]:
        """Relations made at run time, and built-in ones with a limit of this installation."""
        known = self._current()
        return tuple(one for _, one in sorted(known.by_id.items()) if not one.builtin or one.limit is not None)

    def _current(self) -> _Known:
        known = self._known
        if known.stamp is None or known.stamp is not self._catalog.stamp:
            with self._lock:
                if self._known.stamp is None or self._known.stamp is not self._catalog.stamp:
                    self._known = self._load()
                known = self._known
        return known

    def _load(self) -> _Known:
        # The stamp first: relations read after it are as new as it, or newer, never older.
        if self._catalog.stamp is None:
            self._catalog.refresh()
        stamp = self._catalog.stamp
        with self._database.connect() as connection:
            rows = connection.rows(_SQL)
        made = [_made(*row[:6]) for row in rows if row[1] is not None]
        listed = [*self._builtin, *made]
        known = {**self._elsewhere, **{live.name: live.defn.wire_id for live in self._catalog.known()}}
        listed += _worked_out(known, {(one.from_type, one.to_type) for one in listed if one.plain})
        limits = {row[0]: row[6] for row in rows if row[6] is not None}
        return _known(stamp, (replace(one, limit=limits.get(one.id, one.limit)) for one in listed))


def _made(ident: int, inverse: int, from_type: str, to_type: str, name: str, label: str | None) -> RelationDef:
    return RelationDef(ident, inverse, from_type, to_type, name, label, builtin=False)


def _known(stamp: object, defs: Iterable[RelationDef]) -> _Known:
    known = _Known(stamp)
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
