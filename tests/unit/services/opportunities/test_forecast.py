"""Forecasts put every deal in one place; waterfalls sum exactly, whatever happened."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.opportunities.domain.forecast import CATEGORIES, GROUPS, LOST, WON, Deal, Scope, forecast
from services.opportunities.domain.waterfall import PARTS, waterfall

MAY, JUNE, JULY = date(2026, 5, 10), date(2026, 6, 10), date(2026, 7, 10)
SCOPE = Scope(date(2026, 6, 1), date(2026, 7, 1))
deals = st.builds(
    Deal,
    amount=st.decimals(-1000, 1000, places=2),
    weighted=st.decimals(0, 1000, places=2),
    closes=st.none() | st.sampled_from([MAY, JUNE, JULY]),
    category=st.sampled_from(CATEGORIES),
    end=st.sampled_from(["", "", WON, LOST]),
    pipeline=st.sampled_from(["a", "b"]),
    owner=st.sampled_from(["", "1", "2"]),
    team=st.sampled_from(["", "7"]),
)
books = st.dictionaries(st.integers(1, 12), deals, max_size=12)
scopes = st.builds(
    Scope,
    st.just(SCOPE.begins),
    st.just(SCOPE.ends),
    st.sampled_from(["", "a"]),
    st.sampled_from(["", "1"]),
    st.just(""),
)


@given(books, books, scopes)
def test_the_parts_lead_from_the_opening_to_the_closing(before: dict[int, Deal], after: dict[int, Deal], scope: Scope):
    found = waterfall(before, after, scope)
    assert found.opening + sum((one.amount for one in found.parts.values()), Decimal(0)) == found.closing
    assert tuple(found.parts) == PARTS
    for name, amount in (("won", WON), ("lost", LOST)):
        gone = [one for ident, one in after.items() if ident in found.parts[name].deals]
        assert found.parts[name].amount == -sum((one.amount for one in gone), Decimal(0))
        assert all(one.end == amount for one in gone)


@given(books, scopes, st.sampled_from(["", *GROUPS]))
def test_every_deal_of_the_scope_is_counted_once(book: dict[int, Deal], scope: Scope, by: str):
    found = forecast(book.values(), scope, by)
    meant = [one for one in book.values() if scope.period(one) and scope.whose(one)]
    totals = [total for group in found.values() for total in group.values()]
    assert sum(one.count for one in totals) == len(meant)
    assert sum((one.amount for one in totals), Decimal(0)) == sum((one.amount for one in meant), Decimal(0))


def deal(amount: int = 10, closes: date | None = JUNE, end: str = "", owner: str = "1") -> Deal:
    return Deal(Decimal(amount), closes=closes, end=end, owner=owner)


@pytest.mark.parametrize(
    ("before", "after", "parts"),
    [
        (None, deal(), {"new": 10}),
        (None, deal(end=WON), {"new": 10, "won": -10}),
        (None, deal(closes=JULY), {}),
        (deal(), deal(12), {"grown": 2}),
        (deal(), deal(7), {"shrunk": -3}),
        (deal(), deal(12, end=WON), {"grown": 2, "won": -12}),
        (deal(), deal(end=WON, closes=MAY), {"won": -10}),
        (deal(), deal(end=LOST), {"lost": -10}),
        (deal(), deal(closes=JULY), {"slipped": -10}),
        (deal(), deal(closes=None), {"slipped": -10}),
        (deal(closes=JULY), deal(), {"pulled_in": 10}),
        (deal(closes=JULY), deal(15, end=WON), {"pulled_in": 10, "grown": 5, "won": -15}),
        (deal(end=LOST), deal(), {"reopened": 10}),
        (deal(end=WON), deal(end=WON), {}),
        (deal(), None, {"removed": -10}),
        (deal(), deal(owner="2"), {"handed_on": -10}),
        (deal(owner="2"), deal(), {"joined": 10}),
    ],
)
def test_what_happened_has_a_name(before: Deal | None, after: Deal | None, parts: dict[str, int]):
    scope = Scope(SCOPE.begins, SCOPE.ends, owner="1")
    found = waterfall({1: before} if before else {}, {1: after} if after else {}, scope)
    assert {name: int(one.amount) for name, one in found.parts.items() if one.count} == parts
