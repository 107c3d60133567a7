"""Whatever is done to one row of a group's days shows in its weight, and the weight tells what it was."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal

import pytest

from services.reporting.domain.weighing import NOTHING, Sum, added, number_of, restored, weight

FIRST = date(2025, 1, 1)


def drawn(rng: random.Random) -> dict[date, Sum]:
    days = rng.sample(range(400), rng.randint(2, 9))
    return {
        FIRST + timedelta(day): (rng.randint(-3, 5), rng.randint(0, 3), Decimal(rng.randint(-9999, 9999)) / 100)
        for day in days
    }


def come_to(rows: dict[date, Sum]) -> Sum:
    found = NOTHING
    for one in rows.values():
        found = added(found, one)
    return found


def same(one: dict[date, Sum] | None, other: dict[date, Sum]) -> bool:
    return one is not None and all(one.get(day, NOTHING) == other.get(day, NOTHING) for day in {*one, *other})


def test_no_two_days_have_the_same_number() -> None:
    days = [FIRST + timedelta(n) for n in range(-20000, 20000)]
    assert len({number_of(day) for day in days}) == len(days)


@pytest.mark.parametrize("seed", range(20))
def test_one_row_is_put_back_where_it_was(seed: int) -> None:
    rng = random.Random(seed)
    rows = drawn(rng)
    right, weighed = come_to(rows), weight(rows)
    day = rng.choice([day for day, one in rows.items() if one != NOTHING])
    lost = {other: one for other, one in rows.items() if other != day}
    altered = {**rows, day: added(rows[day], (3, 0, Decimal("0.01")))}
    moved = {**lost, FIRST - timedelta(rng.randint(1, 300)): rows[day]}
    assert same(restored(lost, right, weighed), rows)
    assert same(restored(altered, right, weighed), rows)
    assert weight(moved) != weighed
    assert same(restored(moved, right, weighed), rows)


def test_more_than_one_row_is_not_guessed() -> None:
    rows = {FIRST + timedelta(n): (n + 1, 0, Decimal(0)) for n in range(4)}
    right, weighed = come_to(rows), weight(rows)
    rows[FIRST] = (9, 0, Decimal(0))
    rows[FIRST + timedelta(2)] = (7, 1, Decimal(0))
    assert restored(rows, right, weighed) is None
