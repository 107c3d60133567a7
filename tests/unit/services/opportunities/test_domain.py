"""Money, lines and ends of deals, without anything around them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.opportunities.domain.closing import Standing, category, days_between, in_force, lacking
from services.opportunities.domain.lines import BILLINGS_A_YEAR, YEARS_A_BILLING, Line, months, summed, worth
from services.opportunities.domain.money import converted, fits, rate_at, rounded, share, total, unit

CENT = Decimal("0.01")
amounts = st.decimals(Decimal("-1e9"), Decimal("1e9"), places=2)
prices = st.decimals(0, Decimal("1e6"), places=2)
rates = st.decimals(Decimal("0.001"), Decimal(1000), places=6)
shares = st.decimals(0, 100, places=2)
currencies = st.sampled_from(["USD", "EUR", "JPY", "KWD"])
lines = st.builds(
    Line,
    quantity=st.decimals(0, 1000, places=3),
    price=prices,
    percentage=st.none() | shares,
    tax_rate=st.none() | shares,
    frequency=st.none() | st.sampled_from([*BILLINGS_A_YEAR, *YEARS_A_BILLING]),
    term=st.none() | st.decimals(1, 120, places=0),
)


@given(amounts, rates, currencies, currencies)
def test_there_and_back_is_within_what_rounding_takes(amount: Decimal, rate: Decimal, home: str, other: str):
    there = converted(amount, rate, other)
    back = converted(there, 1 / rate, home)
    assert abs(back - amount) <= (unit(other) / 2) / rate + unit(home)


@given(amounts, currencies)
def test_rounding_is_to_the_unit_and_settles(amount: Decimal, currency: str):
    cut = rounded(amount, currency)
    assert cut % unit(currency) == 0
    assert abs(cut - amount) <= unit(currency) / 2
    assert rounded(cut, currency) == cut


@given(st.dictionaries(st.dates(date(2020, 1, 1), date(2030, 1, 1)), rates, max_size=20), st.dates())
def test_the_rate_of_a_day_is_the_latest_begun(known: dict[date, Decimal], day: date):
    found = rate_at(known, day)
    begun = sorted(one for one in known if one <= day)
    assert found == (known[begun[-1]] if begun else None)


@given(lines)
def test_what_a_line_comes_to_adds_up(line: Line):
    found = worth(line, CENT)
    assert found.list_amount - found.discount_amount == found.amount
    assert found.amount + found.tax_amount == found.gross_amount
    assert 0 <= found.amount <= found.list_amount
    assert abs(found.mrr * 12 - found.arr) <= CENT * 6
    assert found.acv <= max(found.tcv, found.arr)
    if line.frequency is None:
        assert (found.mrr, found.arr, found.acv, found.tcv) == (0, 0, found.amount, found.amount)


@given(st.lists(lines, max_size=8))
def test_lines_together_are_the_sums_of_their_parts(several: list[Line]):
    every = [worth(one, CENT) for one in several]
    assert summed(every).amount == sum((one.amount for one in every), Decimal(0))
    assert summed(every).gross_amount == summed(every).amount + summed(every).tax_amount


@pytest.mark.parametrize(("period", "length"), [("P12M", 12), ("p1y", 12), ("P1Y6M", 18), ("P365D", 12)])
def test_terms(period: str, length: int):
    assert months(period) == length


@pytest.mark.parametrize("period", ["", "P", "12M", "P0M", "P1.5Y", "PT5H", "P-1Y", "PM"])
def test_what_is_no_term(period: str):
    with pytest.raises(ValueError, match="must be"):
        months(period)


WON, LOST = Standing(Decimal(1), closed=True), Standing(Decimal(0), closed=True)
OPEN = Standing(Decimal("0.4"), category="BEST_CASE")


def test_a_hand_set_probability_counts_while_the_deal_is_open():
    by_hand = Decimal("0.9")
    assert (in_force(OPEN, None), in_force(OPEN, by_hand)) == (Decimal("0.4"), by_hand)
    assert (in_force(WON, by_hand), in_force(LOST, by_hand), in_force(Standing(), None)) == (1, 0, None)


def test_the_category_follows_the_stage_unless_said_otherwise():
    assert [category(one, None) for one in (OPEN, WON, LOST, Standing())] == [
        "BEST_CASE",
        "CLOSED",
        "OMIT",
        "PIPELINE",
    ]
    assert [category(one, "COMMIT") for one in (OPEN, WON, LOST)] == ["COMMIT", "CLOSED", "OMIT"]


def test_what_a_loss_still_has_to_say():
    assert [lacking(*one) for one in ((None, None), (" ", "x"), ("Price", None), ("Other ", " "), ("other", "x"))] == [
        "reason",
        "reason",
        None,
        "note",
        None,
    ]


def test_days():
    begun = datetime(2026, 1, 1, tzinfo=UTC)
    assert days_between(begun, datetime(2026, 1, 2, 23, tzinfo=UTC)) == 1
    assert days_between(begun, datetime(2025, 1, 1, tzinfo=UTC)) == 0


HUGE = Decimal("9" * 38 + "." + "9" * 18)
DEBT = HUGE.copy_negate()
huge = st.decimals(DEBT, HUGE, places=18)


@given(huge, huge, huge, currencies)
def test_the_largest_numbers_there_are_come_to_exact_amounts(amount: Decimal, rate: Decimal, part: Decimal, to: str):
    for found, *factors in ((converted(amount, rate, to), amount, rate), (share(amount, part, to), amount, part)):
        left, right = (Fraction(one) for one in factors)
        assert abs(Fraction(found) - left * right) <= Fraction(unit(to)) / 2
    line = Line(
        amount, rate, percentage=Decimal("12.5"), tax_rate=part, frequency="per_three_years", term=Decimal(119987)
    )
    found = worth(line, unit(to))
    assert Fraction(found.list_amount) - Fraction(found.discount_amount) == Fraction(found.amount)
    assert Fraction(summed([found, found]).tcv) == 2 * Fraction(found.tcv)
    assert Fraction(total([amount, rate, part, DEBT]) or 0) in (0, sum(map(Fraction, (amount, rate, part, DEBT))))


def test_what_an_attribute_holds():
    assert [fits(one) for one in (Decimal(0), HUGE, DEBT, HUGE + HUGE, Decimal(10) ** 38)] == [True] * 3 + [False] * 2
    assert total([HUGE, HUGE]) is None


def test_no_open_deal_is_of_a_closed_category():
    assert [category(one, "CLOSED") for one in (OPEN, WON, LOST)] == ["BEST_CASE", "CLOSED", "OMIT"]
