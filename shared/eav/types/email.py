"""E-mail addresses: checked for form only, stored lower-case. Whether an address exists is nobody's business here."""

from __future__ import annotations

from typing import Any

import email_validator

from shared.eav.declare import AttributeDef
from shared.eav.folding import fold, slot_text
from shared.eav.types.problem import INVALID_EMAIL, ValueProblem, shown
from shared.eav.types.scalar import check_text, scalar_text
from shared.eav.types.text import StringType

MAX_EMAIL = 320

# The library's documented way to let names such as .test and .local pass: companies use them inside, tests everywhere.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()


class EmailType(StringType):
    """An e-mail address, trimmed and lower-cased; unicode names are fine."""

    name = "email"

    def coerce(self, raw: object, attribute: AttributeDef, old: Any = None) -> str:
        """Takes text in the form of an address; see AttributeType."""
        if not isinstance(raw, str):
            raise ValueProblem(INVALID_EMAIL, f"{shown(raw)} is not an email address")
        text = check_text(raw).strip().lower()
        if len(text) > MAX_EMAIL:
            raise ValueProblem(INVALID_EMAIL, f"Email address {shown(raw)} is invalid: it is too long")
        try:
            return email_validator.validate_email(text, check_deliverability=False).normalized.lower()
        except email_validator.EmailNotValidError as error:
            raise ValueProblem(INVALID_EMAIL, f"Email address {shown(raw)} is invalid: {error}") from None

    def operand(self, raw: object, attribute: AttributeDef) -> str:
        """Any text, trimmed: a filter may hold part of an address."""
        return slot_text(fold(scalar_text(raw).strip()))
