"""Links in the wire dialect of version 3: batches by the name of an association type, and the names there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response

from shared.kernel import clock
from shared.kernel.errors import ErrorList, Invalid
from shared.service.links import LinkItem, LinkOutcome, LinkTo, RelationDef, Unlink
from shared.service.web.dialect import association_models as models
from shared.service.web.dialect import bodies, names
from shared.service.web.dialect.association_batches import (
    MOST_WRITTEN,
    asked_pages,
    next_page,
    read_pages,
    refused,
    unlinked,
)
from shared.service.web.dialect.association_bodies import end, linked_v3, named_type, type_name
from shared.service.web.dialect.envelope import envelope
from shared.service.web.operation import Operation, answer, no_content
from shared.service.web.request import context, json_object

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

Named = list[tuple[int, int, RelationDef, str]]


def read(service: Runtime, type: str, to_type: str) -> Response:
    """Linked records of many, one entry per association type; those without any are named under 207."""
    asked = asked_pages(json_object())
    started, found, known = read_pages(service, type, to_type, asked)
    results = []
    for ident, (linked, following) in found.items():
        one: dict[str, Any] = {"from": {"id": str(ident)}, "to": linked_v3(linked, known)}
        if following is not None:
            one["paging"] = next_page(service, type, ident, to_type, following, "v3")
        results.append(one)
    return envelope(results, unlinked([one for one, _ in asked if one not in found], type, to_type), started, 200)


def create(service: Runtime, type: str, to_type: str) -> Response:
    """Link many pairs."""
    started = clock.iso(clock.now())
    named = _named(service, type, to_type)
    items = [LinkItem(one, LinkTo(relation.to_type, other, (relation.id,))) for one, other, relation, _ in named]
    done = service.links.put(context(), names.entity_type(type), items, partial=True) if items else []
    results = [
        {"from": {"id": str(outcome.from_id)}, "to": {"id": str(outcome.to_id)}, "type": name}
        for outcome, (*_, name) in zip(done, named, strict=True)
        if isinstance(outcome, LinkOutcome)
    ]
    return envelope(results, refused(done, items), started, 201)


def archive(service: Runtime, type: str, to_type: str) -> Response:
    """Take an association type from many pairs; the plain one undoes the link."""
    named = _named(service, type, to_type)
    items = [Unlink(one, relation.to_type, other, (relation.id,)) for one, other, relation, _ in named]
    service.links.remove(context(), names.entity_type(type), items)
    return no_content()


def _named(service: Runtime, type: str, to_type: str) -> Named:
    """(from, to, relation, its name as given) of every input. Raises Invalid naming every bad one."""
    errors = ErrorList()
    between = service.links.relations(context(), names.entity_type(type), names.entity_type(to_type), "write")
    found: Named = []
    for index, one in enumerate(bodies.inputs(json_object(), MOST_WRITTEN)):
        where = f"inputs[{index}]."
        start, target = end(one, "from", errors, where), end(one, "to", errors, where)
        name = bodies.text(one, "type", errors, where=where, required=True)
        if name:
            try:
                found.append((start, target, named_type(name, between), name))
            except Invalid as problem:
                errors.add(f"{where}type", "INVALID_ASSOCIATION", f"{where}type: {problem.message}")
    errors.raise_if_any()
    return found


def types(service: Runtime, type: str, to_type: str) -> Response:
    """The association types from one type of records to another."""
    between = service.links.relations(context(), names.entity_type(type), names.entity_type(to_type))
    return answer({"results": [{"id": str(one.id), "name": type_name(one, between)} for one in between]})


_TAG = "Associations"
_BASE = "/crm/v3/associations/{type}/{to_type}"
_EXAMPLE = {"inputs": [{"from": {"id": "1"}, "to": {"id": "2"}, "type": "449"}]}
_PARTLY: dict[str, Any] = {"tag": _TAG, "statuses": (207,)}

OPERATIONS: tuple[Operation, ...] = (
    Operation("POST", f"{_BASE}/batch/read", "batchReadLinksV3", "Read the links of many records by type name", read,
              body=models.PagesOf, response=models.LinkedIdBatch, example={"inputs": [{"id": "1"}]}, read_only=True,
              **_PARTLY),
    Operation("POST", f"{_BASE}/batch/create", "batchCreateLinksV3", "Link many records by type name", create, 201,
              body=models.NamedPairs, response=models.NamedPairBatch, example=_EXAMPLE, **_PARTLY),
    Operation("POST", f"{_BASE}/batch/archive", "batchUnlinkV3", "Undo links of many records by type name", archive,
              204, body=models.NamedPairs, example=_EXAMPLE, tag=_TAG),
    Operation("GET", f"{_BASE}/types", "listLinkTypes", "List association types", types,
              response=models.NamedTypes, tag=_TAG),
)  # fmt: skip
