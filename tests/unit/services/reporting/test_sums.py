"""Sums keep every digit, however large their parts, and whatever is taken out again."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from services.reporting.domain.exact import minus, plus, total
from services.reporting.domain.questions import change
from services.reporting.domain.showing import plain, written
from services.reporting.metrics.compiling import Contribution
from services.reporting.metrics.deltas import Deltas

HUGE = Decimal("1e37")
FINE = Decimal("0.000000000000000001")
LARGEST = Decimal("9" * 38 + "." + "9" * 18)
AT = datetime(2026, 3, 1, tzinfo=UTC)
GROUP = ("closedwon",)


def kept(*moves: tuple[Decimal | None, Decimal | None]) -> Decimal:
    """The sum of a cell after these amounts gave way to those."""
    found = Deltas()
    for old, new in moves:
        before, after = (None if one is None else Contribution(GROUP, 1, one) for one in (old, new))
        found.move(before, after, AT)
    return found.cells[GROUP, AT.date()].s


def test_a_cell_keeps_small_amounts_beside_huge_ones() -> None:
    assert kept((None, HUGE), (None, Decimal(-5))) == Decimal("9999999999999999999999999999999999995")
    assert kept((None, HUGE), (None, FINE), (HUGE, None)) == FINE
    assert kept((None, LARGEST), (None, FINE)) == Decimal(10**38)


def test_a_repair_adds_exactly_what_is_missing() -> None:
    true, wrong = Decimal(10**37 - 5), HUGE
    assert minus(true, wrong) == -5
    assert plus(wrong, minus(true, wrong)) == true


def test_numbers_of_all_lengths_are_shown_and_compared() -> None:
    assert written("1" + "0" * 36 + ".009", "EUR") == "1" + ",000" * 12 + ".01 EUR"
    assert written(f"{LARGEST:f}", "percent").endswith(" %")
    assert plain(LARGEST) == f"{10**38:,}"
    assert change(LARGEST, Decimal(1)) == Decimal(10**38 - 1)
    assert change(Decimal(3), Decimal(2)) == Decimal("0.5")


@pytest.mark.parametrize(
    ("amounts", "sum_of_them"),
    [([], 0), ([HUGE, Decimal(-5), -HUGE], -5), ([FINE, LARGEST, LARGEST.copy_negate()], FINE)],
    ids=["none", "whole", "fractions"],
)
def test_a_total_does_not_depend_on_what_is_added_first(amounts: list[Decimal], sum_of_them: Decimal) -> None:
    assert total(amounts) == total(reversed(amounts)) == sum_of_them
