"""Entities as the wire dialect's records. The values arrive as text keyed by wire names and are handed on untouched.

Lists of a hundred records pass here: no walk over values, no intermediate objects.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from shared.eav.entity import Entity, HistoryEntry, View
from shared.eav.requests import ItemError

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

# Writes always show what was written besides: a new record its default set, a changed one nothing more.
AFTER_CREATE = View("text")
AFTER_UPDATE = View("text", ())


def after_upsert(keys: tuple[str, ...]) -> View:
    """What an upsert answers besides what was written: the properties it told records apart by."""
    return View("text", keys)


def record(entity: Entity, trace: str | None = None) -> dict[str, Any]:
    """One record, ready for `kernel.json.dumps`."""
    body: dict[str, Any] = {
        "id": str(entity.id),
        "properties": entity.values,
        "createdAt": entity.created_at,
        "updatedAt": entity.updated_at,
        "archived": entity.archived_at is not None,
    }
    if entity.archived_at is not None:
        body["archivedAt"] = entity.archived_at
    if entity.history is not None:
        body["propertiesWithHistory"] = {
            name: [_entry(one) for one in entries] for name, entries in entity.history.items()
        }
    if entity.new is not None:
        body["new"] = entity.new
    if trace is not None:
        body["objectWriteTraceId"] = trace
    return body


def records(entities: Iterable[Entity]) -> list[dict[str, Any]]:
    """Many records."""
    return [record(entity) for entity in entities]


def only(outcomes: Sequence[Entity | ItemError]) -> Entity:
    """The entity of a write of one. Raises what it was refused for."""
    (outcome,) = outcomes
    if isinstance(outcome, ItemError):
        raise outcome.error
    return outcome


def change_headers(service: Runtime, kind: str, entity: Entity) -> dict[str, str]:
    """ETag (the version) and the change id of a written or read entity."""
    name = service.catalog.type(kind).name
    return {
        "ETag": f'"{entity.version}"',
        "X-Change-Id": f"{service.manifest.name}/{name}/{entity.id}/{entity.version}",
        **duplicate_headers([entity]),
    }


def duplicate_headers(entities: Iterable[Entity]) -> dict[str, str]:
    """Ids that new records may be duplicates of: a header, because the record's shape has no place for it."""
    ids = dict.fromkeys(ident for one in entities for warning in one.warnings for ident in warning["ids"])
    return {"X-Possible-Duplicates": ", ".join(ids)} if ids else {}


def _entry(entry: HistoryEntry) -> dict[str, Any]:
    body: dict[str, Any] = {"value": entry.value, "timestamp": entry.at, "sourceType": entry.source}
    if entry.source_id is not None:
        body["sourceId"] = entry.source_id
    if entry.actor is not None:
        body["sourceLabel"] = entry.actor
        if entry.actor.isascii() and entry.actor.isdigit():
            body["updatedByUserId"] = int(entry.actor)
    return body
