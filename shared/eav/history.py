"""What values were, and when: read from history rows, newest first.

An entity's creation writes no history row: the first value is the oldest row's `old`, or the current one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef
from shared.eav.entity import HistoryEntry
from shared.eav.types import kind_of
from shared.kernel.clock import iso
from shared.kernel.db import Connection

_ROWS = """
select entity_id, version, effective_at, at, actor, source, source_id, changed from eav_history
where entity_id = any(%(ids)s) and changed ?| %(keys)s order by entity_id, version desc
"""
_CREATED = """
select id, created_at, recorded_at, created_by, source, source_id from {table} where id = any(%(ids)s)
"""


def text_of_json(attribute: AttributeDef, value: Any) -> str:
    """The text form of a canonical JSON value, "" for none."""
    if value is None:
        return ""
    kind = kind_of(attribute)
    return kind.to_text(kind.from_json(value, attribute))


def histories(
    connection: Connection,
    live: LiveType,
    table: str,
    current: Iterable[tuple[int, dict[str, Any]]],
    attributes: Sequence[AttributeDef],
) -> dict[int, dict[str, list[HistoryEntry]]]:
    """{entity id: {attribute name: entries, newest first}} of these attributes; two statements for any number.

    `current`: (id, canonical JSON values by attribute key) of the entities.
    """
    now_values = dict(current)
    params = {"ids": list(now_values), "keys": [one.key for one in attributes]}
    rows = connection.rows(_ROWS, params)
    made = {row[0]: row[1:] for row in connection.rows(_CREATED.format(table=table), {"ids": list(now_values)})}
    found: dict[int, dict[str, list[HistoryEntry]]] = {
        ident: {one.name: [] for one in attributes} for ident in now_values
    }
    oldest: dict[tuple[int, str], Any] = {}
    for ident, version, effective, at, actor, source, source_id, changed in rows:
        for attribute in attributes:
            if attribute.key in changed:
                old, new = changed[attribute.key]
                oldest[ident, attribute.key] = old
                entry = HistoryEntry(
                    text_of_json(attribute, new), iso(effective), source, source_id, actor, version, iso(at)
                )
                found[ident][attribute.name].append(entry)
    for ident, values in now_values.items():
        _add_first(found[ident], made.get(ident), values, oldest, ident, attributes)
    return found


def _add_first(
    entries: dict[str, list[HistoryEntry]],
    made: Any,
    values: dict[str, Any],
    oldest: dict[tuple[int, str], Any],
    ident: int,
    attributes: Sequence[AttributeDef],
) -> None:
    if made is None:
        return
    created, recorded, actor, source, source_id = made
    for attribute in attributes:
        first = oldest.get((ident, attribute.key), values.get(attribute.key))
        if first is not None:
            entries[attribute.name].append(
                HistoryEntry(text_of_json(attribute, first), iso(created), source, source_id, actor, 1, iso(recorded))
            )
