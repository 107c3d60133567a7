"""Turning the scalars that JSON, CSV and code bring into text that PostgreSQL can hold.

Only for kinds that read text; what is no scalar is refused here with a message that says so.
"""

from __future__ import annotations

import math
import re
import unicodedata
from decimal import Decimal

from shared.eav.types.problem import INVALID_TEXT, TOO_LONG, ValueProblem, shown
from shared.kernel.json import decimal_text

MAX_TEXT = 65_536
# Text in any language stacks a handful of marks on a letter. Normalising takes time quadratic in their number
# (65,536 of them: three seconds), so a longer run is refused.
MAX_MARKS = 200
_MAX_EXPONENT = 400
_LONG_MARKS = re.compile(rf"[^\w\s\x00-\x7f]{{{MAX_MARKS + 1},}}")


def check_text(text: str) -> str:
    """The same text when it can be stored; raises ValueProblem for NUL, lone surrogates, stacked marks, over-length."""
    if len(text) > MAX_TEXT:
        raise ValueProblem(TOO_LONG, f"the text has {len(text)} characters; at most {MAX_TEXT} are allowed")
    if "\x00" in text:
        raise ValueProblem(INVALID_TEXT, "the text contains a NUL character, which cannot be stored")
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueProblem(INVALID_TEXT, "the text contains half a surrogate pair, which is no character") from None
    for run in _LONG_MARKS.finditer(text):
        if sum(unicodedata.combining(character) != 0 for character in run.group()) > MAX_MARKS:
            raise ValueProblem(INVALID_TEXT, f"the text has more than {MAX_MARKS} combining marks in a row")
    return text


def scalar_text(raw: object, code: str = INVALID_TEXT) -> str:
    """The text of a string, number or boolean, checked; raises ValueProblem for anything else."""
    if isinstance(raw, str):
        return check_text(raw)
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, int):
        if raw.bit_length() > 4 * _MAX_EXPONENT:
            raise ValueProblem(code, "the number has too many digits")
        return str(raw)
    if isinstance(raw, float | Decimal):
        exact = raw if isinstance(raw, Decimal) else Decimal(repr(raw)) if math.isfinite(raw) else None
        if exact is not None and exact.is_finite() and within_exponent(exact):
            return decimal_text(exact)
        raise ValueProblem(code, f"{shown(str(raw)[:20])} is not a value that can be stored")
    raise ValueProblem(code, f"{shown_kind(raw)} was given where one single value is expected")


def shown_kind(raw: object) -> str:
    """What a refused raw value is, in words."""
    if isinstance(raw, dict):
        return "an object"
    if isinstance(raw, list | tuple | set | frozenset):
        return "a list"
    return "nothing" if raw is None else f"a {type(raw).__name__}"


def within_exponent(value: Decimal) -> bool:
    """Whether writing a finite decimal out stays short; asked before anything does."""
    exponent = value.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -_MAX_EXPONENT and value.adjusted() <= _MAX_EXPONENT
