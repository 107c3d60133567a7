"""What a line of an offer comes to: discount, tax, and what recurs by month, by year and in all.

An amount is for one billing period, without tax. A price that is paid again and again is brought to months by the
length of its period; without a term it counts as a year of it, since nobody knows its end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from decimal import Decimal

from services.opportunities.domain.money import exact

MONTHS_A_YEAR = Decimal(12)
_WEEKS_A_YEAR = Decimal(52)
_HUNDRED = Decimal(100)
# How many billings there are in a year.
BILLINGS_A_YEAR = {
    "weekly": _WEEKS_A_YEAR,
    "biweekly": _WEEKS_A_YEAR / 2,
    "monthly": Decimal(12),
    "quarterly": Decimal(4),
    "per_six_months": Decimal(2),
    "annually": Decimal(1),
}
YEARS_A_BILLING = {"per_two_years": 2, "per_three_years": 3, "per_four_years": 4, "per_five_years": 5}
_PERIOD = re.compile(r"P(?=\d)(?:(\d{1,3})Y)?(?:(\d{1,4})M)?(?:(\d{1,4})W)?(?:(\d{1,5})D)?", re.ASCII)
_DAYS_A_YEAR = Decimal(365)


@dataclass(frozen=True, slots=True)
class Line:
    """What is known of a line. `discount` is taken off the unit price, `percentage` is a share of it, from 0 to 100;
    at most one of both. frequency None: paid once. term: months it is paid for, None: until it is ended."""

    quantity: Decimal = Decimal(1)
    price: Decimal = Decimal(0)
    discount: Decimal | None = None
    percentage: Decimal | None = None
    tax_rate: Decimal | None = None
    frequency: str | None = None
    term: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Worth:
    """What one line, or several, come to. gross - tax = amount = list - discount."""

    list_amount: Decimal = Decimal(0)
    discount_amount: Decimal = Decimal(0)
    amount: Decimal = Decimal(0)
    tax_amount: Decimal = Decimal(0)
    gross_amount: Decimal = Decimal(0)
    mrr: Decimal = Decimal(0)
    arr: Decimal = Decimal(0)
    acv: Decimal = Decimal(0)
    tcv: Decimal = Decimal(0)


@exact
def worth(line: Line, unit: Decimal) -> Worth:
    """What a line comes to, in whole units of its currency (0.01 of most)."""
    listed = _cut(line.quantity * line.price, unit)
    off = _cut(line.quantity * _discount(line), unit)
    amount = listed - off
    tax = _cut(amount * (line.tax_rate or 0) / _HUNDRED, unit)
    arr = _cut(amount * _billings(line.frequency), unit)
    mrr = _cut(arr / MONTHS_A_YEAR, unit)
    acv, tcv = _contract(line, amount, arr, unit)
    return Worth(listed, off, amount, tax, amount + tax, mrr, arr, acv, tcv)


@exact
def summed(several: Iterable[Worth]) -> Worth:
    """What several lines come to together."""
    every = list(several)
    return Worth(*(sum((getattr(one, part.name) for one in every), Decimal(0)) for part in fields(Worth)))


def months(period: str) -> Decimal:
    """The length of a term as ISO 8601 writes it, in months: `P12M`, `P1Y`. Raises ValueError."""
    found = _PERIOD.fullmatch(period.strip().upper())
    if found is None or not any(found.groups()):
        raise ValueError("must be a length such as P12M or P1Y")
    years, part, weeks, days = (Decimal(one or 0) for one in found.groups())
    total = years * MONTHS_A_YEAR + part + (weeks * 7 + days) * MONTHS_A_YEAR / _DAYS_A_YEAR
    if total <= 0:
        raise ValueError("must be longer than nothing")
    return total


def _discount(line: Line) -> Decimal:
    if line.discount is not None:
        return line.discount
    return line.price * (line.percentage or 0) / _HUNDRED


def _billings(frequency: str | None) -> Decimal:
    """How often it is paid in a year, 0 for what is paid once."""
    if frequency is None:
        return Decimal(0)
    if frequency in YEARS_A_BILLING:
        return 1 / Decimal(YEARS_A_BILLING[frequency])
    return BILLINGS_A_YEAR.get(frequency, Decimal(0))


def _contract(line: Line, amount: Decimal, arr: Decimal, unit: Decimal) -> tuple[Decimal, Decimal]:
    """What the contract is worth by year and in all."""
    if not _billings(line.frequency):
        return amount, amount
    term = MONTHS_A_YEAR if line.term is None else line.term
    total = _cut(arr * term / MONTHS_A_YEAR, unit)
    return (arr if term > MONTHS_A_YEAR else total), total


def _cut(amount: Decimal, unit: Decimal) -> Decimal:
    return amount.quantize(unit)
