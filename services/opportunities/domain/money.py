"""Amounts in several currencies: exact decimals, rates that hold from a day on, rounding to what a currency has.

A rate is how much of the home currency one unit is worth. Nothing is ever converted at a rate of a later day.

Attributes hold 38 digits before the point and 18 after it; products and sums of such numbers are longer. So everything
here that works out amounts does it under `exact`, and whoever keeps what comes of it asks `fits` first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from functools import wraps
from typing import ParamSpec, TypeVar

_NO_DECIMALS = frozenset("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split())
_THREE_DECIMALS = frozenset("BHD IQD JOD KWD LYD OMR TND".split())
ONE = Decimal(1)
_P = ParamSpec("_P")
_R = TypeVar("_R")
WHOLE_DIGITS, FRACTION_DIGITS = 38, 18
TOO_LONG = f"would come to more than {WHOLE_DIGITS} digits before the point"
# Quantity times price times percentage times tax times term are 300 digits at most.
_WIDE = Context(prec=400, rounding=ROUND_HALF_EVEN)


def exact(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """The same function, reckoning with as many digits as its numbers may have."""

    @wraps(function)
    def wide(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        with localcontext(_WIDE):
            return function(*args, **kwargs)

    return wide


def fits(amount: Decimal) -> bool:
    """Whether an attribute holds so large an amount."""
    return not amount or amount.adjusted() < WHOLE_DIGITS


def unit(currency: str) -> Decimal:
    """The smallest amount there is of a currency: 0.01 of most."""
    if currency in _NO_DECIMALS:
        return ONE
    return Decimal("0.001") if currency in _THREE_DECIMALS else Decimal("0.01")


@exact
def rounded(amount: Decimal, currency: str) -> Decimal:
    """An amount that there is in the currency; halves go to the even neighbour, so that sums do not drift."""
    return amount.quantize(unit(currency), rounding=ROUND_HALF_EVEN)


def rate_at(rates: Mapping[date, Decimal], day: date) -> Decimal | None:
    """The rate in force on a day: the latest that begins on it or before. None before the first."""
    since = max((begins for begins in rates if begins <= day), default=None)
    return None if since is None else rates[since]


@exact
def converted(amount: Decimal, rate: Decimal, to: str) -> Decimal:
    """An amount in another currency."""
    return rounded(amount * rate, to)


@exact
def share(amount: Decimal, of_one: Decimal, currency: str) -> Decimal:
    """A part of an amount: 0.5 is half of it."""
    return rounded(amount * of_one, currency)


@exact
def total(amounts: Iterable[Decimal]) -> Decimal | None:
    """What amounts come to together, None where that is more than an attribute holds."""
    found = sum(amounts, Decimal(0))
    return found if fits(found) else None
