"""E-mail addresses: checked for form only, stored lower-case. Whether an address exists is nobody's business here."""

from __future__ import annotations

import re
from typing import Any

import email_validator

from shared.eav.declare import AttributeDef
from shared.eav.folding import fold, slot_text
from shared.eav.types.problem import INVALID_EMAIL, ValueProblem, shown
from shared.eav.types.scalar import check_text, scalar_text
from shared.eav.types.text import StringType

MAX_EMAIL = 320
# The library takes 50 microseconds for any address. Nearly all are of this form, of which it can only say yes; what is
# of any other form it is asked about.
_ATOM = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_PLAIN = re.compile(rf"(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+[a-z]{{2,63}}", re.ASCII)
_PLAIN_LENGTH = 254

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
        if plain(text):
            return text
        try:
            return email_validator.validate_email(text, check_deliverability=False).normalized.lower()
        except email_validator.EmailNotValidError as error:
            raise ValueProblem(INVALID_EMAIL, f"Email address {shown(raw)} is invalid: {error}") from None

    def operand(self, raw: object, attribute: AttributeDef) -> str:
        """Any text, trimmed: a filter may hold part of an address."""
        return slot_text(fold(scalar_text(raw).strip()))


def plain(text: str) -> bool:
    """Whether an address in lower case is certain to be valid, and normalised already."""
    # Two dashes in a row can make a label an encoded one.
    return len(text) <= _PLAIN_LENGTH and "--" not in text and _PLAIN.fullmatch(text) is not None
