"""The number of statements depends on nothing: neither of writing links across services nor of hearing of them."""

from __future__ import annotations

import pytest

from shared.eav.links.asked import LinkItem, Unlink
from shared.eav.requests import LinkTo
from tests.factories.apart import EVERYBODY, Apart, Side
from tests.factories.counting import own

_counts: dict[str, set[int]] = {}
FIRST = 1
"""Definitions come first, once, and slots are taken: that is not counted."""


def same(what: str, statements: list[str], count: int) -> None:
    """As many as the last time."""
    if count == FIRST:
        return
    _counts.setdefault(what, set()).add(len(own(statements)))
    assert len(_counts[what]) == 1, (what, _counts[what])


@pytest.mark.parametrize("count", [FIRST, 2, 40])
def test_links(apart: Apart, people: Side, sales: Side, count: int):
    apart.settle()
    companies = [people.create("company") for _ in range(count)]
    deals = [sales.create("deal") for _ in range(count)]
    with sales.runtime.db.counted() as told:
        apart.hear(sales)
    same("hearing of entities", told, count)
    apart.settle()
    pairs = list(zip(deals, companies, strict=True))
    items = [LinkItem(deal, LinkTo("company", company)) for deal, company in pairs]
    with sales.runtime.db.counted() as told:
        sales.runtime.links.put(EVERYBODY, "deal", items)
    same("linking", told, count)
    with people.runtime.db.counted() as told:
        apart.hear(people)
    same("hearing of entities and links", told, count)
    with people.runtime.db.counted() as told:
        people.runtime.links.pages(EVERYBODY, "company", companies, "deal")
    same("reading", told, count)
    with people.runtime.db.counted() as told:
        people.runtime.links.remove(EVERYBODY, "company", [Unlink(company, "deal", deal) for deal, company in pairs])
    same("undoing", told, count)
    with sales.runtime.db.counted() as told:
        apart.hear(sales)
    same("hearing of links that were undone", told, count)


@pytest.mark.parametrize("count", [FIRST, 2, 40])
def test_links_to_ids_that_nobody_has_told_of(people: Side, sales: Side, count: int):
    companies = [people.create("company") for _ in range(count)]
    deals = [sales.create("deal") for _ in range(count)]
    items = [LinkItem(deal, LinkTo("company", one)) for deal, one in zip(deals, companies, strict=True)]
    with sales.runtime.db.counted() as told:
        sales.runtime.links.put(EVERYBODY, "deal", items)
    same("linking the unknown", told, count)
