"""What a kind of attribute must know: take values in, store, compare, present and filter them.

One subclass per kind, one stateless instance of each in `KINDS`. Ask these instead of asking what kind an attribute
has; add a kind by adding a class, never a branch elsewhere.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Literal

import sqlalchemy as sa

from shared.eav.declare import AttributeDef
from shared.eav.folding import parts_like, prefix_like, slot_prefix, token_pattern
from shared.eav.types.operators import Operator
from shared.eav.types.problem import INVALID_TEXT, TOO_LONG, ValueProblem
from shared.eav.types.scalar import scalar_text

Family = Literal["t", "i", "d", "n"]
Present = Callable[[Any], Any]

MAX_TOKEN = 3000
MAX_WILDCARDS = 10


class AttributeType(ABC):
    """A kind. `family` is the kind of slot that holds its values, None when none does (they live aside)."""

    name: ClassVar[str]
    family: ClassVar[Family | None]
    operators: ClassVar[frozenset[Operator]]
    sortable: ClassVar[bool] = True
    can_be_unique: ClassVar[bool] = True
    multiple: ClassVar[bool] = False
    heeds_old: ClassVar[bool] = False
    """Whether `coerce` looks at the stored value."""
    plain: ClassVar[bool] = False
    """Whether canonical JSON, text form and native form are one and the same text."""

    @abstractmethod
    def coerce(self, raw: object, attribute: AttributeDef, old: Any = None) -> Any:
        """The canonical value of a raw one; None when it means clearing (an empty list of options).

        `old` is the stored canonical value, for kinds that can be appended to. Never call it with None or "", which
        clear. A canonical value comes back unchanged. Raises ValueProblem.
        """

    def to_json(self, value: Any) -> Any:
        """Canonical typed JSON: what events, history and checksums hold."""
        return value

    def from_json(self, json: Any, attribute: AttributeDef) -> Any:
        """The canonical value back from to_json's. Trusts it: use coerce for anything from outside."""
        return json

    def to_native(self, value: Any) -> Any:
        """Typed JSON ready to be written: like canonical JSON, but numbers are JSON numbers with all their digits."""
        return self.to_json(value)

    def to_text(self, value: Any) -> str:
        """The text form, used by the wire dialect."""
        return str(self.to_json(value))

    @abstractmethod
    def to_slot(self, value: Any, attribute: AttributeDef) -> Any:
        """What the slot column holds. Raises ValueProblem when an option is not there any more."""

    def unique_key(self, value: Any, attribute: AttributeDef) -> str:
        """Equal for values that count as the same. Only for kinds that can be unique."""
        return self.to_text(value)

    def words(self, value: Any) -> str:
        """The words() text for search documents; "" for kinds that free text does not look at."""
        return ""

    @abstractmethod
    def operand(self, raw: object, attribute: AttributeDef) -> Any:
        """A filter's operand as it compares with slots, in SQL and in Python. Raises ValueProblem."""

    def comparable(self, value: Any, attribute: AttributeDef) -> tuple[Any, ...]:
        """The slot-side values of an entity that operands are compared with: one, or every chosen option."""
        return (self.to_slot(value, attribute),)

    def select(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """A slot column as something cheap to fetch, for text_of and json_of."""
        return column

    def text_of(self, attribute: AttributeDef) -> Present | None:
        """Makes the text form of what `select` fetched (None stays None); None when it is the text form already.

        Without a slot: of what `extra` or `long` holds.
        """
        return None

    def canonical_of(self, attribute: AttributeDef) -> Present | None:
        """Like text_of, for canonical JSON."""
        return self.json_of(attribute)

    def json_of(self, attribute: AttributeDef) -> Present | None:
        """Like text_of, for typed JSON ready to be written."""
        return None


def token_operand(raw: object) -> tuple[str, ...]:
    """The parts of a CONTAINS_TOKEN operand, see folding.token_pattern. Raises ValueProblem."""
    text = scalar_text(raw)
    if len(text) > MAX_TOKEN:
        raise ValueProblem(TOO_LONG, f"at most {MAX_TOKEN} characters can be looked for")
    parts = token_pattern(text)
    if len(parts) > MAX_WILDCARDS:
        raise ValueProblem(INVALID_TEXT, f"at most {MAX_WILDCARDS} parts between * can be looked for")
    return tuple(parts)


def pattern_of(operator: Operator, operand: Any) -> str:
    """The LIKE pattern of a checked text operand: of words for tokens, of the slot for prefixes."""
    return prefix_like(slot_prefix(operand)) if operator is Operator.STARTS_WITH else parts_like(operand)
