"""Single entities and lists in the wire dialect: `/crm/v3/objects/{type}` and the same at v4.

Doors only: each parses, calls the corridor once and presents. Batches and searches live beside this module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response, request

from shared.eav.entity import View
from shared.kernel.errors import ErrorList, Invalid, NotFound
from shared.service.entities import Draft, Update
from shared.service.web.dialect import bodies, models, names, present
from shared.service.web.dialect.association_bodies import wanted_links
from shared.service.web.dialect.linking import links_to_write, show_links
from shared.service.web.dialect.paging import page_link
from shared.service.web.native.preconditions import expected_versions
from shared.service.web.operation import Operation, QueryParam, answer, no_content
from shared.service.web.request import bool_param, context, int_param, json_object, list_param, text_param

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

MOST_PER_PAGE = 100
MOST_PER_PAGE_WITH_HISTORY = 50
PER_PAGE = 10


def _asked() -> View:
    history = list_param("propertiesWithHistory")
    return View("text", list_param("properties") or None, history)


def _properties(body: dict[str, Any], errors: ErrorList) -> dict[str, Any]:
    return bodies.mapping(body, "properties", errors)


def listing(service: Runtime, type: str) -> Response:
    """One page, ids ascending."""
    kind = names.entity_type(type)
    view = _asked()
    limit = int_param("limit", PER_PAGE, MOST_PER_PAGE_WITH_HISTORY if view.history else MOST_PER_PAGE, least=1)
    after = int_param("after", None)
    found, following = service.entities.list(
        context(), kind, view, limit=limit or PER_PAGE, after=after, archived=bool_param("archived")
    )
    records = present.records(found)
    show_links(service, kind, records)
    body: dict[str, Any] = {"results": records}
    if following is not None:
        body["paging"] = page_link(service, following)
    return answer(body)


def create(service: Runtime, type: str) -> Response:
    """One new entity."""
    kind = names.entity_type(type)
    body = json_object()
    errors = ErrorList()
    values = _properties(body, errors)
    (links,) = links_to_write(service, kind, [wanted_links(body, errors)], errors)
    errors.raise_if_any()
    made = present.only(service.entities.create(context(), kind, [Draft(values, links=links)], present.AFTER_CREATE))
    return answer(present.record(made), 201, present.change_headers(service, kind, made))


def read(service: Runtime, type: str, id: str) -> Response:
    """One entity by id or by a unique property."""
    kind = names.entity_type(type)
    ref = names.ref_in_path(kind, id, text_param("idProperty"))
    found = service.entities.read(context(), kind, [ref], _asked(), archived=bool_param("archived"))
    if found[0] is None:
        raise NotFound(kind, [id])
    record = present.record(found[0])
    show_links(service, kind, [record], alone=True)
    return answer(record, headers=present.change_headers(service, kind, found[0]))


def update(service: Runtime, type: str, id: str) -> Response:
    """New values for one entity; answers the written properties."""
    kind = names.entity_type(type)
    ref = names.ref_in_path(kind, id, text_param("idProperty"))
    errors = ErrorList()
    values = _properties(json_object(), errors)
    errors.raise_if_any()
    updates = [Update(ref, values, expected_version=_expected_version())]
    done = present.only(service.entities.update(context(), kind, updates, present.AFTER_UPDATE))
    return answer(present.record(done), headers=present.change_headers(service, kind, done))


def _expected_version() -> int | None:
    """The version that If-Match names, as the ETag of a record gives it."""
    versions = expected_versions(request.headers.get("If-Match"))
    if versions is None:
        return None
    if len(versions) > 1:
        raise Invalid.one("If-Match", "INVALID_PARAMETER", "If-Match takes one entity tag here")
    return versions[0]


def archive(service: Runtime, type: str, id: str) -> Response:
    """Put one entity away; saying so twice is fine, and so is an id that nothing has."""
    kind = names.entity_type(type)
    if text_param("idProperty"):
        raise Invalid.one("idProperty", "INVALID_PARAMETER", "idProperty is not offered here: archive by id")
    ref = names.ref_of(id)
    service.entities.archive(context(), kind, [ref] if ref is not None else [])
    return no_content()


_ID_PROPERTY = QueryParam("idProperty", description="A unique property whose value the last path segment is")
_ARCHIVED = QueryParam("archived", "boolean", "Only archived records instead of only live ones", False)
_READING = (
    QueryParam("properties", "array", "Properties to answer; none means the type's default set"),
    QueryParam("propertiesWithHistory", "array", "Properties to answer with all their earlier values"),
    QueryParam("associations", "array", "Types of linked records to answer"),
    _ARCHIVED,
)
_PAGING = (
    QueryParam("limit", "integer", f"Page size, at most {MOST_PER_PAGE}", PER_PAGE),
    QueryParam("after", "integer", "Where the page starts: `paging.next.after` of the page before"),
)
_EXAMPLE = {"properties": {"firstname": "Ada", "lastname": "Lovelace", "email": "ada@example.org"}}


def _operations(version: str) -> tuple[Operation, ...]:
    base = f"/crm/{version}/objects/{{type}}"
    tag, suffix = "Objects", "" if version == "v3" else version.upper()
    write, one = models.RecordInput, models.Record
    return (
        Operation("GET", base, f"listObjects{suffix}", "List records", listing,
                  query=(*_PAGING, *_READING), response=models.RecordPage, tag=tag),
        Operation("POST", base, f"createObject{suffix}", "Create a record", create, 201,
                  body=write, response=one, example=_EXAMPLE, tag=tag),
        Operation("GET", f"{base}/{{id:path}}", f"readObject{suffix}", "Read a record", read,
                  query=(*_READING, _ID_PROPERTY), response=one, tag=tag),
        Operation("PATCH", f"{base}/{{id:path}}", f"updateObject{suffix}", "Update a record", update,
                  query=(_ID_PROPERTY,), body=write, response=one, example=_EXAMPLE, tag=tag, headers=("If-Match",)),
        Operation("DELETE", f"{base}/{{id}}", f"archiveObject{suffix}", "Archive a record", archive, 204, tag=tag),
    )  # fmt: skip


OPERATIONS: tuple[Operation, ...] = (*_operations("v3"), *_operations("v4"))
