"""What deals show of their companies, in another service: lists, queries and single reads, one statement a type."""

from __future__ import annotations

from typing import Any

import pytest

from shared.eav.entity import View
from shared.eav.requests import Ref
from tests.factories.apart import EVERYBODY, Apart, Side

DEALS = "/api/v1/objects/deals"
PRIMARY = 5
NAMES = ("name", "company.name", "companies.Staff", "company.listed", "company.industry", "company.id", "contact.email")


@pytest.fixture(scope="module")
def world(apart: Apart) -> dict[str, int]:
    """Deals with two companies and two contacts, with the second company as the primary one, and with nothing."""
    acme = apart.people.create("company", name="Acme", staff=7, listed=True, industry="retail")
    later = apart.people.create("company", name="Later", staff=9)
    people = [apart.people.create("contact", email=f"shown-{one}@example.org") for one in "ab"]
    apart.settle()
    sales = apart.sales
    found = {one: sales.create("deal", name=one) for one in ("first", "primary", "none")}
    for deal in ("first", "primary"):
        sales.link("deal", found[deal], "company", acme)
        sales.link("deal", found[deal], "company", later, *([PRIMARY] if deal == "primary" else []))
        for one in reversed(people):
            sales.link("deal", found[deal], "contact", one)
    apart.settle()
    return {**found, "acme": acme, "later": later}


def shown(answer: Any, names: tuple[str, ...] = NAMES) -> list[Any]:
    assert answer.status_code == 200, answer.text
    body = answer.get_json()
    found = body.get("results", [body])
    return [[one["values"][name] for name in names] for one in found]


def test_every_native_reading_shows_values_of_linked_entities(sales: Side, world: dict[str, int]) -> None:
    wanted = [
        ["first", "Acme", 7, True, "retail", str(world["acme"]), "shown-a@example.org"],
        ["primary", "Later", 9, None, None, str(world["later"]), "shown-a@example.org"],
        ["none", *[None] * 6],
    ]
    web, ids = sales.client(), [str(world[one]) for one in ("first", "primary", "none")]
    asked = {"filter": {"attribute": "id", "operator": "IN", "values": ids}, "sorts": ["id"], "attributes": NAMES}
    queried = shown(web.post(f"{DEALS}/query", json=asked))
    assert queried == wanted
    params = {"attributes": ",".join(NAMES), "limit": 3, "cursor": str(world["first"] - 1)}
    assert shown(web.get(DEALS, query_string=params)) == queried
    for ident, row in zip(ids, queried, strict=True):
        assert shown(web.get(f"{DEALS}/{ident}", query_string={"attributes": params["attributes"]})) == [row]
    every = web.get(f"{DEALS}/{ids[0]}", query_string={"attributes": "*,company.name"}).get_json()["values"]
    assert (every["company.name"], every["stage"]) == ("Acme", None)


def test_a_version_tells_nothing_of_what_linked_entities_are(sales: Side, world: dict[str, int]) -> None:
    web, path = sales.client(), f"{DEALS}/{world['first']}"
    known = {"If-None-Match": web.get(path).headers["ETag"]}
    assert web.get(path, headers=known).status_code == 304
    assert web.get(path, query_string={"attributes": "company.name"}, headers=known).status_code == 200


@pytest.mark.parametrize(
    ("name", "near"), [("company.nam", "company.name"), ("compny.name", "company.name"), ("company.contact.email", "")]
)
def test_wrong_names(sales: Side, world: dict[str, int], name: str, near: str) -> None:
    web = sales.client()
    for answer in (
        web.get(DEALS, query_string={"attributes": name}),
        web.get(f"{DEALS}/{world['none']}", query_string={"attributes": name}),
        web.post(f"{DEALS}/query", json={"attributes": [name]}),
    ):
        assert answer.status_code == 400, answer.text
        assert name in answer.text
        assert near in answer.text


@pytest.mark.parametrize("count", [1, 3, 40])
def test_one_statement_for_each_linked_type(sales: Side, world: dict[str, int], count: int) -> None:
    for _ in range(count if count > 3 else 0):
        sales.link("deal", sales.create("deal"), "company", world["acme"])
    entities, (plain, far) = sales.runtime.entities, (("name",), NAMES)

    def statements(names: tuple[str, ...]) -> tuple[int, int]:
        view = View("json", names)
        with sales.runtime.db.counted() as listed:
            found, _ = entities.list(EVERYBODY, "deal", view, limit=count, after=world["first"] - 1)
        assert len(found) == count
        with sales.runtime.db.counted() as read:
            entities.read(EVERYBODY, "deal", [Ref(id=one.id) for one in found], view)
        return len(listed), len(read)

    statements(far)  # what is known of relations comes first, once
    assert statements(plain) == (1, 1)
    assert statements(far) == (3, 3)
