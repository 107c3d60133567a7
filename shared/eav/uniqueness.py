"""Making an attribute of existing entities unique, or no longer so: a narrowing change, under the exclusive lock."""

from __future__ import annotations

import sqlalchemy as sa

from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef
from shared.eav.tables import UNIQUE, slot_table, table_name
from shared.eav.types import kind_of
from shared.kernel.db import Connection, compiled
from shared.kernel.errors import Conflict, Invalid


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
    # Keys are the text of what kinds select from their slots: kinds and SQL agree on how a value is written.
    slots = slot_table(live.table, attribute.bank, (column or "",))
    held = slots.c[column or ""]
    key = sa.cast(kind_of(attribute).select(held), sa.Text())
    rows = sa.select(sa.literal_column(str(attribute.id)), key, slots.c.id).where(held.is_not(None))
    connection.run(compiled(sa.insert(UNIQUE).from_select(["attribute_id", "key", "entity_id"], rows)))
