"""Entities as native JSON, ids from paths and bodies, and the header that names a change."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from shared.eav.showing import EVERY
from shared.kernel.clock import read_instant
from shared.kernel.errors import Invalid, NotFound
from shared.service.effective import EFFECTIVE_AT, refusal
from shared.service.entities import Entity, Ref, View
from shared.service.web.request import BIGGEST_ID

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

ALL = EVERY


def entity_json(type_name: str, entity: Entity) -> dict[str, Any]:
    """One entity."""
    body: dict[str, Any] = {
        "id": str(entity.id),
        "type": type_name,
        "version": entity.version,
        "created_at": entity.created_at,
        "updated_at": entity.updated_at,
        "archived": entity.archived_at is not None,
        "values": entity.values,
    }
    if entity.archived_at is not None:
        body["archived_at"] = entity.archived_at
    if entity.warnings:
        body["warnings"] = list(entity.warnings)
    if entity.history is not None:
        body["history"] = {name: [_entry(one) for one in entries] for name, entries in entity.history.items()}
    return body


def _entry(one: Any) -> dict[str, Any]:
    return {
        "value": one.value,
        "at": one.at,
        "source": one.source,
        "source_id": one.source_id,
        "actor": one.actor,
        "version": one.version,
    }


def change_id(service: Runtime, type_name: str, entity: Entity) -> str:
    """Names one write for readers who must see it: service/type/id/version."""
    return f"{service.manifest.name}/{type_name}/{entity.id}/{entity.version}"


def entity_id(type_name: str, text: object) -> int:
    """An id from outside. Raises NotFound for what can be no id."""
    found = str(text)
    if found.isascii() and found.isdigit() and len(found) <= 19 and int(found) <= BIGGEST_ID:
        return int(found)
    raise NotFound(type_name, [found[:80]])


def reference(type_name: str, text: str, by: str) -> Ref:
    """What a path names: an id, or with `by` a value of that unique attribute."""
    return Ref(attribute=by, value=text) if by else Ref(id=entity_id(type_name, text))


def view(attributes: tuple[str, ...] | None, history: tuple[str, ...] = ()) -> View:
    """The view of the named attributes: None for the type's default set, `*` for all."""
    return View(form="json", attributes=attributes, history=history)


def names(body: dict[str, Any], key: str) -> tuple[str, ...] | None:
    """A list of names in a body, None when the key is absent. Raises Invalid."""
    found = body.get(key)
    if found is None:
        return None
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise Invalid.one(key, "INVALID_LIST", f"{key} must be a list of names")
    return tuple(found)


def instant(body: dict[str, Any], key: str, where: str = "") -> datetime | None:
    """An ISO 8601 instant in a body; without an offset it is UTC. Raises Invalid."""
    found = body.get(key)
    if found is None:
        return None
    try:
        return read_instant(found)
    except ValueError:
        text = f"{where}{key} must be an ISO 8601 instant such as 2030-01-31T00:00:00Z"
        raise Invalid.one(f"{where}{key}", "INVALID_DATE", text) from None


def since(body: dict[str, Any], where: str = "") -> datetime | None:
    """The `effective_at` of a body: when a write counts from. Raises Invalid, also for what is yet to come or lies
    before anything counts."""
    at = instant(body, EFFECTIVE_AT, where)
    refused = None if at is None else refusal(at)
    if refused is not None:
        code, why = refused
        raise Invalid.one(f"{where}{EFFECTIVE_AT}", code, f"{where}{EFFECTIVE_AT} must not be {why}")
    return at


def values(body: dict[str, Any], where: str = "") -> dict[str, Any]:
    """The `values` of a body. Raises Invalid."""
    found = body.get("values", {})
    if not isinstance(found, dict):
        raise Invalid.one(f"{where}values", "INVALID_JSON", f"{where}values must be an object of attribute names")
    return found
