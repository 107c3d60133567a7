"""Sums of numbers that keep all digits. Python reckons with 28 by default, and attributes hold 38 before the point and
18 after it: whatever is added here by Python is added with these, or under `exact`. SQL's numeric needs none of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from functools import reduce, wraps
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_R = TypeVar("_R")
# 56 digits of an attribute; the rest for how many are added, and for rates that amounts were multiplied by.
_WIDE = Context(prec=200, rounding=ROUND_HALF_EVEN)
plus: Callable[[Decimal, Decimal], Decimal] = _WIDE.add
minus: Callable[[Decimal, Decimal], Decimal] = _WIDE.subtract


def total(amounts: Iterable[Decimal]) -> Decimal:
    """What amounts come to together, 0 for none."""
    return reduce(plus, amounts, Decimal(0))


def exact(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """The same function, reckoning with as many digits as sums may have. For what rounds or divides, too: rounding a
    number that is longer than the context is an error."""

    @wraps(function)
    def wide(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        with localcontext(_WIDE):
            return function(*args, **kwargs)

    return wide
