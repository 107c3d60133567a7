"""Searching in the wire dialect: `POST /crm/v3/objects/{type}/search`.

The body becomes a tree of `shared.eav.filters` nodes; names, operators and operands are checked by the corridor.
Depth has no cap and totals are exact. The native door has a richer grammar; do not widen this one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flask import Response

from shared.eav.catalog import nearest
from shared.eav.entity import View
from shared.eav.filters import And, Condition, Node, Operator, Or
from shared.eav.requests import MAX_SORTS
from shared.kernel.errors import ErrorList
from shared.service.entities import Query, Sort
from shared.service.web.dialect import bodies, models, names, present
from shared.service.web.operation import Operation, answer
from shared.service.web.request import context, json_object

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

PER_PAGE, MOST_PER_PAGE = 10, 200
MOST_GROUPS, MOST_FILTERS, MOST_WORDS = 10, 25, 3000
MOST_AFTER = 10**15
_OPERATORS = {one.value: one for one in Operator if one is not Operator.STARTS_WITH}
_LISTS = (Operator.IN, Operator.NOT_IN)
_PRESENCE = (Operator.HAS, Operator.NOT_HAS)
_DIRECTIONS = {"ASCENDING": False, "DESCENDING": True, "ASC": False, "DESC": True}


def search(service: Runtime, type: str) -> Response:
    """One page of what matches, and how much there is."""
    kind = names.entity_type(type)
    query, view = parse(json_object())
    page = service.entities.query(context(), kind, query, view)
    body: dict[str, Any] = {"total": page.total, "results": present.records(page.entities)}
    if page.next_offset is not None:
        body["paging"] = {"next": {"after": str(page.next_offset)}}
    return answer(body)


def parse(body: Mapping[str, Any]) -> tuple[Query, View]:
    """The query of a body. Raises Invalid with everything wrong about its form."""
    errors = ErrorList()
    query = Query(
        filter=_groups(body, errors),
        text=bodies.text(body, "query", errors, most=MOST_WORDS),
        sorts=_sorts(body, errors),
        limit=_within(body, "limit", PER_PAGE, 1, MOST_PER_PAGE, errors),
        offset=_within(body, "after", 0, 0, MOST_AFTER, errors),
    )
    view = View("text", bodies.names(body, "properties", errors) or None)
    errors.raise_if_any()
    return query, view


def _within(body: Mapping[str, Any], name: str, default: int, least: int, most: int, errors: ErrorList) -> int:
    value = body.get(name)
    if value is None or value == "":
        return default
    found = bodies.whole(value)
    if found is None or not least <= found <= most:
        errors.add(name, "INVALID_INTEGER", f"{name} must be a whole number from {least} to {most}")
        return default
    return found


def _groups(body: Mapping[str, Any], errors: ErrorList) -> Node | None:
    groups = bodies.objects(body, "filterGroups", errors)
    # A top-level list of filters is a group of its own, as some clients send it; beside groups it narrows them.
    lone = _group(body, "", errors) if body.get("filters") else None
    if len(groups) > MOST_GROUPS:
        errors.add("filterGroups", "LIMIT_EXCEEDED", f"a search takes at most {MOST_GROUPS} filterGroups")
        return None
    made = tuple(_group(one, f"filterGroups[{index}].", errors) for index, one in enumerate(groups))
    alternatives: Node | None = made[0] if len(made) == 1 else Or(made) if made else None
    both = tuple(one for one in (lone, alternatives) if one is not None)
    return And(both) if len(both) == 2 else both[0] if both else None


def _group(group: Mapping[str, Any], where: str, errors: ErrorList) -> Node:
    filters = bodies.objects(group, "filters", errors, where=where)
    if len(filters) > MOST_FILTERS:
        errors.add(f"{where}filters", "LIMIT_EXCEEDED", f"a group takes at most {MOST_FILTERS} filters")
        return And(())
    made = (_filter(one, f"{where}filters[{index}].", errors) for index, one in enumerate(filters))
    return And(tuple(one for one in made if one is not None))


def _filter(one: Mapping[str, Any], where: str, errors: ErrorList) -> Node | None:
    name = bodies.text(one, "propertyName", errors, where=where, required=True)
    operator = _operator(one, where, errors)
    if not name or operator is None:
        return None
    return Condition(name, operator, _operands(one, operator, where, errors))


def _operator(one: Mapping[str, Any], where: str, errors: ErrorList) -> Operator | None:
    name = bodies.text(one, "operator", errors, where=where, required=True, most=100)
    if not name:
        return None
    found = _OPERATORS.get(name)
    if found is None:
        close = nearest(name.upper(), _OPERATORS)
        hint = f"did you mean {' or '.join(close)}?" if close else f"use one of {', '.join(_OPERATORS)}"
        errors.add(f"{where}operator", "INVALID_OPERATOR", f'"{name}" is not an operator; {hint}', close)
    return found


def _operands(one: Mapping[str, Any], operator: Operator, where: str, errors: ErrorList) -> tuple[object, ...]:
    if operator in _PRESENCE:
        return ()
    if operator in _LISTS:
        values = one.get("values")
        if values is None and one.get("value") is not None:
            values = [one["value"]]
        if not isinstance(values, list) or not values:
            errors.add(f"{where}values", "REQUIRED_FIELD", f"{operator.value} needs {where}values, a list")
            return ()
        return tuple(_scalar(value, f"{where}values[{index}]", errors) for index, value in enumerate(values))
    needed = ("value", "highValue") if operator is Operator.BETWEEN else ("value",)
    return tuple(_required(one, name, operator, where, errors) for name in needed)


def _required(one: Mapping[str, Any], name: str, operator: Operator, where: str, errors: ErrorList) -> object:
    value = one.get(name)
    if value is None:
        errors.add(f"{where}{name}", "REQUIRED_FIELD", f"{operator.value} needs {where}{name}")
        return None
    return _scalar(value, f"{where}{name}", errors)


def _scalar(value: object, place: str, errors: ErrorList) -> object:
    if isinstance(value, dict | list) or value is None:
        errors.add(place, "INVALID_TYPE", f"{place} must be a text, a number or a boolean")
        return None
    return value


def _sorts(body: Mapping[str, Any], errors: ErrorList) -> tuple[Sort, ...]:
    given = body.get("sorts")
    if given is None:
        return ()
    if not isinstance(given, list):
        errors.add("sorts", "INVALID_TYPE", "sorts must be an array")
        return ()
    if len(given) > MAX_SORTS:
        errors.add("sorts", "LIMIT_EXCEEDED", f"a search takes at most {MAX_SORTS} sorts")
        return ()
    made = (_sort(one, f"sorts[{index}]", errors) for index, one in enumerate(given))
    return tuple(one for one in made if one is not None)


def _sort(one: object, place: str, errors: ErrorList) -> Sort | None:
    if isinstance(one, str) and one.removeprefix("-"):
        return Sort(one.removeprefix("-"), one.startswith("-"))
    if not isinstance(one, dict):
        errors.add(place, "INVALID_TYPE", f'{place} must be a property\'s name, "-" and a name, or an object')
        return None
    name = bodies.text(one, "propertyName", errors, where=f"{place}.", required=True)
    direction = bodies.text(one, "direction", errors, where=f"{place}.") or "ASCENDING"
    descending = _DIRECTIONS.get(direction.upper())
    if descending is None:
        errors.add(f"{place}.direction", "INVALID_OPTION", f"{place}.direction must be ASCENDING or DESCENDING")
        return None
    return Sort(name, descending) if name else None


_EXAMPLE = {
    "filterGroups": [{"filters": [{"propertyName": "lastname", "operator": "EQ", "value": "Lovelace"}]}],
    "sorts": [{"propertyName": "createdate", "direction": "DESCENDING"}],
    "properties": ["firstname", "lastname"],
    "limit": 10,
    "after": "0",
}


def _operation(version: str) -> Operation:
    return Operation(
        "POST",
        f"/crm/{version}/objects/{{type}}/search",
        f"searchObjects{'' if version == 'v3' else version.upper()}",
        "Search records",
        search,
        body=models.Search,
        response=models.SearchPage,
        example=_EXAMPLE,
        tag="Objects",
        read_only=True,
    )


OPERATIONS: tuple[Operation, ...] = (_operation("v3"), _operation("v4"))
