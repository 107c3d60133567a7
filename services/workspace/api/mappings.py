"""Doors of mappings that are kept under a name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response

from services.workspace.commands.mappings import KEYS
from services.workspace.commands.targets import ImportTarget, every_target, find_target, require_write, writable
from services.workspace.tables import mappings
from shared.kernel.errors import Invalid, NotFound
from shared.service.web.operation import answer, no_content
from shared.service.web.request import context, int_param, json_object, known_keys, text_param

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

PAGE = 100
_LONGEST = 200


def list_(service: Runtime) -> Response:
    """Named mappings of the types that the actor may import into."""
    limit = int_param("limit", PAGE, PAGE, least=1) or PAGE
    types = writable(service, context().actor)
    if types is None:
        types = [one.name for one in every_target(service)]
    with service.db.connect() as connection:
        found = mappings.listed(connection, types, text_param("after"), limit + 1)
    body: dict[str, Any] = {
        "results": [{name: one[name] for name in ("name", "type", "mapping")} for one in found[:limit]]
    }
    if len(found) > limit:
        body["next_after"] = found[limit - 1]["name"]
    return answer(body)


def save(service: Runtime) -> Response:
    """Keep a mapping; one of that name is replaced."""
    body = json_object()
    known_keys(body, ("name", "type", "mapping"))
    name, mapping = body.get("name"), body.get("mapping")
    if not isinstance(name, str) or not 0 < len(name) <= _LONGEST:
        raise Invalid.one("name", "REQUIRED_FIELD", f"name is required: a text of at most {_LONGEST} characters")
    if not isinstance(mapping, dict):
        raise Invalid.one("mapping", "REQUIRED_FIELD", "mapping is required")
    known_keys(mapping, KEYS, "mapping.")
    target = _target(service, str(body.get("type") or ""))
    with service.db.transaction() as connection:
        mappings.save(connection, target.name, name, mapping, context().actor.id)
    return answer({"name": name, "type": target.name, "mapping": mapping}, 201)


def read(service: Runtime, name: str) -> Response:
    """One of them."""
    target = _target(service, text_param("type"))
    with service.db.connect() as connection:
        found = mappings.named(connection, target.name, name)
    if found is None:
        raise NotFound("mapping", [name[:80]])
    return answer({"name": name, "type": target.name, "mapping": found})


def drop(service: Runtime, name: str) -> Response:
    """Forget one; fine when there is none."""
    target = _target(service, text_param("type"))
    with service.db.transaction() as connection:
        mappings.drop(connection, target.name, name)
    return no_content()


def _target(service: Runtime, name: str) -> ImportTarget:
    if not name:
        raise Invalid.one("type", "REQUIRED_FIELD", "type is required: the entity type that rows become")
    target = find_target(service, name)
    require_write(context().actor, target)
    return target
