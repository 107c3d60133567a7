"""The entity types a replica knows: told by catalog events, kept as told, read as types in force.

Attributes keep the ids of their home, by which events name them. A process's copy is checked by version, so that what
is derived from a type (filters, metrics) can be kept with it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from shared.contracts.event import CATALOG_ATTRIBUTE, CATALOG_TYPE, Event
from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef, OptionDef, TypeDef
from shared.eav.folding import nearest
from shared.kernel.clock import now
from shared.kernel.db import Connection
from shared.kernel.errors import NotFound
from shared.kernel.json import dumps, loads

_ALL = "select no, source, name, version, detail::text from replica_type"
_PUT = """insert into replica_type (source, name, detail) values (%(source)s, %(name)s, %(detail)s::jsonb)
on conflict (name) do update
set source = excluded.source, detail = excluded.detail, version = nextval('replica_version')
where replica_type.detail <> excluded.detail"""
_ATTRIBUTE_FIELDS = frozenset(one.name for one in fields(AttributeDef)) - {"options", "retired"}
_OPTION_FIELDS = frozenset(one.name for one in fields(OptionDef))


class KnownType:
    """One type of the replica: its number in the replica's tables, where it lives, its definition in force, the
    metrics that its home suggests for it, and all types known at the same moment."""

    __slots__ = ("among", "live", "metrics", "no", "source")

    def __init__(self, no: int, source: str, live: LiveType, metrics: Sequence[Mapping[str, Any]] = ()) -> None:
        self.no = no
        self.source = source
        self.live = live
        self.metrics = tuple(metrics)
        self.among: KnownTypes = _NOBODY

    @property
    def name(self) -> str:
        """The internal name, singular."""
        return self.live.name


class KnownTypes:
    """All types of a replica at one moment."""

    def __init__(self, types: Iterable[KnownType]) -> None:
        self._names: dict[str, KnownType] = {}
        self.by_no: dict[int, KnownType] = {}
        for one in types:
            one.among = self
            self.by_no[one.no] = one
            for name in one.live.defn.names:
                self._names.setdefault(name, one)

    def __iter__(self) -> Any:
        return iter(self.by_no.values())

    def find(self, name: str) -> KnownType | None:
        """A type by any of its names."""
        return self._names.get(name)

    def type(self, name: str) -> KnownType:
        """A type by any of its names; raises NotFound with the nearest ones."""
        found = self._names.get(name) or self._names.get(name.lower())
        if found is None:
            close = nearest(name, self._names)
            hint = f"; did you mean {', '.join(close)}?" if close else ""
            raise NotFound("entity type", [name], f"Nothing is known of an entity type {name}{hint}")
        return found


_NOBODY = KnownTypes(())


class Catalogs:
    """A process's copy of the replica's types. Thread-safe: values are replaced, never changed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stamp: tuple[tuple[Any, ...], ...] | None = None
        self._types = KnownTypes(())

    def types(self, connection: Connection) -> KnownTypes:
        """The types as the connection sees them; one small statement when nothing changed."""
        stamp = tuple(connection.rows("select no, version from replica_type order by no", prepare=True))
        with self._lock:
            if stamp == self._stamp:
                return self._types
        rows = connection.rows(_ALL)
        types = KnownTypes(_known(no, source, version, loads(text)) for no, source, _, version, text in rows)
        with self._lock:
            self._types = types
            self._stamp = tuple(sorted((row[0], row[3]) for row in rows))
        return types


def put_types(connection: Connection, source: str, details: Iterable[Mapping[str, Any]]) -> None:
    """Take over whole types as catalog events and catalog documents tell them."""
    for detail in details:
        told = {"source": source, "name": detail["name"], "detail": dumps(detail).decode()}
        connection.run(_PUT, told)


def apply_catalog_events(connection: Connection, source: str, events: Sequence[Event]) -> None:
    """Apply changes of types and attributes, in order; any number of times."""
    wanted = [one for one in events if one.kind in (CATALOG_TYPE, CATALOG_ATTRIBUTE)]
    if not wanted:
        return
    known = {row[2]: loads(row[4]) for row in connection.rows(_ALL) if row[1] == source}
    touched: dict[str, dict[str, Any]] = {}
    for one in wanted:
        before = touched.get(one.entity_type) or known.get(one.entity_type)
        touched[one.entity_type] = _changed(before or {"name": one.entity_type, "attributes": []}, one)
    put_types(connection, source, touched.values())


def _changed(before: dict[str, Any], event: Event) -> dict[str, Any]:
    detail = dict(event.detail)
    if event.kind == CATALOG_ATTRIBUTE:
        others = [one for one in before["attributes"] if one["id"] != detail["id"]]
        return {**before, "attributes": [*others, detail]}
    return {**before, **detail, "name": event.entity_type, "attributes": detail.get("attributes", before["attributes"])}


def _known(no: int, source: str, version: int, detail: Mapping[str, Any]) -> KnownType:
    return KnownType(no, source, _live(no, version, detail), detail.get("metrics", ()))


def _live(no: int, version: int, detail: Mapping[str, Any]) -> LiveType:
    attributes = [_attribute(one) for one in sorted(detail["attributes"], key=lambda one: int(one["id"]))]
    here = [one for one in attributes if one.archived_at is None]
    name = str(detail["name"])
    defn = TypeDef(
        name=name,
        plural=str(detail.get("plural") or name),
        label=str(detail.get("label") or name),
        plural_label=str(detail.get("plural_label") or detail.get("label") or name),
        wire_id=str(detail.get("wire_id") or ""),
        synonyms=tuple(detail.get("synonyms") or ()),
        attributes=tuple(here),
        primary_display=str(detail.get("primary_display") or ""),
        secondary_display=tuple(detail.get("secondary_display") or ()),
        searchable=tuple(detail.get("searchable") or ()),
        builtin=bool(detail.get("builtin")),
    )
    return LiveType(
        id=no,
        version=version,
        table=0,
        pool=(0, 0, 0, 0),
        banks=0,
        defn=defn,
        attributes={one.name: one for one in here},
        archived={one.name: one for one in attributes if one.archived_at is not None},
        by_wire={one.wire: one for one in here},
        by_label={one.label: one for one in reversed(here)},
        by_id={one.id: one for one in attributes},
    )


def _attribute(detail: Mapping[str, Any]) -> AttributeDef:
    given = {key: value for key, value in detail.items() if key in _ATTRIBUTE_FIELDS}
    options = tuple(
        OptionDef(**{key: value for key, value in one.items() if key in _OPTION_FIELDS})
        for one in detail.get("options", ())
    )
    # The instant of archiving is not told, only that it happened; nobody asks a replica for it.
    return AttributeDef(**given, options=options, archived_at=now() if detail.get("archived") else None)
