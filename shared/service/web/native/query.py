"""Searching: POST /api/v1/objects/{type}/query with a filter tree, free text, sorts and a cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from flask import Response

from shared.eav import filters
from shared.eav.requests import MAX_SORTS
from shared.kernel.errors import ErrorList, Invalid
from shared.service.entities import Query, Sort
from shared.service.web.native import models, present
from shared.service.web.native.single import MOST, PAGE, PATH
from shared.service.web.operation import Operation, answer
from shared.service.web.request import context, json_object, known_keys

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

KEYS = ("filter", "text", "sorts", "attributes", "limit", "cursor", "total")
TOTALS: tuple[Literal["exact", "estimated", "none"], ...] = ("exact", "estimated", "none")


def query(service: Runtime, type: str) -> Response:
    """A page of what matches."""
    body = json_object()
    asked = read_query(body)
    name = service.catalog.type(type).name
    page = service.entities.query(context(), name, asked, present.view(present.names(body, "attributes")))
    found: dict[str, Any] = {"results": [present.entity_json(name, one) for one in page.entities]}
    if page.next_cursor is not None:
        found["next_cursor"] = page.next_cursor
    if page.total is not None and asked.total != "none":
        found["total"] = page.total
    return answer(found)


def read_query(body: dict[str, Any]) -> Query:
    """The query of a body. Raises Invalid with every error."""
    known_keys(body, KEYS)
    errors = ErrorList()
    text, cursor, limit, total = (body.get(key) for key in ("text", "cursor", "limit", "total"))
    if text is not None and not isinstance(text, str):
        errors.add("text", "INVALID_TEXT", "text must be a string")
    if cursor is not None and not isinstance(cursor, str):
        errors.add("cursor", "INVALID_CURSOR", "cursor must be the next_cursor of the page before")
    if limit is not None and (type(limit) is not int or not 1 <= limit <= MOST):
        errors.add("limit", "INVALID_INTEGER", f"limit must be a whole number from 1 to {MOST}")
    if total is not None and total not in TOTALS:
        errors.add("total", "INVALID_OPTION", f"total must be one of {', '.join(TOTALS)}")
    sorts = sorts_of(body.get("sorts"), errors)
    node = None
    try:
        node = filters.parse(body["filter"]) if body.get("filter") is not None else None
    except Invalid as problem:
        errors.errors.extend(problem.errors)
    errors.raise_if_any()
    return Query(node, text or "", sorts, limit or PAGE, None, cursor or None, total or "none")


def sorts_of(raw: object, errors: ErrorList) -> tuple[Sort, ...]:
    """The sorts of a body, what is wrong with them added to `errors`."""
    if raw is None:
        return ()
    if not isinstance(raw, list) or len(raw) > MAX_SORTS:
        errors.add("sorts", "INVALID_LIST", f"sorts must be a list of at most {MAX_SORTS}")
        return ()
    return tuple(found for at, one in enumerate(raw) if (found := _sort(one, f"sorts[{at}]", errors)) is not None)


def _sort(raw: object, where: str, errors: ErrorList) -> Sort | None:
    if isinstance(raw, str) and raw.strip("-"):
        return Sort(raw.removeprefix("-"), raw.startswith("-"))
    if isinstance(raw, dict) and isinstance(raw.get("attribute"), str) and set(raw) <= {"attribute", "direction"}:
        direction = str(raw.get("direction", "asc")).lower()
        if direction in ("asc", "desc"):
            return Sort(raw["attribute"], direction == "desc")
    text = f'{where} must be "name", "-name" or {{"attribute": "name", "direction": "asc" | "desc"}}'
    errors.add(where, "INVALID_SORT", text)
    return None


OPERATIONS = (
    Operation(
        "POST",
        PATH + "/query",
        "queryEntities",
        "Search entities",
        query,
        body=models.QueryBody,
        response=models.QueryPage,
        example={"filter": {"attribute": "id", "operator": "GT", "value": "0"}, "sorts": ["-id"], "limit": 10},
        tag="Entities",
        read_only=True,
    ),
)
