"""Yes or no. A slot holds 1 or 0."""

from __future__ import annotations

from typing import Any

from shared.eav.declare import AttributeDef
from shared.eav.types.kind import AttributeType, Present
from shared.eav.types.operators import CHOICE
from shared.eav.types.problem import INVALID_OPTION, ValueProblem, shown

_MEANINGS = {"true": True, "false": False}
_TEXTS = {0: "false", 1: "true"}
_VALUES = {0: False, 1: True}


class BooleanType(AttributeType):
    """True or false."""

    name = "boolean"
    family = "i"
    operators = CHOICE

    def coerce(self, raw: object, attribute: AttributeDef, old: Any = None) -> bool:
        """Takes JSON booleans and the words in any case; see AttributeType."""
        if isinstance(raw, bool):
            return raw
        meaning = _MEANINGS.get(raw.strip().lower()) if isinstance(raw, str) else None
        if meaning is None:
            raise ValueProblem(INVALID_OPTION, f"{shown(raw)} was not one of: true, false", tuple(_MEANINGS))
        return meaning

    def to_text(self, value: bool) -> str:
        """`true` or `false`."""
        return _TEXTS[value]

    def to_slot(self, value: bool, attribute: AttributeDef) -> int:
        """1 or 0."""
        return int(value)

    def unique_key(self, value: bool, attribute: AttributeDef) -> str:
        """What the slot holds."""
        return str(self.to_slot(value, attribute))

    def operand(self, raw: object, attribute: AttributeDef) -> int:
        """1 or 0, from what a value may be."""
        return int(self.coerce(raw, attribute))

    def text_of(self, attribute: AttributeDef) -> Present:
        """The word of a stored 1 or 0."""
        return _TEXTS.get

    def json_of(self, attribute: AttributeDef) -> Present:
        """The JSON boolean of a stored 1 or 0."""
        return _VALUES.get
