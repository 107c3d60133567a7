"""Amounts in several currencies: exact decimals, rates that hold from a day on, rounding to what a currency has.

A rate is how much of the home currency one unit is worth. Nothing is ever converted at a rate of a later day.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

_NO_DECIMALS = frozenset("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split())
_THREE_DECIMALS = frozenset("BHD IQD JOD KWD LYD OMR TND".split())
ONE = Decimal(1)


def unit(currency: str) -> Decimal:
    """The smallest amount there is of a currency: 0.01 of most."""
    if currency in _NO_DECIMALS:
        return ONE
    return Decimal("0.001") if currency in _THREE_DECIMALS else Decimal("0.01")


def rounded(amount: Decimal, currency: str) -> Decimal:
    """An amount that there is in the currency; halves go to the even neighbour, so that sums do not drift."""
    return amount.quantize(unit(currency), rounding=ROUND_HALF_EVEN)


def rate_at(rates: Mapping[date, Decimal], day: date) -> Decimal | None:
    """The rate in force on a day: the latest that begins on it or before. None before the first."""
    since = max((begins for begins in rates if begins <= day), default=None)
    return None if since is None else rates[since]


def converted(amount: Decimal, rate: Decimal, to: str) -> Decimal:
    """An amount in another currency."""
    return rounded(amount * rate, to)
