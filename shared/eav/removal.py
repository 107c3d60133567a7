"""Removing a custom entity type for good: its definitions go, its slot table becomes a spare one again.

Only a type without live entities can go; what was archived of it goes with it, links included. History rows stay until
their partition is dropped: they name ids, and attributes that nobody can look up any more.
"""

from __future__ import annotations

from shared.eav.catalog import LiveType
from shared.eav.definitions import exclusively
from shared.eav.links import store as links
from shared.eav.tables import search_name, table_name
from shared.kernel.db import Connection
from shared.kernel.errors import Invalid


def require_empty(connection: Connection, live: LiveType) -> None:
    """Hold off writers and make sure that the type has no live entity; raises Invalid when it has.

    For whatever makes a type unreachable: entities of a type that nobody can name could not even be archived.
    """
    exclusively(connection, live)
    if connection.row(f"select 1 from {table_name(live.table)} limit 1") is not None:
        message = f"{live.plural} still has entities: archive them first"
        raise Invalid.one("objectType", "TYPE_IN_USE", message)


def remove_type(connection: Connection, live: LiveType) -> None:
    """Remove a type in the caller's transaction; raises Invalid while it has live entities."""
    require_empty(connection, live)
    emptied = [search_name(live.table)]
    for bank in range(1, live.banks + 1):
        emptied += [table_name(live.table, bank), table_name(live.table, bank, archive=True)]
    connection.run(f"truncate {', '.join(emptied)}")
    links.forget(connection, live)
    mine = "attribute_id in (select id from eav_attribute where type_id = %(type)s)"
    for side in ("eav_unique", "eav_multi"):
        connection.run(f"delete from {side} where {mine}", {"type": live.id})
    connection.run(
        "update eav_slot set state = 'free', attribute_id = null where table_number = %(table)s", {"table": live.table}
    )
    connection.run("delete from eav_type where id = %(type)s", {"type": live.id})
