"""Evaluating a checked filter in Python over one entity's values. The only such evaluator; SQL must agree with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from shared.eav.declare import AttributeDef
from shared.eav.filters.checked import (
    Checked,
    CheckedAnd,
    CheckedCondition,
    CheckedLinked,
    CheckedNode,
    CheckedNot,
    CheckedOr,
    CheckedText,
)
from shared.eav.folding import parts_match
from shared.eav.types import ValueProblem, kind_of
from shared.eav.types.operators import MATCHES_MISSING, Operator

Values = Mapping[int, Any]
_Test = Callable[[tuple[Any, ...], CheckedCondition], bool]


Linked = Callable[[int], Iterable[Values]]
"""The values, ids included, of the live entities that one is linked to under a relation (a plain one)."""


def matches(checked: Checked, entity: Values, linked: Linked | None = None) -> bool:
    """Whether an entity, given as canonical values by attribute id, matches. Two-valued: never unknown.

    A missing value matches NOT_HAS_PROPERTY, NOT_IN and NOT_CONTAINS_TOKEN only. Raises ValueError for a filter that
    asks for linked entities when nobody says which those are.
    """
    return _node(checked.root, entity, linked)


def _node(node: CheckedNode, entity: Values, linked: Linked | None) -> bool:
    match node:
        case CheckedCondition():
            return _condition(node, entity)
        case CheckedAnd(children):
            return all(_node(child, entity, linked) for child in children)
        case CheckedOr(children):
            return any(_node(child, entity, linked) for child in children)
        case CheckedNot(child):
            return not _node(child, entity, linked)
        case CheckedText():
            return _text(node, entity)
        case CheckedLinked(linkage, child):
            if linked is None:
                raise ValueError("this filter asks for linked entities: say which those are")
            return any(_node(child, one, None) for one in linked(linkage.relation))


def _missing(value: Any) -> bool:
    return value is None or value in ("", ())


def _condition(node: CheckedCondition, entity: Values) -> bool:
    value = entity.get(node.attribute.id)
    if _missing(value):
        return node.operator in MATCHES_MISSING
    if node.operator in _PRESENT:
        return _PRESENT[node.operator]
    if node.operator in _WORDS:
        return parts_match(node.operands[0], kind_of(node.attribute).words(value)) is _WORDS[node.operator]
    return _TESTS[node.operator](_comparable(value, node.attribute), node)


def _comparable(value: Any, attribute: AttributeDef) -> tuple[Any, ...]:
    try:
        return kind_of(attribute).comparable(value, attribute)
    except ValueProblem:
        # An option that is gone altogether: there is a value, and it equals no operand.
        return ()


def _text(node: CheckedText, entity: Values) -> bool:
    if not node.parts:
        return True
    held = [(one, entity.get(one.id)) for one in node.attributes]
    texts = [kind_of(one).words(value) for one, value in held if not _missing(value)]
    return all(any(part in text for text in texts) for part in node.parts)


_PRESENT = {Operator.HAS: True, Operator.NOT_HAS: False}
_WORDS = {Operator.CONTAINS_TOKEN: True, Operator.NOT_CONTAINS_TOKEN: False}
_TESTS: dict[Operator, _Test] = {
    Operator.EQ: lambda held, node: node.operands[0] in held,
    Operator.NEQ: lambda held, node: node.operands[0] not in held,
    Operator.IN: lambda held, node: not node.members.isdisjoint(held),
    Operator.NOT_IN: lambda held, node: node.members.isdisjoint(held),
    Operator.LT: lambda held, node: held[0] < node.operands[0],
    Operator.LTE: lambda held, node: held[0] <= node.operands[0],
    Operator.GT: lambda held, node: held[0] > node.operands[0],
    Operator.GTE: lambda held, node: held[0] >= node.operands[0],
    Operator.BETWEEN: lambda held, node: node.operands[0] <= held[0] <= node.operands[1],
    Operator.STARTS_WITH: lambda held, node: held[0].startswith(node.operands[0]),
}
