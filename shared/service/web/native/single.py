"""One entity at a time: list, create, read, update, archive, restore."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response, request

from shared.kernel.context import Context
from shared.kernel.errors import NotFound
from shared.service.entities import Draft, Entity, Ref, Update, View
from shared.service.web.native import models, preconditions, present
from shared.service.web.native.links import links
from shared.service.web.operation import Operation, QueryParam, answer, no_content
from shared.service.web.request import (
    bool_param,
    context,
    int_param,
    json_object,
    known_keys,
    list_param,
    text_param,
)

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

PAGE, MOST = 50, 200
PATH = "/api/v1/objects/{type}"
SYSTEM_READ = Context()  # the version of what was just archived is told to those who may write but not read, too
_DEFAULT_VIEW = View(form="json")
_ID_ONLY = View(form="json", attributes=())
WRITE_KEYS = ("values", "links", "effective_at")


def list_(service: Runtime, type: str) -> Response:
    """A page of entities by id."""
    limit = int_param("limit", PAGE, MOST, least=1) or PAGE
    name = service.catalog.type(type).name
    found, after = service.entities.list(
        context(),
        name,
        present.view(list_param("attributes") or None, list_param("history")),
        limit=limit,
        after=int_param("cursor", None),
        archived=bool_param("archived"),
    )
    body: dict[str, Any] = {"results": [present.entity_json(name, one) for one in found]}
    if after is not None:
        body["next_cursor"] = str(after)
    return answer(body)


def create(service: Runtime, type: str) -> Response:
    """A new entity."""
    body = json_object()
    known_keys(body, WRITE_KEYS)
    name = service.catalog.type(type).name
    at = present.since(body)
    drafts = [Draft(present.values(body), effective_at=at, links=links(service, name, body))]
    made = service.entities.create(context(), name, drafts, present.view(None))[0]
    return _written(service, name, made, 201)


def read(service: Runtime, type: str, id: str) -> Response:
    """One entity; 304 when the caller has this version."""
    name = service.catalog.type(type).name
    if request.args:
        view = present.view(list_param("attributes") or None, list_param("history"))
        ref, archived = present.reference(name, id, text_param("by")), bool_param("archived")
    else:
        view, ref, archived = _DEFAULT_VIEW, Ref(present.entity_id(name, id)), False
    found = service.entities.read(context(), name, [ref], view, archived=archived)[0]
    if found is None:
        raise NotFound(name, [id])
    headers = {"ETag": preconditions.etag(found.version), "Cache-Control": "private, no-cache"}
    # The version tells nothing of what linked entities are: with values of theirs, nobody "has" the answer already.
    own = not any("." in one for one in found.values)
    if own and preconditions.is_known(request.environ.get("HTTP_IF_NONE_MATCH"), found.version):
        return Response(b"", 304, headers)
    return answer(present.entity_json(name, found), 200, headers)


def update(service: Runtime, type: str, id: str) -> Response:
    """Change some values; If-Match makes it conditional on the version."""
    body = json_object()
    known_keys(body, WRITE_KEYS)
    name = service.catalog.type(type).name
    ref = present.reference(name, id, text_param("by"))
    expected = _expected(service, name, ref)
    at = present.since(body)
    wanted = links(service, name, body)
    updates = [Update(ref, present.values(body), expected, effective_at=at, links=wanted)]
    changed = service.entities.update(context(), name, updates, present.view(None))[0]
    return _written(service, name, changed, 200)


def archive(service: Runtime, type: str, id: str) -> Response:
    """Put an entity into the archive; nothing happens when it is there already."""
    name = service.catalog.type(type).name
    ref = present.reference(name, id, text_param("by"))
    _expected(service, name, ref)
    service.entities.archive(context(), name, [ref])
    gone = service.entities.read(SYSTEM_READ, name, [ref], _ID_ONLY, archived=True)[0] if ref.id is not None else None
    return no_content({"X-Change-Id": present.change_id(service, name, gone)} if gone is not None else None)


def restore(service: Runtime, type: str, id: str) -> Response:
    """Take an entity back from the archive."""
    body = json_object()
    known_keys(body, ("without_taken",))
    name = service.catalog.type(type).name
    restored = service.entities.restore(
        context(),
        name,
        present.entity_id(name, id),
        without_taken=body.get("without_taken") is True,
        view=present.view(None),
    )
    return _written(service, name, restored, 200)


def _expected(service: Runtime, name: str, ref: Ref) -> int | None:
    """The one version a write may meet. Of several, the present one is chosen; the write checks it again."""
    expected = preconditions.expected_versions(request.headers.get("If-Match"))
    if expected is None:
        return None
    if len(expected) == 1 and request.method != "DELETE":
        return expected[0]
    found = service.entities.read(context(), name, [ref], _ID_ONLY)[0]
    if found is None:
        raise NotFound(name, [ref.value or str(ref.id)])
    preconditions.check(expected, found.version)
    return found.version


def _written(service: Runtime, name: str, entity: Any, status: int) -> Response:
    assert isinstance(entity, Entity)  # not partial: errors are raised
    headers = {
        "ETag": preconditions.etag(entity.version),
        "X-Change-Id": present.change_id(service, name, entity),
    }
    if status == 201:
        headers["Location"] = f"/api/v1/objects/{name}/{entity.id}"
    return answer(present.entity_json(name, entity), status, headers)


_ATTRIBUTES = QueryParam(
    "attributes",
    "array",
    "Names to show, of linked entities too: `company.name` is the "
    "primary company's, or the first one's. `*` for all of its own; the type's default set if left out",
)
_HISTORY = QueryParam("history", "array", "Names whose former values to show, newest first")
_ARCHIVED = QueryParam("archived", "boolean", "Look into the archive instead", False)
_BY = QueryParam("by", "string", "Name of a unique attribute: the path then holds its value instead of the id")

OPERATIONS = (
    Operation(
        "GET",
        PATH,
        "listEntities",
        "List entities",
        list_,
        query=(
            QueryParam("limit", "integer", f"Entities per page, at most {MOST}", PAGE),
            QueryParam("cursor", "string", "`next_cursor` of the page before"),
            _ATTRIBUTES,
            _HISTORY,
            _ARCHIVED,
        ),
        response=models.EntityList,
        tag="Entities",
    ),
    Operation(
        "POST",
        PATH,
        "createEntity",
        "Create an entity",
        create,
        201,
        body=models.WriteEntity,
        response=models.EntityOut,
        tag="Entities",
    ),
    Operation(
        "GET",
        PATH + "/{id}",
        "readEntity",
        "Read an entity",
        read,
        query=(_ATTRIBUTES, _HISTORY, _ARCHIVED, _BY),
        response=models.EntityOut,
        tag="Entities",
        statuses=(304,),
        headers=("If-None-Match",),
        description="Answers 304 when If-None-Match names the version the entity has.",
    ),
    Operation(
        "PATCH",
        PATH + "/{id}",
        "updateEntity",
        "Change values of an entity",
        update,
        query=(_BY,),
        body=models.WriteEntity,
        response=models.EntityOut,
        tag="Entities",
        headers=("If-Match",),
        description="With If-Match, 412 is answered when the entity has another version. null clears a value.",
    ),
    Operation(
        "DELETE",
        PATH + "/{id}",
        "archiveEntity",
        "Archive an entity",
        archive,
        204,
        (_BY,),
        tag="Entities",
        headers=("If-Match",),
    ),
    Operation(
        "POST",
        PATH + "/{id}/restore",
        "restoreEntity",
        "Take an entity back from the archive",
        restore,
        body=models.RestoreEntity,
        response=models.EntityOut,
        example={},
        tag="Entities",
        description="409 when a unique value was taken meanwhile; `without_taken` restores without such values.",
    ),
)
