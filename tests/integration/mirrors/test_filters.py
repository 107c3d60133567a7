"""Deals filtered by what their companies are, in another service: as the values of those companies say."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from shared.eav.tables import search_name
from tests.factories.apart import Apart, Side

WORDS = ("Acme", "Ärger", "星云科技", "Analytical Engines", "acme labs")
Values = dict[str, Any]
CONDITIONS: tuple[tuple[dict[str, Any], Callable[[Values], bool]], ...] = (
    ({"attribute": "company.industry", "operator": "EQ", "value": "retail"}, lambda one: one["industry"] == "retail"),
    (
        {"attribute": "company.industry", "operator": "IN", "values": ["retail", "energy"]},
        lambda one: one["industry"] in ("retail", "energy"),
    ),
    ({"attribute": "company.industry", "operator": "HAS_PROPERTY"}, lambda one: one["industry"] is not None),
    ({"attribute": "company.industry", "operator": "NOT_HAS_PROPERTY"}, lambda one: one["industry"] is None),
    ({"attribute": "company.staff", "operator": "GT", "value": 50}, lambda one: one["staff"] > 50),
    (
        {"attribute": "company.staff", "operator": "BETWEEN", "value": 10, "high_value": 60},
        lambda one: 10 <= one["staff"] <= 60,
    ),
    ({"attribute": "company.listed", "operator": "EQ", "value": True}, lambda one: one["listed"] is True),
    ({"attribute": "company.founded", "operator": "LT", "value": "2000-01-01"}, lambda one: one["founded"] < "2000"),
    ({"attribute": "company.name", "operator": "EQ", "value": "ACME"}, lambda one: one["name"].casefold() == "acme"),
    (
        {"attribute": "company.name", "operator": "CONTAINS_TOKEN", "value": "acme"},
        lambda one: "acme" in one["name"].casefold().split(),
    ),
    ({"attribute": "associations.company", "operator": "HAS_PROPERTY"}, lambda one: True),
)


@pytest.fixture(scope="module")
def world(apart: Apart) -> tuple[dict[int, Values], dict[int, set[int]]]:
    """Companies with their values, some archived (then not listed), and the companies of each deal."""
    chance, companies = random.Random(7), {}
    for _ in range(40):
        values = {
            "name": chance.choice(WORDS),
            "industry": chance.choice(["retail", "energy", "software", None]),
            "staff": chance.randint(1, 100),
            "listed": chance.random() < 0.5,
            "founded": f"{chance.randint(1980, 2020)}-0{chance.randint(1, 9)}-11",
        }
        companies[apart.people.create("company", **values)] = values
    apart.settle()
    deals: dict[int, set[int]] = {}
    for _ in range(60):
        deal = apart.sales.create("deal")
        deals[deal] = set(chance.sample(sorted(companies), chance.randint(0, 3)))
        for one in deals[deal]:
            apart.sales.link("deal", deal, "company", one)
    for gone in chance.sample(sorted(companies), 6):
        apart.people.archive("company", gone)
        del companies[gone]
    apart.settle()
    return companies, deals


@pytest.mark.parametrize("negated", [False, True], ids=["as it is", "negated"])
@pytest.mark.parametrize(("condition", "holds"), CONDITIONS, ids=[str(one) for one, _ in CONDITIONS])
def test_a_filter_finds_what_the_values_say(
    sales: Side,
    world: tuple[dict[int, Values], dict[int, set[int]]],
    condition: dict[str, Any],
    holds: Callable[[Values], bool],
    negated: bool,
):
    companies, deals = world
    wanted = {
        deal
        for deal, linked in deals.items()
        if any(holds(companies[one]) for one in linked if one in companies) is not negated
    }
    assert 0 < len(wanted) < len(deals)
    asked = {"filter": {"not": condition} if negated else condition, "limit": 100, "total": "exact"}
    found = sales.client().post("/api/v1/objects/deals/query", json=asked).get_json()
    assert {int(one["id"]) for one in found["results"]} & deals.keys() == wanted


def test_only_the_words_of_what_is_linked_to_are_indexed(apart: Apart, sales: Side):
    """Linked to before it was told of, after that, by the other side, and not at all."""
    people = apart.people
    early, late, told, alone = (people.create("company", name=f"Zephyr {n}") for n in range(4))
    deal = sales.create("deal")
    sales.link("deal", deal, "company", early)
    apart.settle()
    sales.link("deal", deal, "company", late)
    people.link("company", told, "deal", deal)
    apart.settle()
    table = search_name(sales.runtime.catalog.linkable("company").table)
    with sales.runtime.db.connect() as connection:
        asked = f"select id, linked from {table} where id = any(%(ids)s)"
        found = dict(connection.rows(asked, {"ids": [early, late, told, alone]}))
        connection.run("set enable_seqscan = off")
        plan = connection.rows(f"explain select id from {table} where linked and doc like '%%zephyr%%'")
        connection.run("reset enable_seqscan")
    assert found == {early: True, late: True, told: True, alone: False}
    assert f"{table}_linked" in str(plan)
    people.update("company", alone, name="Zephyr alone")
    people.archive("company", late)
    apart.settle()
    condition = {"attribute": "company.name", "operator": "CONTAINS_TOKEN", "value": "zephyr"}
    asked = {"filter": condition, "limit": 100, "total": "exact"}
    [one] = sales.client().post("/api/v1/objects/deals/query", json=asked).get_json()["results"]
    assert int(one["id"]) == deal
    # Linked to later, and back from the archive: its words are found.
    other, again = sales.create("deal"), sales.create("deal")
    sales.link("deal", other, "company", alone)
    people.restore("company", late)
    apart.settle()
    sales.link("deal", again, "company", late)
    apart.settle()
    found = sales.client().post("/api/v1/objects/deals/query", json=asked).get_json()["results"]
    assert {int(one["id"]) for one in found} == {deal, other, again}
