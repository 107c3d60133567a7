"""Links of one record in the wire dialect, v4: `/crm/v4/objects/{type}/{id}/associations`, and a v3 list beside.

Doors only: each parses, calls the corridor of links once and presents. Batches, labels and v3 live beside this module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response

from shared.kernel import clock
from shared.kernel.errors import ErrorList, Invalid, NotFound
from shared.service.links import MAX_LINK_PAGE, ItemError, LinkItem, LinkOutcome, LinkTo, Unlink
from shared.service.web.dialect import association_models as models
from shared.service.web.dialect import names
from shared.service.web.dialect.association_bodies import (
    both_directions,
    fitting,
    labelled,
    linked_v3,
    linked_v4,
    type_ids,
)
from shared.service.web.dialect.envelope import envelope
from shared.service.web.dialect.paging import page_link
from shared.service.web.operation import Operation, QueryParam, answer, no_content
from shared.service.web.request import context, int_param, json_array

if TYPE_CHECKING:
    from shared.service.runtime import Runtime


def _page(service: Runtime, type: str, id: str, to_type: str) -> tuple[Any, Any, Any]:
    """Linked records, the relations between the types by id, and where to go on."""
    ctx, start, end = context(), names.entity_type(type), names.entity_type(to_type)
    limit = int_param("limit", MAX_LINK_PAGE, MAX_LINK_PAGE, least=1) or MAX_LINK_PAGE
    after = int_param("after", 0) or 0
    ident = names.entity_id(id)
    if ident is None:
        raise NotFound(start, [id])
    found, following = service.links.page(ctx, start, ident, end, limit=limit, after=after)
    return found, {one.id: one for one in service.links.relations(ctx, start, end)}, following


def _body(service: Runtime, results: list[dict[str, Any]], following: int | None) -> Response:
    body: dict[str, Any] = {"results": results}
    if following is not None:
        body["paging"] = page_link(service, following)
    return answer(body)


def listing(service: Runtime, type: str, id: str, to_type: str) -> Response:
    """Linked records with all their association types."""
    found, known, following = _page(service, type, id, to_type)
    return _body(service, [linked_v4(one, known) for one in found], following)


def listing_v3(service: Runtime, type: str, id: str, to_type: str) -> Response:
    """Linked records, one entry per association type, as records show them."""
    found, known, following = _page(service, type, id, to_type)
    return _body(service, linked_v3(found, known), following)


def associate(service: Runtime, type: str, id: str, to_type: str, to_id: str) -> Response:
    """Link two records plainly; saying so twice is fine."""
    started = clock.iso(clock.now())
    done = _put(service, type, id, LinkTo(names.entity_type(to_type), _ident(to_type, to_id)), exact=False)
    plain = service.links.known([done.relations[0]])[done.relations[0]]
    return envelope(both_directions(done, plain), [], started, 200)


def set_labels(service: Runtime, type: str, id: str, to_type: str, to_id: str) -> Response:
    """Link two records with these labels and no others."""
    errors = ErrorList()
    idents = type_ids(json_array(), errors, "types")
    errors.raise_if_any()
    ctx, start, end = context(), names.entity_type(type), names.entity_type(to_type)
    service.links.known(idents)
    from_defn, to_defn = service.links.type(ctx, start, "write"), service.links.type(ctx, end, "write")
    fitting(idents, service.links.relations(ctx, start, end, "write"), errors, "types")
    errors.raise_if_any()
    done = _put(service, type, id, LinkTo(end, _ident(to_type, to_id), idents), exact=True)
    return answer(labelled(done, from_defn, to_defn, service.links.known(done.relations)), 201)


def _put(service: Runtime, type: str, id: str, link: LinkTo, *, exact: bool) -> LinkOutcome:
    item = LinkItem(_ident(type, id), link)
    (done,) = service.links.put(context(), names.entity_type(type), [item], exact=exact)
    assert not isinstance(done, ItemError)  # not partial: errors are raised
    return done


def _ident(type: str, id: str) -> int:
    found = names.entity_id(id)
    if found is None:
        raise NotFound(names.entity_type(type), [id[:80]])
    return found


def unlink(service: Runtime, type: str, id: str, to_type: str, to_id: str) -> Response:
    """Undo every link of two records; saying so twice is fine, and so are ids that nothing has."""
    start, end = names.entity_id(id), names.entity_id(to_id)
    items = [] if start is None or end is None else [Unlink(start, names.entity_type(to_type), end)]
    if not items:
        raise Invalid.one("id", "INVALID_INTEGER", "both ids must be ids of records")
    service.links.remove(context(), names.entity_type(type), items)
    return no_content()


_TAG = "Associations"
_PAGING = (
    QueryParam("limit", "integer", f"Page size, at most {MAX_LINK_PAGE}", MAX_LINK_PAGE),
    QueryParam("after", "integer", "`paging.next.after` of the page before"),
)
_V4 = "/crm/v4/objects/{type}/{id}/associations"
_V3 = "/crm/v3/objects/{type}/{id}/associations"
_EXAMPLE = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 449}]

OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", f"{_V4}/{{to_type}}", "listLinks", "List linked records", listing,
              query=_PAGING, response=models.LinkedPage, tag=_TAG),
    Operation("GET", f"{_V3}/{{to_type}}", "listLinksV3", "List linked records by type name", listing_v3,
              query=_PAGING, response=models.LinkedIdPage, tag=_TAG),
    Operation("PUT", f"{_V4}/default/{{to_type}}/{{to_id}}", "linkPlainly", "Link two records", associate,
              response=models.DefaultLinks, tag=_TAG),
    Operation("PUT", f"{_V4}/{{to_type}}/{{to_id}}", "setLabels", "Link two records with labels", set_labels, 201,
              body=models.Specs, response=models.LabelledPair, example=_EXAMPLE, tag=_TAG),
    Operation("DELETE", f"{_V4}/{{to_type}}/{{to_id}}", "unlink", "Undo every link of two records", unlink, 204,
              tag=_TAG),
)  # fmt: skip
