"""Days, instants and numbers as the doors of this service take them: in one spelling, so that nothing is guessed."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from decimal import Decimal

from services.opportunities.domain.money import FRACTION_DIGITS, fits
from shared.kernel.clock import now, read_instant
from shared.kernel.json import decimal_text

DAY = "a day written YYYY-MM-DD, such as 2026-01-31"
INSTANT = "a day written YYYY-MM-DD or an instant of RFC 3339 such as 2026-04-01T00:00:00Z, and not in the future"
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d(?:[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d))?", re.ASCII)
_DECIMAL = re.compile(r"-?\d+(?:\.\d+)?", re.ASCII)
_AHEAD = timedelta(minutes=1)
"""Clocks of callers go a little ahead of ours."""


def read_day(raw: object) -> date:
    """A day. Raises ValueError for any other spelling."""
    if not isinstance(raw, str) or not _DAY.fullmatch(raw):
        raise ValueError(DAY)
    return date.fromisoformat(raw)


def read_past(raw: str) -> datetime:
    """An instant that was, of a day its first. Raises ValueError for any other spelling, and for the future."""
    if not _INSTANT.fullmatch(raw):
        raise ValueError(INSTANT)
    instant = read_instant(raw.upper())
    if instant > now() + _AHEAD:
        raise ValueError(INSTANT)
    return instant


def read_decimal(raw: object) -> Decimal:
    """A number, or the text of one without exponent, that an attribute could hold. Raises ValueError."""
    if isinstance(raw, str):
        if not _DECIMAL.fullmatch(raw):
            raise ValueError(raw)
    elif isinstance(raw, bool) or not isinstance(raw, int | float | Decimal):
        raise ValueError("no number")
    number = Decimal(str(raw))
    if not number.is_finite() or not fits(number) or (number and number.adjusted() < -FRACTION_DIGITS):
        raise ValueError("too long")
    if len(decimal_text(number).partition(".")[2]) > FRACTION_DIGITS:
        raise ValueError("too long")
    return number
