"""What a filter says: frozen nodes, their JSON for the API, and their text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from crm.filter_language.tokens import quoted

COMPARISONS = {"=": "EQ", "!=": "NEQ", "<": "LT", "<=": "LTE", ">": "GT", ">=": "GTE"}


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison. `values` has none, one, two (BETWEEN) or many (IN, NOT_IN); `column` is where the name stands."""

    attribute: str
    operator: str
    values: tuple[str, ...] = ()
    column: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Node


Node = Condition | All | AnyOf | Not
Resolve = Callable[[str, int], str]


def filter_json(node: Node, resolve: Resolve = lambda name, _column: name) -> dict[str, Any]:
    """The API's filter. `resolve(name as typed, column)` gives the attribute's internal name, or raises.

    Values stay text, since the API coerces them by the attribute's kind and text alone is exact for every kind.
    """
    match node:
        case All(parts):
            return {"and": [filter_json(part, resolve) for part in parts]}
        case AnyOf(parts):
            return {"or": [filter_json(part, resolve) for part in parts]}
        case Not(part):
            return {"not": filter_json(part, resolve)}
        case Condition(attribute, operator, values, column):
            head = {"attribute": resolve(attribute, column), "operator": operator}
            return {**head, **_operands(operator, values)}


def names(node: Node) -> list[str]:
    """Every attribute the filter mentions, as typed, in order, once."""
    match node:
        case Condition(attribute=attribute):
            return [attribute]
        case Not(part):
            return names(part)
        case All(parts) | AnyOf(parts):
            return list(dict.fromkeys(name for part in parts for name in names(part)))


def filter_text(node: Node) -> str:
    """Text that parses back to the same tree; everything quoted that could be misread."""
    match node:
        case All(parts):
            return " and ".join(_bracketed(part, All, AnyOf) for part in parts)
        case AnyOf(parts):
            return " or ".join(_bracketed(part, AnyOf) for part in parts)
        case Not(part):
            return f"not {_bracketed(part, All, AnyOf)}"
        case Condition(attribute, operator, values):
            written = [quoted(value) for value in values]
            return f"{quoted(attribute)} {_WRITTEN[operator].format(*written, all=', '.join(written))}"


_WRITTEN = {
    **{name: f"{sign} {{0}}" for sign, name in COMPARISONS.items()},
    "BETWEEN": "between {0} and {1}",
    "IN": "in ({all})",
    "NOT_IN": "not in ({all})",
    "HAS_PROPERTY": "is set",
    "NOT_HAS_PROPERTY": "is not set",
    "CONTAINS_TOKEN": "contains {0}",
    "NOT_CONTAINS_TOKEN": "not contains {0}",
    "STARTS_WITH": "starts with {0}",
}


def _operands(operator: str, values: tuple[str, ...]) -> dict[str, Any]:
    if operator in ("IN", "NOT_IN"):
        return {"values": list(values)}
    return dict(zip(("value", "high_value"), values, strict=False))


def _bracketed(node: Node, *kinds: type) -> str:
    return f"({filter_text(node)})" if isinstance(node, kinds) else filter_text(node)
