"""Numbers: exact decimals, at most 38 digits before the point and 18 after it."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

import sqlalchemy as sa

from shared.eav.declare import AttributeDef
from shared.eav.types.kind import AttributeType, Present
from shared.eav.types.operators import COMPARISON
from shared.eav.types.problem import INVALID_NUMBER, ValueProblem, shown
from shared.eav.types.scalar import within_exponent
from shared.kernel.json import Raw, decimal_text

WHOLE_DIGITS = 38
FRACTION_DIGITS = 18
_LIMIT = 10**WHOLE_DIGITS
_MAX_LENGTH = 400
_PATTERN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
# What `decimal_text` makes: nothing to look at any closer.
_CANONICAL = re.compile(r"0|-?(?:[1-9]\d{0,37}(?:\.\d{0,17}[1-9])?|0\.\d{0,17}[1-9])", re.ASCII)
_STEP = Decimal(1).scaleb(-FRACTION_DIGITS)
_WIDE = Context(prec=2 * _MAX_LENGTH, rounding=ROUND_HALF_EVEN)


def _decimal(raw: object) -> Decimal | None:
    """The exact decimal of a raw number, None when it is none. Refuses huge exponents before writing them out."""
    if isinstance(raw, bool):
        return None
    if isinstance(raw, int):
        return Decimal(raw) if -_LIMIT < raw < _LIMIT else Decimal("Infinity")
    if isinstance(raw, Decimal):
        return raw if not raw.is_nan() else None
    if isinstance(raw, float):
        value = Decimal(repr(raw))
        # A float is a rounded number anyway: digits past the eighteenth are its noise, not the caller's intent.
        return value.quantize(_STEP, context=_WIDE) if value.is_finite() else None
    if isinstance(raw, str) and len(raw) <= _MAX_LENGTH and _PATTERN.fullmatch(stripped := raw.strip()):
        return Decimal(stripped)
    return None


def parse_number(raw: object) -> Decimal:
    """A number without needless zeros or exponent; raises ValueProblem."""
    if type(raw) is str and _CANONICAL.fullmatch(raw):
        return Decimal(raw)
    value = _decimal(raw)
    if value is None:
        raise ValueProblem(INVALID_NUMBER, f"{shown(raw)} was not a valid number")
    if not value:
        return Decimal(0)
    if not value.is_finite() or value.adjusted() >= WHOLE_DIGITS:
        raise ValueProblem(INVALID_NUMBER, f"a number has at most {WHOLE_DIGITS} digits before the point")
    text = decimal_text(value) if within_exponent(value) else ""
    if not text or len(text.partition(".")[2]) > FRACTION_DIGITS:
        raise ValueProblem(INVALID_NUMBER, f"a number has at most {FRACTION_DIGITS} digits after the point")
    return Decimal(text)


def _literal(fetched: str | None) -> Raw | None:
    return None if fetched is None else Raw(fetched)


class NumberType(AttributeType):
    """An exact decimal."""

    name = "number"
    family = "n"
    operators = COMPARISON

    def coerce(self, raw: object, attribute: AttributeDef, old: Any = None) -> Decimal:
        """Takes numbers and decimal text, no booleans; see AttributeType."""
        return parse_number(raw)

    def to_json(self, value: Decimal) -> str:
        """Plain decimal text."""
        return decimal_text(value)

    def from_json(self, json: str, attribute: AttributeDef) -> Decimal:
        """The decimal of plain decimal text."""
        return Decimal(json)

    def to_slot(self, value: Decimal, attribute: AttributeDef) -> Decimal:
        """The decimal itself."""
        return value

    def operand(self, raw: object, attribute: AttributeDef) -> Decimal:
        """A number, by the same rules as a value."""
        return parse_number(raw)

    def select(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """The decimal text: it was stored without needless zeros."""
        return sa.cast(column, sa.Text)

    def to_native(self, value: Decimal) -> Raw:
        """A JSON number with all its digits."""
        return Raw(decimal_text(value))

    def canonical_of(self, attribute: AttributeDef) -> None:
        """The decimal text as fetched."""
        return

    def json_of(self, attribute: AttributeDef) -> Present:
        """A JSON number with all its digits."""
        return _literal
