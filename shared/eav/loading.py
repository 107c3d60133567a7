"""Reading entity types in force from the database. For the catalog; everybody else asks that."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from shared.eav.declare import AttributeDef, GroupDef, OptionDef, TypeDef
from shared.eav.live_type import LiveType
from shared.kernel.db import Connection

_TYPE_SQL = """
select t.id, v.version, t.table_number, p.texts, p.integers, p.timestamps, p.numerics, p.banks, t.name, t.plural,
    t.label, t.plural_label, t.wire_id, t.synonyms, t.description, t.primary_display, t.secondary_display, t.required,
    t.searchable, t.builtin, t.mirror_of, t.created_at, t.updated_at, t.archived_at
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
        return load_within(connection, ids)


def in_force(connection: Connection, live: LiveType) -> LiveType:
    """The type as the connection sees it: the one at hand unless definitions moved on. For who holds a connection, and
    can neither refresh the catalog nor begin again."""
    if connection.row(VERSION_SQL, {"id": live.id}, prepare=True) == (live.version,):
        return live
    return load_within(connection, [live.id])[0]


def load_within(connection: Connection, ids: list[int] | None = None) -> list[LiveType]:
    """The same in the caller's transaction, which keeps others from changing these definitions meanwhile."""
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
        "searchable builtin mirror_of created_at updated_at archived_at"
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
