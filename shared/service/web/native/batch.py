"""Many entities at once: create, read, update, upsert, archive. At most MOST per request, all or nothing.

With `"partial": true` the good inputs are written and the others reported: status 207 when there was any of those.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flask import Response

from shared.kernel.errors import ErrorList, Invalid
from shared.service.entities import Draft, Entity, ItemError, Ref, Update, Upsert
from shared.service.web.errors import standard_error
from shared.service.web.native import models, present
from shared.service.web.native.links import links
from shared.service.web.native.single import MOST, PATH, WRITE_KEYS
from shared.service.web.operation import Operation, answer, no_content
from shared.service.web.request import context, json_object, known_keys

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

BATCH = PATH + "/batch"


def create(service: Runtime, type: str) -> Response:
    """Create entities."""
    body = json_object()
    name = service.catalog.type(type).name
    inputs = _inputs(body, WRITE_KEYS, ())
    drafts = [
        Draft(present.values(one, where), effective_at=_at(one, where), links=links(service, name, one, where))
        for where, one in inputs
    ]
    done = service.entities.create(context(), name, drafts, present.view(None), partial=_partial(body))
    return _written(service, name, done, 201)


def read(service: Runtime, type: str) -> Response:
    """Read entities by id or by a unique attribute."""
    body = json_object()
    known_keys(body, ("ids", "by", "attributes", "history", "archived"))
    name = service.catalog.type(type).name
    ids = _ids(body)
    view = present.view(present.names(body, "attributes"), present.names(body, "history") or ())
    by = body.get("by") or ""
    if not isinstance(by, str):
        raise Invalid.one("by", "INVALID_TEXT", "by must be the name of a unique attribute")
    refs = [present.reference(name, one, by) for one in ids]
    found = service.entities.read(context(), name, refs, view, archived=body.get("archived") is True)
    results = [present.entity_json(name, one) for one in found if one is not None]
    return answer({"results": results, "missing": [id_ for id_, one in zip(ids, found, strict=True) if one is None]})


def update(service: Runtime, type: str) -> Response:
    """Change entities; a `version` makes an input conditional."""
    body = json_object()
    name = service.catalog.type(type).name
    updates = []
    for where, one in _inputs(body, ("id", "version", *WRITE_KEYS), ()):
        version = one.get("version")
        if version is not None and type_is_not_int(version):
            raise Invalid.one(f"{where}version", "INVALID_INTEGER", f"{where}version must be a whole number")
        ref = Ref(id=present.entity_id(name, one.get("id", "")))
        wanted, at = links(service, name, one, where), _at(one, where)
        updates.append(Update(ref, present.values(one, where), version, effective_at=at, links=wanted))
    done = service.entities.update(context(), name, updates, present.view(None), partial=_partial(body))
    return _written(service, name, done, 200)


def upsert(service: Runtime, type: str) -> Response:
    """Create or change entities, told apart by the unique attribute `by`."""
    body = json_object()
    name = service.catalog.type(type).name
    by = body.get("by")
    if not isinstance(by, str) or not by:
        raise Invalid.one("by", "REQUIRED_FIELD", "by is required: the name of a unique attribute")
    upserts = []
    errors = ErrorList()
    for where, one in _inputs(body, WRITE_KEYS, ("by",)):
        values = present.values(one, where)
        key = values.get(by)
        if key is None or isinstance(key, dict | list) or key == "":
            errors.add(f"{where}values.{by}", "REQUIRED_FIELD", f"{where}values must hold {by}")
        ref, wanted = Ref(attribute=by, value=key), links(service, name, one, where)
        upserts.append(Upsert(ref, values, effective_at=_at(one, where), links=wanted))
    errors.raise_if_any()
    done = service.entities.upsert(context(), name, upserts, present.view(None), partial=_partial(body))
    return _written(service, name, done, 200)


def archive(service: Runtime, type: str) -> Response:
    """Archive entities; unknown ones are passed over."""
    body = json_object()
    known_keys(body, ("ids",))
    name = service.catalog.type(type).name
    service.entities.archive(context(), name, [Ref(id=present.entity_id(name, one)) for one in _ids(body)])
    return no_content()


def type_is_not_int(value: object) -> bool:
    """Whether a JSON value is no whole number (true and false are none)."""
    return type(value) is not int


def _at(one: dict[str, Any], where: str) -> datetime | None:
    return present.since(one, where)


def _partial(body: dict[str, Any]) -> bool:
    return body.get("partial") is True


def _inputs(body: dict[str, Any], keys: Sequence[str], more: Sequence[str]) -> list[tuple[str, dict[str, Any]]]:
    known_keys(body, ("inputs", "partial", *more))
    raw = body.get("inputs")
    if not isinstance(raw, list) or not 1 <= len(raw) <= MOST:
        raise Invalid.one("inputs", "INVALID_LIST", f"inputs must be a list of 1 to {MOST} objects")
    found = []
    for at, one in enumerate(raw):
        if not isinstance(one, dict):
            raise Invalid.one(f"inputs[{at}]", "INVALID_JSON", f"inputs[{at}] must be an object")
        known_keys(one, keys, f"inputs[{at}].")
        found.append((f"inputs[{at}].", one))
    return found


def _ids(body: dict[str, Any]) -> list[str]:
    raw = body.get("ids")
    if not isinstance(raw, list) or not 1 <= len(raw) <= MOST or not all(isinstance(one, str | int) for one in raw):
        raise Invalid.one("ids", "INVALID_LIST", f"ids must be a list of 1 to {MOST} ids")
    return [str(one) for one in raw]


def _written(service: Runtime, name: str, done: Sequence[Entity | ItemError], status: int) -> Response:
    written = [one for one in done if not isinstance(one, ItemError)]
    problems = [{"index": one.index, **standard_error(one.error)} for one in done if isinstance(one, ItemError)]
    results = []
    for entity in written:
        shown = present.entity_json(name, entity)
        if entity.new is not None:
            shown["new"] = entity.new
        results.append(shown)
    body: dict[str, Any] = {"results": results}
    if problems:
        body["errors"] = problems
    headers = {"X-Change-Id": ", ".join(present.change_id(service, name, one) for one in written)} if written else {}
    return answer(body, 207 if problems else status, headers)


OPERATIONS = (
    Operation(
        "POST",
        BATCH + "/create",
        "createEntities",
        "Create many entities",
        create,
        201,
        body=models.CreateMany,
        response=models.Written,
        tag="Entities",
        statuses=(207,),
    ),
    Operation(
        "POST",
        BATCH + "/read",
        "readEntities",
        "Read many entities",
        read,
        body=models.ManyIds,
        example={"ids": ["1", "2"], "attributes": ["id"]},
        response=models.Found,
        tag="Entities",
        read_only=True,
    ),
    Operation(
        "POST",
        BATCH + "/update",
        "updateEntities",
        "Change many entities",
        update,
        body=models.UpdateMany,
        response=models.Written,
        tag="Entities",
        statuses=(207,),
    ),
    Operation(
        "POST",
        BATCH + "/upsert",
        "upsertEntities",
        "Create or change many entities",
        upsert,
        body=models.UpsertMany,
        example={"by": "email", "inputs": [{"values": {}}]},
        by_unique=True,
        response=models.Written,
        tag="Entities",
        statuses=(207,),
    ),
    Operation(
        "POST",
        BATCH + "/archive",
        "archiveEntities",
        "Archive many entities",
        archive,
        204,
        body=models.ArchiveMany,
        tag="Entities",
    ),
)
