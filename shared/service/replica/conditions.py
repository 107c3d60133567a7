"""One condition on an attribute of another entity, to be tried where that entity is joined: as SQL and in Python.

For projections whose rows hold the id that leads to the other entity (reporting's metrics), so that a change over there
moves none of them. What leads nowhere has no value. Text is not compared: its equality is a matter of folding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from shared.eav.filters import Condition, Operator, check, parse
from shared.eav.types import kind_of
from shared.eav.types.operators import MATCHES_MISSING
from shared.eav.types.problem import ValueProblem
from shared.kernel.errors import Invalid
from shared.service.replica.catalogs import KnownType
from shared.service.schema import AttributeDef

_SAME = (Operator.EQ, Operator.NEQ, Operator.IN, Operator.NOT_IN)
_THERE = (Operator.HAS, Operator.NOT_HAS)
_ORDER = {Operator.LT: "<", Operator.LTE: "<=", Operator.GT: ">", Operator.GTE: ">="}
_EXACT = frozenset({"enumeration", "boolean", "reference"})
_ORDERED = frozenset({"number", "date", "datetime"})


@dataclass(frozen=True, slots=True)
class LinkedTest:
    """One condition, on the text of a canonical value. name: what the joined column is known by."""

    name: str
    operator: Operator
    operands: tuple[str, ...]
    numeric: bool

    def sql(self, column: str, params: dict[str, Any], key: str) -> str:
        """SQL of the test on a column of text; what it binds is put among params."""
        if self.operator in _THERE:
            return f"{column} is {'not ' if self.operator is Operator.HAS else ''}null"
        kind = "numeric" if self.numeric else "text"
        params[key] = list(self.operands)
        if self.operator in _ORDER:
            return f"({column})::{kind} {_ORDER[self.operator]} (%({key})s::{kind}[])[1]"
        if self.operator is Operator.BETWEEN:
            return f"({column})::{kind} between (%({key})s::{kind}[])[1] and (%({key})s::{kind}[])[2]"
        if self.operator in (Operator.EQ, Operator.IN):
            return f"({column})::{kind} = any(%({key})s::{kind}[])"
        differs = f"({column})::{kind} <> all(%({key})s::{kind}[])"
        return f"({column} is null or {differs})" if self.operator is Operator.NOT_IN else differs

    def fits(self, text: str | None) -> bool:
        """The same in Python."""
        if text is None:
            return self.operator in MATCHES_MISSING
        if self.operator in _THERE:
            return self.operator is Operator.HAS
        read: Any = Decimal if self.numeric else str
        value, operands = read(text), [read(one) for one in self.operands]
        return _TRIED[self.operator](value, operands)


_TRIED: Mapping[Operator, Any] = {
    Operator.EQ: lambda value, operands: value in operands,
    Operator.IN: lambda value, operands: value in operands,
    Operator.NEQ: lambda value, operands: value not in operands,
    Operator.NOT_IN: lambda value, operands: value not in operands,
    Operator.LT: lambda value, operands: value < operands[0],
    Operator.LTE: lambda value, operands: value <= operands[0],
    Operator.GT: lambda value, operands: value > operands[0],
    Operator.GTE: lambda value, operands: value >= operands[0],
    Operator.BETWEEN: lambda value, operands: operands[0] <= value <= operands[1],
}


def linked_test(raw: Mapping[str, Any], name: str, target: KnownType, attribute: AttributeDef) -> LinkedTest:
    """A condition in JSON on an attribute of a linked entity. Raises Invalid for what cannot be told exactly."""
    own = {**raw, "attribute": attribute.name}
    check(parse(own), target.live)
    node = parse(own)
    assert isinstance(node, Condition)
    allowed = (*_THERE, *(_SAME if attribute.kind in _EXACT | _ORDERED else ()))
    allowed = (*allowed, *((*_ORDER, Operator.BETWEEN) if attribute.kind in _ORDERED else ()))
    if node.operator not in allowed:
        told = f"filter: {raw['attribute']} is of kind {attribute.kind}, of which a metric's filter can ask "
        raise Invalid.one("filter", "INVALID_METRIC", told + ", ".join(one.value for one in allowed))
    try:
        operands = tuple(_text(one, attribute) for one in node.operands)
    except ValueProblem as problem:
        raise Invalid.one("filter", problem.code, f"filter: {raw['attribute']}: {problem.message}") from problem
    return LinkedTest(name, node.operator, operands, attribute.kind == "number")


def _text(raw: object, attribute: AttributeDef) -> str:
    kind = kind_of(attribute)
    value = kind.to_json(kind.coerce(raw, attribute))
    return str(value).lower() if isinstance(value, bool) else str(value)
