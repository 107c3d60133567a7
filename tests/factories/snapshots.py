"""Everything a database holds of some entity types, to compare before and after: what undoing must bring back.

Left out is what says when, and how often, something was written: versions, checksums (made of versions) and instants.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shared.eav.catalog import LiveType
from shared.eav.tables import search_name, table_name
from shared.kernel import json
from shared.kernel.db import Connection

_TIMES = {"version", "checksum", "updated_at"}


def snapshot(connection: Connection, types: Sequence[LiveType]) -> dict[str, Any]:
    """Rows of all tables in which entities leave traces, by table."""
    found: dict[str, Any] = {}
    for live in types:
        for bank in range(1, live.banks + 1):
            for archive in (False, True):
                table = table_name(live.table, bank, archive=archive)
                rows = connection.rows(f"select id, row_to_json(t)::text from {table} t order by id")
                kept = {ident: _kept(text) for ident, text in rows}
                # A row of a further bank without any value is as good as none.
                found[table] = {ident: row for ident, row in kept.items() if bank == 1 or len(row) > 1}
        search = search_name(live.table)
        documents = connection.rows(f"select id, doc from {search} order by id")
        found[search] = {ident: sorted(doc.strip("\n").split("\n")) for ident, doc in documents}
    for table, columns in (
        ("eav_unique", "attribute_id, key, entity_id, alias"),
        ("eav_multi", "attribute_id, value, entity_id"),
        ("eav_link", "relation, from_id, to_id, since"),
        ("eav_absorbed", "id, survivor, into_id"),
    ):
        found[table] = sorted(connection.rows(f"select {columns} from {table}"))
    return found


def _kept(text: str) -> dict[str, Any]:
    row = json.loads(text)
    for name in ("extra", "long"):
        if not row.get(name):
            row.pop(name, None)
    return {name: value for name, value in row.items() if name not in _TIMES and value is not None}
