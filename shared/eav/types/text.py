"""Kinds that are text: string, phone, url, and long text, which has no slot.

Values stay as typed; slots and unique keys hold them folded. Normalising a phone number or a web address is a rule of
the service that owns the attribute, not of the kind.
"""

from __future__ import annotations

from typing import Any

from shared.eav.declare import AttributeDef
from shared.eav.folding import fold, slot_text, words
from shared.eav.types.kind import AttributeType
from shared.eav.types.operators import LONG_TEXT, TEXT
from shared.eav.types.scalar import scalar_text


class StringType(AttributeType):
    """Any text up to 65,536 characters, compared folded."""

    name = "string"
    family = "t"
    plain = True
    operators = TEXT

    def coerce(self, raw: object, attribute: AttributeDef, old: Any = None) -> str:
        """Takes any scalar; see AttributeType."""
        return scalar_text(raw)

    def to_text(self, value: str) -> str:
        """The text itself."""
        return value

    def to_slot(self, value: str, attribute: AttributeDef) -> str:
        """The folded text, shortened when long."""
        return slot_text(fold(value))

    def unique_key(self, value: str, attribute: AttributeDef) -> str:
        """The same as the slot: case does not count."""
        return slot_text(fold(value))

    def words(self, value: str) -> str:
        """All words of the text."""
        return words(value)

    def operand(self, raw: object, attribute: AttributeDef) -> str:
        """The folded text, shortened like slots."""
        return slot_text(fold(scalar_text(raw)))


class PhoneType(StringType):
    """A phone number as typed. Its words end with all its digits in one, so that spacing does not hide it."""

    name = "phone"

    def words(self, value: str) -> str:
        """The words, then the digits run together when they were spread over several words."""
        found = words(value)
        digits = "".join(character for character in found if character.isdigit())
        return f"{found}{digits} " if digits and f" {digits} " not in found else found


class UrlType(StringType):
    """A web address as typed."""

    name = "url"


class LongTextType(StringType):
    """Text that is read and searched for words, but neither compared nor sorted: it has no slot."""

    name = "long_text"
    family = None  # type: ignore[assignment]
    operators = LONG_TEXT
    sortable = False
    can_be_unique = False

    def to_slot(self, value: str, attribute: AttributeDef) -> str:
        """The text as typed, kept aside."""
        return value

    def unique_key(self, value: str, attribute: AttributeDef) -> str:
        """Long text has none."""
        raise TypeError("long text cannot be unique")

    def operand(self, raw: object, attribute: AttributeDef) -> str:
        """Long text is not compared; only its words are looked at."""
        raise TypeError("long text has no operands but words")
