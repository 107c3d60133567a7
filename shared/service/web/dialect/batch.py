"""Batches in the wire dialect: create, read, update, upsert and archive up to a hundred entities in one call.

A batch whose items carry `objectWriteTraceId` is written item by item: what is wrong comes back as one error per item
under 207. Without trace ids a bad item refuses the whole batch; unknown ids alone are a 207 in either case.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from flask import Response

from shared.eav.entity import Entity, View
from shared.kernel import clock
from shared.kernel.errors import CrmError, ErrorList, NotFound
from shared.service.entities import Draft, ItemError, LinkTo, Ref, Update, Upsert
from shared.service.web.dialect import bodies, models, names, present
from shared.service.web.dialect.association_bodies import wanted_links
from shared.service.web.dialect.envelope import envelope
from shared.service.web.dialect.linking import links_to_write
from shared.service.web.errors import standard_error
from shared.service.web.operation import Operation, QueryParam, no_content
from shared.service.web.request import bool_param, context, json_object

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

MOST_WITH_HISTORY = 50
Outcome = Entity | CrmError


@dataclass(frozen=True, slots=True)
class Item:
    """One checked input. `ref` is None when nothing can have this id."""

    id: str
    ref: Ref | None
    values: dict[str, Any]
    trace: str | None
    links: tuple[LinkTo, ...] = ()


def items_of(service: Runtime, kind: str, body: dict[str, Any], *, ids: bool, usual: str = "") -> list[Item]:
    """The inputs of a writing batch. Raises Invalid naming every bad one, repeated ids and trace ids included.

    usual: the unique property that an id without `idProperty` means when it is no number.
    """
    errors = ErrorList()
    found = []
    wanted = []
    for index, one in enumerate(bodies.inputs(body)):
        where = f"inputs[{index}]."
        given = bodies.text(one, "id", errors, where=where, required=True) if ids else ""
        key = bodies.text(one, "idProperty", errors, where=where)
        if not key and names.entity_id(given) is None:
            key = usual
        values = bodies.mapping(one, "properties", errors, where=where)
        wanted.append(wanted_links(one, errors, where))
        trace = bodies.text(one, "objectWriteTraceId", errors, where=where) or None
        found.append(Item(given, names.ref_of(given, key), values, trace))
    if ids:
        _no_repetition(((_key(one), one.id) for one in found if one.id), "id", errors)
    _no_repetition(((one.trace, one.trace) for one in found if one.trace), "objectWriteTraceId", errors)
    links = links_to_write(service, kind, wanted, errors)
    errors.raise_if_any()
    return [replace(one, links=these) if these else one for one, these in zip(found, links, strict=True)]


def _key(item: Item) -> str:
    by = item.ref.attribute if item.ref is not None else None
    return f"{by or ''}\0{item.id.strip().casefold()}"


def _no_repetition(keys: Iterable[tuple[str, str]], name: str, errors: ErrorList) -> None:
    seen: set[str] = set()
    for index, (key, shown) in enumerate(keys):
        if key in seen:
            errors.add(f"inputs[{index}].{name}", "DUPLICATE_ID", f"{name} {shown[:200]} occurs more than once")
        seen.add(key)


def missing(kind: str, ids: list[str]) -> list[dict[str, Any]]:
    """The one error that names all ids nothing was found for; none when all were found."""
    return [standard_error(NotFound(kind, ids))] if ids else []


def _written(items: list[Item], kind: str, outcomes: list[Outcome], started: str, status: int) -> Response:
    errors, unknown = [], []
    results = []
    for index, (item, outcome) in enumerate(zip(items, outcomes, strict=True)):
        if not isinstance(outcome, CrmError):
            results.append(present.record(outcome, item.trace))
        elif item.trace is not None:
            errors.append(standard_error(outcome, objectWriteTraceId=[item.trace]))
        elif isinstance(outcome, NotFound):
            unknown.append(item.id)
        else:
            errors.append(standard_error(outcome, index=[str(index)]))
    answer = envelope(results, [*errors, *missing(kind, unknown)], started, status)
    answer.headers.extend(present.duplicate_headers(one for one in outcomes if not isinstance(one, CrmError)))
    return answer


def _outcomes(given: list[Entity | ItemError]) -> list[Outcome]:
    return [one.error if isinstance(one, ItemError) else one for one in given]


def create(service: Runtime, type: str) -> Response:
    """New entities, all or (with trace ids) as many as are sound."""
    started = clock.iso(clock.now())
    kind = names.entity_type(type)
    items = items_of(service, kind, json_object(), ids=False)
    drafts = [Draft(item.values, item.trace, links=item.links) for item in items]
    made = service.entities.create(context(), kind, drafts, present.AFTER_CREATE, partial=_traced(items))
    return _written(items, kind, _outcomes(made), started, 201)


def update(service: Runtime, type: str) -> Response:
    """New values for known entities."""
    started = clock.iso(clock.now())
    kind = names.entity_type(type)
    items = items_of(service, kind, json_object(), ids=True)
    updates = [
        Update(item.ref, item.values, trace=item.trace, links=item.links) for item in items if item.ref is not None
    ]
    traced = _traced(items)
    # A lone item is written as partial too: the corridor would raise its NotFound, a batch answers 207 for it.
    partial = traced or len(updates) == 1
    done = _outcomes(service.entities.update(context(), kind, updates, present.AFTER_UPDATE, partial=partial))
    for one in done:
        if isinstance(one, CrmError) and not isinstance(one, NotFound) and not traced:
            raise one
    return _written(items, kind, _all_places(items, kind, done), started, 200)


def upsert(service: Runtime, type: str) -> Response:
    """Entities found by a unique property get new values; those not found are made."""
    started = clock.iso(clock.now())
    kind = names.entity_type(type)
    live = service.catalog.type(kind)
    usual = next((one.wire for one in live.attributes.values() if one.unique and one.kind == "email"), "")
    items = items_of(service, kind, json_object(), ids=True, usual=usual)
    traced = _traced(items)
    impossible = [item.id for item in items if item.ref is None]
    if impossible and not traced:
        raise NotFound(kind, impossible)
    upserts = [
        Upsert(item.ref, item.values, trace=item.trace, links=item.links) for item in items if item.ref is not None
    ]
    keys = tuple(dict.fromkeys(one.ref.attribute for one in upserts if one.ref.attribute))
    view = present.after_upsert(keys)
    done = _outcomes(service.entities.upsert(context(), kind, upserts, view, partial=traced))
    return _written(items, kind, _all_places(items, kind, done), started, 200)


def _traced(items: list[Item]) -> bool:
    return any(item.trace is not None for item in items)


def _all_places(items: list[Item], kind: str, done: list[Outcome]) -> list[Outcome]:
    """One outcome per item: those whose id nothing can have were not handed on, and are not found."""
    waiting = iter(done)
    return [next(waiting) if item.ref is not None else NotFound(kind, [item.id]) for item in items]


def read(service: Runtime, type: str) -> Response:
    """Entities in input order; 207 names the ids nothing was found for."""
    started = clock.iso(clock.now())
    kind = names.entity_type(type)
    body = json_object()
    errors = ErrorList()
    history = bodies.names(body, "propertiesWithHistory", errors)
    view = View("text", bodies.names(body, "properties", errors) or None, history)
    key = bodies.text(body, "idProperty", errors)
    given = _ids(body, errors, MOST_WITH_HISTORY if history else bodies.MOST_INPUTS)
    refs = [names.ref_of(one, key) for one in given]
    errors.raise_if_any()
    sound = [ref for ref in refs if ref is not None]
    found = iter(service.entities.read(context(), kind, sound, view, archived=bool_param("archived")))
    entities = [next(found) if ref is not None else None for ref in refs]
    results = present.records(one for one in entities if one is not None)
    unknown = [one for one, entity in zip(given, entities, strict=True) if entity is None]
    return envelope(results, missing(kind, unknown), started, 200)


def archive(service: Runtime, type: str) -> Response:
    """Put entities away; ids that nothing has are fine."""
    errors = ErrorList()
    refs = [names.ref_of(one) for one in _ids(json_object(), errors)]
    errors.raise_if_any()
    service.entities.archive(context(), names.entity_type(type), [ref for ref in refs if ref])
    return no_content()


def _ids(body: dict[str, Any], errors: ErrorList, most: int = bodies.MOST_INPUTS) -> list[str]:
    found = [
        bodies.text(one, "id", errors, where=f"inputs[{index}].", required=True)
        for index, one in enumerate(bodies.inputs(body, most))
    ]
    _no_repetition(((one.strip().casefold(), one) for one in found if one), "id", errors)
    return found


_EXAMPLES: dict[str, Any] = {
    "create": {"inputs": [{"properties": {"firstname": "Ada"}}]},
    "read": {"inputs": [{"id": "1"}], "properties": ["firstname"], "propertiesWithHistory": []},
    "update": {"inputs": [{"id": "1", "properties": {"firstname": "Ada"}}]},
    "upsert": {"inputs": [{"id": "ada@example.org", "idProperty": "email", "properties": {"firstname": "Ada"}}]},
    "archive": {"inputs": [{"id": "1"}]},
}
_DOORS: tuple[tuple[str, Any, int, Any, Any], ...] = (
    ("create", create, 201, models.CreateBatch, models.BatchAnswer),
    ("read", read, 200, models.ReadBatch, models.BatchAnswer),
    ("update", update, 200, models.UpdateBatch, models.BatchAnswer),
    ("upsert", upsert, 200, models.UpdateBatch, models.UpsertAnswer),
    ("archive", archive, 204, models.ArchiveBatch, None),
)


def _operation(version: str, word: str, handler: Any, success: int, body: Any, response: Any) -> Operation:
    return Operation(
        "POST",
        f"/crm/{version}/objects/{{type}}/batch/{word}",
        f"batch{word.capitalize()}Objects{'' if version == 'v3' else version.upper()}",
        f"{word.capitalize()} a batch of records",
        handler,
        success,
        query=(QueryParam("archived", "boolean", "Only archived records", False),) if word == "read" else (),
        body=body,
        response=response,
        example=_EXAMPLES[word],
        tag="Objects",
        read_only=word == "read",
        statuses=(207,) if response else (),
    )


OPERATIONS: tuple[Operation, ...] = tuple(_operation(version, *door) for version in ("v3", "v4") for door in _DOORS)
