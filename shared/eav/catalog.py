"""The catalog: entity types and attributes in force, declared and custom alike, as immutable values.

Each process keeps a copy and reloads a type when its version moved on. Writes check the version under a lock
(`eav_guard`); every read statement returns the version it saw, so that a stale copy is noticed at once; an unknown
name triggers one look at the database before it is refused.
"""

from __future__ import annotations

import difflib
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from shared.eav.declare import AttributeDef, GroupDef, OptionDef, TypeDef
from shared.kernel.db import Connection, Database
from shared.kernel.errors import Invalid, NotFound


class UnknownAttribute(Invalid):
    """No attribute of that name; carries the nearest known names."""


class StaleCatalog(Exception):
    """A statement saw another catalog version than this process knows: reload and try again."""


def nearest(name: str, known: Iterable[str], most: int = 3) -> tuple[str, ...]:
    """Known names that look like a mistyped one."""
    return tuple(difflib.get_close_matches(name, list(dict.fromkeys(known)), n=most, cutoff=0.6))


@dataclass(frozen=True)
class LiveType:
    """One entity type in force. `attributes` are the live ones by internal name, `archived` those put aside."""

    id: int
    version: int
    table: int
    pool: tuple[int, int, int, int]
    banks: int
    defn: TypeDef
    attributes: Mapping[str, AttributeDef]
    archived: Mapping[str, AttributeDef]
    by_wire: Mapping[str, AttributeDef]
    by_label: Mapping[str, AttributeDef]
    by_id: Mapping[int, AttributeDef]

    @property
    def name(self) -> str:
        """The internal name, singular."""
        return self.defn.name

    @property
    def plural(self) -> str:
        """The plural name, used in paths and scopes."""
        return self.defn.plural

    @cached_property
    def stored(self) -> tuple[str, ...]:
        """Internal names of the live attributes that hold values (all but the system's own columns)."""
        return tuple(name for name, one in self.attributes.items() if not one.system)

    @cached_property
    def every(self) -> Mapping[str, AttributeDef]:
        """Live and archived attributes by internal name."""
        return {**self.archived, **self.attributes}

    @cached_property
    def kept(self) -> tuple[str, ...]:
        """Internal names of all attributes whose values entities keep: archived ones may come back."""
        return tuple(name for name, one in self.every.items() if not one.system)

    @cached_property
    def needed(self) -> tuple[str, ...]:
        """Internal names of required attributes: those that say so, and those the type names."""
        named = (found.name for name in self.defn.required if (found := self.find(name)))
        return tuple(dict.fromkeys((*(one.name for one in self.attributes.values() if one.required), *named)))

    def find(self, name: str) -> AttributeDef | None:
        """A live attribute by wire name, internal name or label; names win over labels."""
        return self.by_wire.get(name) or self.attributes.get(name) or self.by_label.get(name)

    def suggestions(self, name: str) -> tuple[str, ...]:
        """Names like a mistyped one, each attribute once."""
        found: dict[int, str] = {}
        for close in nearest(name, (*self.by_wire, *self.attributes, *self.by_label), 9):
            known = self.find(close)
            if known is not None:
                found.setdefault(known.id, close)
        return tuple(found.values())[:3]

    def attribute(self, name: str) -> AttributeDef:
        """Like `find`, but raises UnknownAttribute with the nearest names."""
        found = self.find(name)
        if found is None:
            close = self.suggestions(name)
            hint = f"; did you mean {', '.join(close)}?" if close else ""
            raise UnknownAttribute.one(
                name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist on {self.plural}{hint}', close
            )
        return found


class Keyed:
    """A live type as a cache key: equal when it is the very same one of the same process."""

    __slots__ = ("_key", "live")

    def __init__(self, live: LiveType) -> None:
        self.live = live
        # The identity of the attributes tells apart equally numbered types of two databases; `live` keeps it taken.
        self._key = (live.id, live.version, live.name, id(live.attributes))

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Keyed) and self._key == other._key

    def __repr__(self) -> str:
        # Part of what cursors are made for: the same in every process, and when definitions change.
        return f"{self.live.name}({self.live.id}, {self.live.table})"


def keyed(live: LiveType) -> Keyed:
    """The live type for use in cache keys of what is derived from it."""
    return Keyed(live)


_TYPE_SQL = """
select t.id, v.version, t.table_number, p.texts, p.integers, p.timestamps, p.numerics, p.banks, t.name, t.plural,
    t.label, t.plural_label, t.wire_id, t.synonyms, t.description, t.primary_display, t.secondary_display, t.required,
    t.searchable, t.builtin, t.created_at, t.updated_at, t.archived_at
from eav_type t join eav_version v on v.type_id = t.id join eav_table p on p.number = t.table_number
"""
_ATTRIBUTE_SQL = """
select a.type_id, a.name, a.label, a.kind, a.wire_name, a.group_name, a.description, a.is_unique, a.searchable,
    a.required, a.read_only, a.hidden, a.form_field, a.is_default, a.builtin, a.external_options, a.field_type,
    a.reference, a.display_order, a.id, a.bank, a.column_name, coalesce(s.indexed, true), a.created_at, a.updated_at,
    a.archived_at
from eav_attribute a join eav_type t on t.id = a.type_id
left join eav_slot s on (s.table_number, s.bank, s.column_name) = (t.table_number, a.bank, a.column_name)
where a.type_id = any(%(ids)s) order by a.id
"""
_ATTRIBUTE_FIELDS = (
    "name label kind wire_name group description unique searchable required read_only hidden form_field default "
    "builtin external_options field_type reference display_order id bank column indexed created_at updated_at "
    "archived_at"
).split()
_OPTION_SQL = """
select o.attribute_id, o.value, o.label, o.display_order, o.hidden, o.description, o.id, o.parent, o.detail,
    o.removed
from eav_option o join eav_attribute a on a.id = o.attribute_id
where a.type_id = any(%(ids)s) order by o.display_order, o.id
"""
_GROUP_SQL = """
select type_id, name, label, display_order, archived from eav_group where type_id = any(%(ids)s)
order by display_order, name
"""
VERSION_SQL = "select version from eav_version where type_id = %(id)s"


def _aware(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


def _attributes(connection: Connection, ids: list[int]) -> dict[int, list[AttributeDef]]:
    options: dict[int, list[OptionDef]] = {}
    retired: dict[int, list[OptionDef]] = {}
    for owner, *told, removed in connection.rows(_OPTION_SQL, {"ids": ids}):
        kept = retired if removed else options
        kept.setdefault(owner, []).append(OptionDef(*told))
    found: dict[int, list[AttributeDef]] = {}
    for type_id, *values in connection.rows(_ATTRIBUTE_SQL, {"ids": ids}):
        given = dict(zip(_ATTRIBUTE_FIELDS, map(_aware, values), strict=True))
        ident = given["id"]
        defn = AttributeDef(**given, options=tuple(options.get(ident, ())), retired=tuple(retired.get(ident, ())))
        found.setdefault(type_id, []).append(defn)
    return found


def load(connection: Connection, ids: list[int] | None = None) -> list[LiveType]:
    """Types in force (of these ids, or all), read in four statements of one snapshot."""
    with connection.transaction():
        connection.run("set transaction isolation level repeatable read, read only")
        where, params = ("where t.id = any(%(ids)s)", {"ids": ids}) if ids is not None else ("", None)
        rows = connection.rows(f"{_TYPE_SQL} {where} order by t.id", params)
        found = [row[0] for row in rows]
        attributes = _attributes(connection, found)
        groups: dict[int, list[GroupDef]] = {}
        for type_id, *rest in connection.rows(_GROUP_SQL, {"ids": found}):
            groups.setdefault(type_id, []).append(GroupDef(*rest))
    return [_live(row, attributes.get(row[0], []), tuple(groups.get(row[0], ()))) for row in rows]


def _live(row: tuple[Any, ...], attributes: list[AttributeDef], groups: tuple[GroupDef, ...]) -> LiveType:
    ident, version, table, *pool, banks = row[:8]
    names = (
        "name plural label plural_label wire_id synonyms description primary_display secondary_display required "
        "searchable builtin created_at updated_at archived_at"
    ).split()
    given: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else _aware(value)
        for name, value in zip(names, row[8:], strict=True)
    }
    here = [one for one in attributes if one.archived_at is None]
    defn = TypeDef(**given, groups=groups, attributes=tuple(here), pool=tuple(pool))
    return LiveType(
        id=ident,
        version=version,
        table=table,
        pool=tuple(pool),
        banks=banks,
        defn=defn,
        attributes={one.name: one for one in here},
        archived={one.name: one for one in attributes if one.archived_at is not None},
        by_wire={one.wire: one for one in here},
        by_label={one.label: one for one in reversed(here)},
        by_id={one.id: one for one in attributes},
    )


class Catalog:
    """A process's copy of the catalog of one database. Thread-safe: values are replaced, never changed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._names: dict[str, LiveType] = {}
        self._stamp: tuple[tuple[int, int], ...] | None = None

    @property
    def stamp(self) -> tuple[tuple[int, int], ...] | None:
        """The versions at hand; what is derived from definitions is as old as the stamp it was made under."""
        return self._stamp

    def types(self) -> list[LiveType]:
        """All live types, checked against the database (one small statement)."""
        self.refresh()
        return self.known()

    def known(self) -> list[LiveType]:
        """All live types of the copy at hand, without a look at the database."""
        unique = {live.id: live for live in self._names.values()}
        return [live for _, live in sorted(unique.items()) if live.defn.archived_at is None]

    def type(self, name: str) -> LiveType:
        """The type of that name, plural, wire id or synonym; an unknown one is looked up once, then NotFound."""
        found = self._names.get(name)
        if found is None:
            self.refresh()
            found = self._names.get(name) or self._names.get(name.lower())
        if found is None or found.defn.archived_at is not None:
            known = {one for one, live in self._names.items() if live.defn.archived_at is None}
            close = nearest(name, known)
            hint = f"; did you mean {', '.join(close)}?" if close else ""
            raise NotFound("entity type", [name], f"Unable to infer object type from: {name}{hint}")
        return found

    def archived_types(self) -> list[LiveType]:
        """Types that were archived."""
        self.refresh()
        unique = {live.id: live for live in self._names.values() if live.defn.archived_at is not None}
        return [live for _, live in sorted(unique.items())]

    def refresh(self) -> None:
        """Reload whatever changed since the last look: one statement when nothing did.

        One thread at a time: else one that looked earlier might put its older copy over a newer one. Do not call it
        while holding a connection, which the thread inside may be waiting for.
        """
        with self._lock, self._database.connect() as connection:
            stamp = tuple(connection.rows("select type_id, version from eav_version order by type_id"))
            if stamp == self._stamp:
                return
            before = dict(self._stamp or ())
            changed = [ident for ident, version in stamp if before.get(ident) != version]
            fresh = {live.id: live for live in load(connection, changed)}
            there = {ident for ident, _ in stamp}
            kept = {live.id: live for live in self._names.values() if live.id in there} | fresh
            self._names = _names(kept.values())
            self._stamp = tuple(sorted((live.id, live.version) for live in kept.values()))


def _names(types: Iterable[LiveType]) -> dict[str, LiveType]:
    found: dict[str, LiveType] = {}
    for live in types:
        for name in live.defn.names:
            found[name] = live
    return found
