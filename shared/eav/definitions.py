"""Writing definitions: entity types, attributes, options, groups. Metadata rows only; no DDL and no lock on values.

Every function runs inside the caller's transaction and bumps the catalog version of the type. Additive changes take no
lock on writers; narrowing ones (unique on) take the type's lock exclusively (`exclusively`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import psycopg

from shared.eav.catalog import VERSION_SQL, LiveType, StaleCatalog
from shared.eav.declare import AttributeDef, GroupDef, OptionDef, TypeDef
from shared.eav.slots import claim_table
from shared.kernel.db import Connection
from shared.kernel.errors import AlreadyExists, Invalid
from shared.kernel.json import dumps

_INSERT_TYPE = """
with made as (
insert into eav_type(name, plural, label, plural_label, wire_id, synonyms, description, primary_display,
    secondary_display, required, searchable, builtin, mirror_of, table_number)
values (%(name)s, %(plural)s, %(label)s, %(plural_label)s, %(wire_id)s, %(synonyms)s, %(description)s,
    %(primary_display)s, %(secondary_display)s, %(required)s, %(searchable)s, %(builtin)s, %(mirror_of)s,
    %(table)s) returning id)
insert into eav_version(type_id, version) select id, 1 from made returning type_id
"""
_TYPE_COLUMNS = frozenset(
    "label plural_label description primary_display secondary_display required searchable synonyms archived_at "
    "wire_id".split()
)
_ATTRIBUTE_COLUMNS = {
    "name": "name",
    "wire_name": "wire_name",
    "label": "label",
    "kind": "kind",
    "group": "group_name",
    "description": "description",
    "field_type": "field_type",
    "reference": "reference",
    "unique": "is_unique",
    "searchable": "searchable",
    "required": "required",
    "read_only": "read_only",
    "hidden": "hidden",
    "form_field": "form_field",
    "default": "is_default",
    "builtin": "builtin",
    "external_options": "external_options",
    "display_order": "display_order",
    "archived_at": "archived_at",
    "column": "column_name",
}
_NOW = "timezone('utc', clock_timestamp())"
ALONE = "select pg_advisory_xact_lock(7001, %(id)s)"
"""The lock of a type, exclusively: writes hold it shared (`eav_guard`)."""


def bump(connection: Connection, type_id: int) -> int:
    """Move the catalog version on; the row lock makes definition changes of one type follow each other.

    Call it before anything else is written: whoever changes definitions or takes slots locks the version first.
    """
    row = connection.row(
        f"with touched as (update eav_type set updated_at = {_NOW} where id = %(id)s)"
        " update eav_version set version = version + 1 where type_id = %(id)s returning version",
        {"id": type_id},
    )
    assert row is not None
    return int(row[0])


def exclusively(connection: Connection, live: LiveType) -> None:
    """Wait until no write of this type is under way and hold new ones off; gives up after 2 s (LockNotAvailable).

    Raises StaleCatalog when the definitions moved on meanwhile: an attribute may have got its first value.
    """
    connection.run("set local lock_timeout = '2s'")
    connection.row(ALONE, {"id": live.id})
    unchanged(connection, live)


def unchanged(connection: Connection, live: LiveType) -> None:
    """Hold a type's definitions as they are until the transaction ends, for a change that was worked out from them.

    Raises StaleCatalog when they moved on. Locking the row also keeps attributes from getting their first slot.
    """
    if connection.row(f"{VERSION_SQL} for update", {"id": live.id}) != (live.version,):
        raise StaleCatalog(live.name)


def add_type(connection: Connection, defn: TypeDef) -> int:
    """Add an entity type: takes a spare slot table. Raises AlreadyExists when a name is taken."""
    names = [defn.name, defn.plural, defn.wire_id, *defn.synonyms]
    row = connection.row(
        "select name from eav_type where name = any(%(n)s) or plural = any(%(n)s) or wire_id = any(%(n)s)"
        " or synonyms && %(n)s::text[]",
        {"n": [name for name in names if name]},
    )
    if row is not None:
        raise AlreadyExists(f"An entity type named {defn.name} exists already")
    params = {
        name: list(value) if isinstance(value, tuple) else value
        for name in ("name", "plural", "label", "plural_label", "wire_id", "synonyms", "description",
                     "primary_display", "secondary_display", "required", "searchable", "builtin", "mirror_of")
        for value in (getattr(defn, name),)
    }  # fmt: skip
    params["wire_id"] = defn.wire_id or f"pending-{defn.name}"
    params["table"] = claim_table(connection, defn.pool)
    inserted = connection.row(_INSERT_TYPE, params)
    assert inserted is not None
    type_id = int(inserted[0])
    if not defn.wire_id:
        connection.run(
            "update eav_type set wire_id = '2-' || id, synonyms = synonyms || array['2-' || id] where id = %(id)s",
            {"id": type_id},
        )
    for group in defn.groups:
        add_group(connection, type_id, group)
    add_attributes(connection, type_id, defn.attributes)
    return type_id


def change_type(connection: Connection, type_id: int, changes: Mapping[str, object]) -> None:
    """Change labels, displays, required and searchable names, description or archived_at of a type."""
    bump(connection, type_id)
    _update(connection, "eav_type", {name: changes[name] for name in changes if name in _TYPE_COLUMNS}, type_id)


def add_attributes(connection: Connection, type_id: int, attributes: Sequence[AttributeDef]) -> list[int]:
    """Add attributes with their options, set-wise; ids in input order. No slot is taken before the first value."""
    if not attributes:
        return []
    bump(connection, type_id)
    columns = list(_ATTRIBUTE_COLUMNS.values())
    marks = ", ".join(f"%({column})s" for column in columns)
    ids = []
    for attribute in attributes:
        params: dict[str, Any] = {column: getattr(attribute, name) for name, column in _ATTRIBUTE_COLUMNS.items()}
        params |= {"wire_name": attribute.wire, "type": type_id}
        row = connection.row(
            f"insert into eav_attribute(type_id, {', '.join(columns)}) values (%(type)s, {marks}) returning id", params
        )
        assert row is not None
        ids.append(int(row[0]))
        if attribute.options:
            put_options(connection, ids[-1], attribute.options)
    return ids


def put_attributes(connection: Connection, live: LiveType, attributes: Sequence[AttributeDef]) -> list[AttributeDef]:
    """Add checked attributes, and bring back archived ones of the same name; all with their ids.

    Raises AlreadyExists when somebody was faster, Invalid when an archived one is of another kind.
    """
    fresh = [one for one in attributes if one.name not in live.archived]
    try:
        ids = dict(zip((one.name for one in fresh), add_attributes(connection, live.id, fresh), strict=True))
    except psycopg.errors.UniqueViolation as error:
        raise AlreadyExists("A property of that name was made at the same moment") from error
    for one in attributes:
        former = live.archived.get(one.name)
        if former is None:
            continue
        if former.kind != one.kind:
            message = f'An archived property "{one.name}" of type {former.kind} exists: revive it with that type'
            raise Invalid.one("type", "INVALID_TYPE", message)
        changes = {"label": one.label, "group": one.group, "archived_at": None, "description": one.description}
        change_attribute(connection, live, former, {**changes, "options": one.options})
        ids[one.name] = former.id
    return [replace(one, id=ids[one.name]) for one in attributes]


def change_attribute(
    connection: Connection, live: LiveType, attribute: AttributeDef, changes: Mapping[str, object]
) -> None:
    """Change an attribute's definition; `options`, when given, replaces the offered ones (used values stay valid)."""
    plain = {_ATTRIBUTE_COLUMNS[name]: value for name, value in changes.items() if name in _ATTRIBUTE_COLUMNS}
    bump(connection, live.id)
    _update(connection, "eav_attribute", plain, attribute.id)
    options = changes.get("options")
    if isinstance(options, tuple):
        put_options(connection, attribute.id, options)


def put_options(connection: Connection, attribute_id: int, options: Sequence[OptionDef]) -> None:
    """Make these the offered options: known values keep their id, missing ones are retired, never deleted."""
    connection.run(
        "update eav_option set removed = true where attribute_id = %(a)s and value <> all(%(v)s)",
        {"a": attribute_id, "v": [one.value for one in options]},
    )
    connection.run(
        """insert into eav_option(attribute_id, value, label, display_order, hidden, description, parent, detail)
        select %(a)s, * from unnest(%(v)s::text[], %(l)s::text[], %(o)s::int[], %(h)s::bool[], %(d)s::text[],
            %(p)s::text[], %(m)s::jsonb[])
        on conflict (attribute_id, value) do update set label = excluded.label, removed = false,
            display_order = excluded.display_order, hidden = excluded.hidden, description = excluded.description,
            parent = excluded.parent, detail = excluded.detail""",
        {
            "a": attribute_id,
            "v": [one.value for one in options],
            "l": [one.label or one.value for one in options],
            "o": [n if one.display_order == -1 else one.display_order for n, one in enumerate(options)],
            "h": [one.hidden for one in options],
            "d": [one.description for one in options],
            "p": [one.parent for one in options],
            "m": [dumps(dict(one.detail)).decode() for one in options],
        },
    )


def add_group(connection: Connection, type_id: int, group: GroupDef) -> None:
    """Add a group, or revive an archived one of that name. Raises AlreadyExists for a live one."""
    done = connection.run(
        """insert into eav_group(type_id, name, label, display_order) values (%(t)s, %(n)s, %(l)s, %(o)s)
        on conflict (type_id, name) do update
        set label = excluded.label, display_order = excluded.display_order, archived = false
        where eav_group.archived""",
        {"t": type_id, "n": group.name, "l": group.label, "o": group.display_order},
    )
    if not done:
        raise AlreadyExists(f"A group named {group.name} exists already")
    bump(connection, type_id)


def change_group(connection: Connection, type_id: int, name: str, changes: Mapping[str, object]) -> None:
    """Change label, display_order or archived of a group."""
    plain = {key: value for key, value in changes.items() if key in ("label", "display_order", "archived")}
    if plain:
        sets = ", ".join(f"{key} = %({key})s" for key in plain)
        connection.run(
            f"update eav_group set {sets} where type_id = %(t)s and name = %(n)s", {**plain, "t": type_id, "n": name}
        )
    bump(connection, type_id)


def _update(connection: Connection, table: str, values: Mapping[str, object], ident: int) -> None:
    if not values:
        return
    sets = ", ".join(f"{column} = %({column})s" for column in values)
    params = {column: list(value) if isinstance(value, tuple) else value for column, value in values.items()}
    connection.run(f"update {table} set {sets}, updated_at = {_NOW} where id = %(id)s", {**params, "id": ident})


def declare(connection: Connection, defn: TypeDef) -> None:
    """Bring a built-in type to its declaration: adds what is missing, updates built-in definitions, removes nothing."""
    connection.row("select pg_advisory_xact_lock(7003)")
    row = connection.row("select id from eav_type where name = %(n)s", {"n": defn.name})
    if row is None:
        add_type(connection, defn)
        return
    type_id = int(row[0])
    groups = {name for (name,) in connection.rows("select name from eav_group where type_id = %(t)s", {"t": type_id})}
    for group in defn.groups:
        if group.name not in groups:
            add_group(connection, type_id, group)
    known = dict(
        connection.rows("select name, id from eav_attribute where type_id = %(t)s and builtin", {"t": type_id})
    )
    add_attributes(connection, type_id, [one for one in defn.attributes if one.name not in known])
