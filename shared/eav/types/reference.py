"""References: the id of another entity, which may live in another service. Whether it exists is not asked here."""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa

from shared.eav.declare import AttributeDef
from shared.eav.types.kind import AttributeType
from shared.eav.types.operators import COMPARISON
from shared.eav.types.problem import INVALID_NUMBER, ValueProblem, shown

MAX_ID = 2**63 - 1
_PATTERN = re.compile(r"\d{1,19}", re.ASCII)


def _whole(raw: object) -> int | None:
    if isinstance(raw, bool):
        return None
    if isinstance(raw, int):
        return raw
    if isinstance(raw, str) and _PATTERN.fullmatch(stripped := raw.strip()):
        return int(stripped)
    return None


class ReferenceType(AttributeType):
    """An entity id: a positive whole number of 63 bits.

    Order is offered too: clients walk all entities by `id > the last one seen`.
    """

    name = "reference"
    family = "i"
    operators = COMPARISON

    def coerce(self, raw: object, attribute: AttributeDef, old: Any = None) -> int:
        """Takes ids as numbers or decimal text; see AttributeType."""
        number = _whole(raw)
        if number is None or not 0 < number <= MAX_ID:
            raise ValueProblem(INVALID_NUMBER, f"{shown(raw)} was not a valid id")
        return number

    def to_json(self, value: int) -> str:
        """Decimal text: ids pass what JavaScript counts exactly."""
        return str(value)

    def from_json(self, json: str, attribute: AttributeDef) -> int:
        """The id of decimal text."""
        return int(json)

    def to_slot(self, value: int, attribute: AttributeDef) -> int:
        """The id itself."""
        return value

    def operand(self, raw: object, attribute: AttributeDef) -> int:
        """An id, or 0, from which walks begin."""
        number = _whole(raw)
        if number is None or not 0 <= number <= MAX_ID:
            raise ValueProblem(INVALID_NUMBER, f"{shown(raw)} was not a valid id")
        return number

    def select(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """The decimal text."""
        return sa.cast(column, sa.Text)
