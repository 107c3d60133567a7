"""What is really stored for an entity type, table by table, against what its entities' values say should be.

Reads the physical tables with plain SQL, so that a fault of the engine's own reading cannot hide one of its writing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef
from shared.eav.store.state import checksum, document
from shared.eav.tables import search_name, table_name
from shared.eav.types import kind_of
from shared.kernel.db import Connection

Values = Mapping[int, Any]


@dataclass(frozen=True, slots=True)
class Expected:
    """A live entity: canonical Python values by attribute id (archived attributes too), and its version."""

    version: int
    values: Values


def audit(connection: Connection, live: LiveType, entities: Mapping[int, Expected]) -> None:
    """Assert that rows of all banks, checksums, unique keys, options, documents and views hold exactly this."""
    _rows(connection, live, entities)
    for bank in range(1, live.banks + 1):
        _slots(connection, live, bank, entities)
    _sides(connection, live, entities)
    _documents(connection, live, entities)
    _view(connection, live, entities)


def _canonical(live: LiveType, values: Values) -> dict[str, Any]:
    return {str(ident): kind_of(live.by_id[ident]).to_json(value) for ident, value in values.items()}


def _rows(connection: Connection, live: LiveType, entities: Mapping[int, Expected]) -> None:
    rows = connection.rows(f"select id, version, checksum from {table_name(live.table)}")
    found = {ident: (version, held) for ident, version, held in rows}
    assert found == {
        ident: (one.version, checksum(_canonical(live, one.values), one.version)) for ident, one in entities.items()
    }


def _slots(connection: Connection, live: LiveType, bank: int, entities: Mapping[int, Expected]) -> None:
    here = [one for one in live.by_id.values() if one.bank == bank and one.column is not None and not one.system]
    if not here:
        return
    columns = ", ".join(str(one.column) for one in here)
    rows = connection.rows(f"select id, {columns} from {table_name(live.table, bank)}")
    found = {row[0]: tuple(row[1:]) for row in rows}
    for ident, one in entities.items():
        empty = (None,) * len(here)
        assert found.pop(ident, empty) == tuple(_slot(attribute, one.values) for attribute in here)
    assert not found, "rows of entities that are not there"


def _slot(attribute: AttributeDef, values: Values) -> Any:
    value = values.get(attribute.id)
    return None if value is None else kind_of(attribute).to_slot(value, attribute)


def _sides(connection: Connection, live: LiveType, entities: Mapping[int, Expected]) -> None:
    keys, options = set(), set()
    for ident, one in entities.items():
        for key, value in one.values.items():
            attribute = live.by_id[key]
            kind = kind_of(attribute)
            if attribute.unique:
                keys.add((key, kind.unique_key(value, attribute), ident))
            if kind.family is None:
                chosen = kind.comparable(value, attribute) if kind.multiple else (1,)
                options |= {(key, option, ident) for option in chosen}
    ours = {"ids": list(live.by_id)}
    stored = connection.rows(
        "select attribute_id, key, entity_id from eav_unique where attribute_id = any(%(ids)s)", ours
    )
    assert set(stored) == keys
    stored = connection.rows("select * from eav_multi where attribute_id = any(%(ids)s)", ours)
    assert set(stored) == options


def _documents(connection: Connection, live: LiveType, entities: Mapping[int, Expected]) -> None:
    found = {ident: _segments(doc) for ident, doc in connection.rows(f"select * from {search_name(live.table)}")}
    made = {ident: document(live, _canonical(live, one.values)) for ident, one in entities.items()}
    assert found == {ident: _segments(doc) for ident, doc in made.items() if doc is not None}


def _segments(doc: str) -> set[str]:
    return set(doc.strip("\n").split("\n"))


def _view(connection: Connection, live: LiveType, entities: Mapping[int, Expected]) -> None:
    sql = "select entity_id, attribute, value from eav_values where entity_type = %(name)s"
    assert set(connection.rows(sql, {"name": live.name})) == {
        (ident, attribute.name, kind_of(attribute).to_text(value))
        for ident, one in entities.items()
        for key, value in one.values.items()
        if (attribute := live.by_id[key]).archived_at is None
    }
