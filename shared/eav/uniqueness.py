"""Making an attribute of existing entities unique, or no longer so: a narrowing change, under the exclusive lock."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef
from shared.eav.tables import table_name
from shared.eav.types import kind_of
from shared.kernel.db import Connection, compiled
from shared.kernel.errors import Conflict, Invalid

_CHUNK = 5000


def switch(connection: Connection, live: LiveType, attribute: AttributeDef, *, on: bool) -> None:
    """Fill (or empty) the keys of an attribute. Raises Conflict naming two entities that share a value.

    The caller holds the type's lock (`definitions.exclusively`) and changes the definition in the same transaction;
    writers wait meanwhile and then see the new catalog.
    """
    connection.run("delete from eav_unique where attribute_id = %(a)s", {"a": attribute.id})
    if not on:
        return
    if not kind_of(attribute).can_be_unique:
        raise Invalid.one("unique", "INVALID_UNIQUE", f"an attribute of type {attribute.kind} cannot be unique")
    if attribute.column is not None:
        _fill(connection, live, attribute)


def _fill(connection: Connection, live: LiveType, attribute: AttributeDef) -> None:
    column = attribute.column
    table = table_name(live.table, attribute.bank)
    shared = connection.row(
        f"select min(id), max(id) from {table} where {column} is not null group by {column} having count(*) > 1 limit 1"
    )
    if shared is not None:
        message = f'Entities {shared[0]} and {shared[1]} have the same value of "{attribute.wire}": it cannot be unique'
        raise Conflict(message, existing_id=shared[0], attribute=attribute.name)
    # Keys are the text of slots for every kind that can be unique: kinds and SQL agree on how a slot is written.
    shown = compiled(sa.select(kind_of(attribute).select(sa.column(column or "", _any_type(column or "")))))
    expression = shown.removeprefix("SELECT ").partition(" AS ")[0]
    connection.run(
        f"insert into eav_unique(attribute_id, key, entity_id)"
        f" select %(a)s, ({expression})::text, id from {table} where {column} is not null",
        {"a": attribute.id},
    )


def _any_type(column: str) -> Any:
    return {"t": sa.Text(), "i": sa.BigInteger(), "d": sa.TIMESTAMP(), "n": sa.Numeric()}[column[0]]
