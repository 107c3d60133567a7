"""Batches of links in the wire dialect, v4: `/crm/v4/associations/{type}/{to_type}/batch`.

What the form of a batch gets wrong refuses it whole (400). Where links have labels, records that are not there, and
limits, are told one by one under 207 while the rest is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from flask import Response

from shared.eav.declare import TypeDef
from shared.kernel import clock
from shared.kernel.errors import ErrorList, NotFound
from shared.service.links import MAX_LINK_PAGE, ItemError, LinkItem, LinkOutcome, LinkTo, RelationDef, Unlink
from shared.service.web.dialect import association_models as models
from shared.service.web.dialect import bodies, names
from shared.service.web.dialect.association_bodies import (
    both_directions,
    end,
    fitting,
    labelled,
    linked_v4,
    type_ids,
)
from shared.service.web.dialect.envelope import envelope
from shared.service.web.errors import standard_error
from shared.service.web.operation import Operation, no_content
from shared.service.web.request import context, json_object

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

MOST_READ, MOST_WRITTEN = 1000, 2000
MOST_LINKED = 100_000  # in one answer: batches of many records get shorter pages
UNLINKED = "crm.associations.NO_ASSOCIATIONS_FOUND"


def read(service: Runtime, type: str, to_type: str) -> Response:
    """Linked records of many; those without any are named under 207."""
    asked = asked_pages(json_object())
    started, found, known = read_pages(service, type, to_type, asked)
    results = []
    for ident, (linked, following) in found.items():
        one: dict[str, Any] = {"from": {"id": str(ident)}, "to": [linked_v4(link, known) for link in linked]}
        if following is not None:
            one["paging"] = next_page(service, type, ident, to_type, following, "v4")
        results.append(one)
    return envelope(results, unlinked([one for one, _ in asked if one not in found], type, to_type), started, 200)


def asked_pages(body: dict[str, Any]) -> list[tuple[int, int]]:
    """(id, after) of every input; raises Invalid."""
    errors = ErrorList()
    found: list[tuple[int, int]] = []
    for index, one in enumerate(bodies.inputs(body, MOST_READ)):
        ident = end({"from": one}, "from", errors, f"inputs[{index}].")
        after = bodies.whole(one.get("after") or 0)
        if after is None or after < 0:
            where = f"inputs[{index}].after"
            errors.add(where, "INVALID_INTEGER", f"{where} must be `paging.next.after` of the page before")
        found.append((ident, after or 0))
    errors.raise_if_any()
    return list(dict(found).items())


def read_pages(service: Runtime, type: str, to_type: str, asked: Sequence[tuple[int, int]]) -> tuple[str, Any, Any]:
    """When it began, the pages of those that are linked in the order asked, and the relations by id."""
    started, ctx = clock.iso(clock.now()), context()
    start, target = names.entity_type(type), names.entity_type(to_type)
    limit = max(1, min(MAX_LINK_PAGE, MOST_LINKED // max(1, len(asked))))
    pages = service.links.pages(ctx, start, [one for one, _ in asked], target, limit=limit, afters=dict(asked))
    known = {one.id: one for one in service.links.relations(ctx, start, target)}
    return started, {one: pages[one] for one, _ in asked if one in pages and pages[one][0]}, known


def next_page(service: Runtime, type: str, ident: int, to_type: str, after: int, version: str) -> dict[str, Any]:
    """Where the rest of one record's links is."""
    path = f"/crm/{version}/objects/{type}/{ident}/associations/{to_type}"
    return {"next": {"after": str(after), "link": f"{service.settings.base_url}{path}?after={after}"}}


def unlinked(ids: Sequence[int], type: str, to_type: str) -> list[dict[str, Any]]:
    """One error per record that has no links."""
    start, target = names.entity_type(type), names.entity_type(to_type)
    return [
        {
            **standard_error(
                NotFound(start, [], f"No {target} is associated with {start} {ident}."),
                fromObjectId=[str(ident)],
                fromObjectType=[start],
                toObjectType=[target],
            ),
            "subCategory": UNLINKED,
        }
        for ident in ids
    ]


def create(service: Runtime, type: str, to_type: str) -> Response:
    """Link many pairs with labels; labels they have stay."""
    started, ctx = clock.iso(clock.now()), context()
    errors = ErrorList()
    pairs = []
    for index, one in enumerate(bodies.inputs(json_object(), MOST_WRITTEN)):
        where = f"inputs[{index}]."
        idents = type_ids(one.get("types"), errors, f"{where}types")
        pairs.append((end(one, "from", errors, where), end(one, "to", errors, where), idents))
    errors.raise_if_any()
    service.links.known({ident for *_, idents in pairs for ident in idents})
    start, target, between = _types(service, type, to_type)
    for index, (*_, idents) in enumerate(pairs):
        fitting(idents, between, errors, f"inputs[{index}].types")
    errors.raise_if_any()
    items = [LinkItem(one, LinkTo(target.name, other, idents)) for one, other, idents in pairs]
    done = service.links.put(ctx, start.name, items, partial=True) if items else []
    known = {one.id: one for one in service.links.relations(ctx, start.name, target.name, "write")}
    results = [labelled(one, start, target, known) for one in done if isinstance(one, LinkOutcome)]
    return envelope(results, refused(done, items), started, 201)


def associate(service: Runtime, type: str, to_type: str) -> Response:
    """Link many pairs plainly, all or none: clients know of no partial answer here."""
    started, ctx = clock.iso(clock.now()), context()
    errors = ErrorList()
    start, target, between = _types(service, type, to_type)
    items = []
    for index, one in enumerate(bodies.inputs(json_object(), MOST_WRITTEN)):
        where = f"inputs[{index}]."
        items.append(LinkItem(end(one, "from", errors, where), LinkTo(target.name, end(one, "to", errors, where))))
    errors.raise_if_any()
    done = service.links.put(ctx, start.name, items) if items else []
    results = [part for one in done if isinstance(one, LinkOutcome) for part in both_directions(one, between[0])]
    return envelope(results, [], started, 200)


def _types(service: Runtime, type: str, to_type: str) -> tuple[TypeDef, TypeDef, Sequence[RelationDef]]:
    ctx, start, target = context(), names.entity_type(type), names.entity_type(to_type)
    between = service.links.relations(ctx, start, target, "write")
    return service.links.type(ctx, start, "write"), service.links.type(ctx, target, "write"), between


def refused(done: Sequence[LinkOutcome | ItemError], items: Sequence[LinkItem]) -> list[dict[str, Any]]:
    """One error per pair that was not linked."""
    return [
        standard_error(
            one.error,
            index=[str(one.index)],
            fromObjectId=[str(items[one.index].from_id)],
            toObjectId=[str(items[one.index].to.to_id)],
        )
        for one in done
        if isinstance(one, ItemError)
    ]


def archive(service: Runtime, type: str, to_type: str) -> Response:
    """Undo every link of many pairs."""
    errors = ErrorList()
    items = []
    target = names.entity_type(to_type)
    for index, one in enumerate(bodies.inputs(json_object(), MOST_WRITTEN)):
        where = f"inputs[{index}]."
        start = end(one, "from", errors, where)
        for place, other in enumerate(bodies.objects(one, "to", errors, where=where)):
            items.append(Unlink(start, target, end({"to": other}, "to", errors, f"{where}to[{place}].")))
    errors.raise_if_any()
    service.links.remove(context(), names.entity_type(type), items)
    return no_content()


def archive_labels(service: Runtime, type: str, to_type: str) -> Response:
    """Take labels from many pairs, which stay linked; taking the plain type undoes the link."""
    errors = ErrorList()
    items = []
    target = names.entity_type(to_type)
    for index, one in enumerate(bodies.inputs(json_object(), MOST_WRITTEN)):
        where = f"inputs[{index}]."
        idents = type_ids(one.get("types"), errors, f"{where}types")
        items.append(Unlink(end(one, "from", errors, where), target, end(one, "to", errors, where), idents))
    errors.raise_if_any()
    service.links.remove(context(), names.entity_type(type), items)
    return no_content()


_TAG = "Associations"
_BASE = "/crm/v4/associations/{type}/{to_type}/batch"
_ENDS = {"from": {"id": "1"}, "to": {"id": "2"}}
_TYPES = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 449}]
_PARTLY: dict[str, Any] = {"tag": _TAG, "statuses": (207,)}

OPERATIONS: tuple[Operation, ...] = (
    Operation("POST", f"{_BASE}/read", "batchReadLinks", "Read the links of many records", read,
              body=models.PagesOf, response=models.LinkedBatch, example={"inputs": [{"id": "1"}]}, read_only=True,
              **_PARTLY),
    Operation("POST", f"{_BASE}/create", "batchCreateLinks", "Link many records with labels", create, 201,
              body=models.TypedPairs, response=models.LabelledPairs, example={"inputs": [{**_ENDS, "types": _TYPES}]},
              **_PARTLY),
    Operation("POST", f"{_BASE}/associate/default", "batchLinkPlainly", "Link many records", associate,
              body=models.Pairs, response=models.DefaultLinks, example={"inputs": [_ENDS]}, tag=_TAG),
    Operation("POST", f"{_BASE}/archive", "batchUnlink", "Undo every link of many records", archive, 204,
              body=models.ManyTos, example={"inputs": [{"from": {"id": "1"}, "to": [{"id": "2"}]}]}, tag=_TAG),
    Operation("POST", f"{_BASE}/labels/archive", "batchRemoveLabels", "Take labels from many pairs", archive_labels,
              204, body=models.TypedPairs, example={"inputs": [{**_ENDS, "types": _TYPES}]}, tag=_TAG),
)  # fmt: skip
