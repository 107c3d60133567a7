"""Deals whose amount is the sum of their line items: it follows lines, links, and who says so."""

from __future__ import annotations

from typing import Any

import pytest

from services.opportunities.handlers import follower
from services.opportunities.pipelines import PIPELINES
from services.opportunities.rules import RULES
from shared.contracts.event import from_document
from shared.service.entities import DomainJudge
from shared.service.home import Home
from tests.integration.opportunities.conftest import Service

LINES = "/api/v1/objects/line_items"


class Following:
    """The follower, handed everything that was told since the last time."""

    def __init__(self, service: Service) -> None:
        home = Home.of(service.runtime.db, judge=DomainJudge(RULES, PIPELINES))
        self._service, self._follower, self._last = service, follower(home), 0

    def __call__(self) -> int:
        """Apply what is new; how many events that was."""
        with self._service.runtime.db.transaction() as connection:
            rows = connection.rows("select id, body from outbox where id > %(last)s order by id", {"last": self._last})
            events = [from_document(body) for _, body in rows]
            if rows:
                self._last = rows[-1][0]
                self._follower.handler(connection, events)
        return len(rows)


@pytest.fixture(scope="module")
def follow(service: Service) -> Following:
    """The follower, at the end of the log."""
    found = Following(service)
    found()
    return found


def line(service: Service, deal: str, **values: Any) -> str:
    """A line item of a deal."""
    body = {"values": {"name": "Seats", "quantity": 2, "price": 10, **values}}
    made = service.client.post(LINES, json=body)
    assert made.status_code == 201, made.text
    answer = service.client.put(f"/api/v1/objects/deals/{deal}/links/line_items/{made.json['id']}", json={})
    assert answer.status_code in (200, 201), answer.text
    return str(made.json["id"])


def test_the_amount_follows_its_lines(service: Service, follow: Following):
    deal = service.deal(name="A", stage="contractsent", amount=1)["id"]
    first, second = line(service, deal), line(service, deal, price=5, billing_frequency="monthly")
    follow()
    assert service.read(deal)["values"]["amount"] == 1
    service.write(deal, amount_source="line_items")
    follow()
    values = service.read(deal)["values"]
    assert (values["amount"], values["mrr"], values["arr"], values["tcv"]) == (30, 10, 120, 140)
    assert (values["amount_in_home_currency"], values["forecast_amount"]) == (30, 27)
    assert service.client.patch(f"{LINES}/{first}", json={"values": {"quantity": 3}}).status_code == 200
    follow()
    assert service.read(deal)["values"]["amount"] == 40
    assert service.client.delete(f"{LINES}/{second}").status_code == 204
    follow()
    assert service.read(deal)["values"]["amount"] == 30
    assert service.client.delete(f"/api/v1/objects/deals/{deal}/links/line_items/{first}").status_code == 204
    follow()
    assert service.read(deal)["values"]["amount"] == 0


def test_hearing_it_again_changes_nothing(service: Service, follow: Following):
    deal = service.deal(name="B", stage="contractsent", amount_source="line_items")["id"]
    line(service, deal)
    follow()
    before = service.read(deal)
    assert before["values"]["amount"] == 20
    follow._last = 0
    assert follow() > 0
    assert service.read(deal)["version"] == before["version"]


def test_lines_of_another_currency_are_not_added_up(service: Service, follow: Following):
    deal = service.deal(name="C", stage="contractsent", amount_source="line_items", currency="EUR")["id"]
    line(service, deal, currency="EUR")
    follow()
    assert service.read(deal)["values"]["amount"] == 20
    line(service, deal, currency="USD")
    follow()
    assert service.read(deal)["values"]["amount"] is None


def test_lines_in_the_home_currency_are_those_of_a_deal_without_one(service: Service, follow: Following):
    deal = service.deal(name="E", stage="contractsent", amount_source="line_items")["id"]
    line(service, deal, currency="USD")
    follow()
    assert service.read(deal)["values"]["amount"] == 20


def test_more_than_an_attribute_holds_is_unknown_and_holds_up_nobody(service: Service, follow: Following):
    large, other = (service.deal(name="F", stage="contractsent", amount_source="line_items")["id"] for _ in "ab")
    for size in (26, 26, 26, 38, 38):
        line(service, large, quantity=1, price="9" * size)
        follow()
    line(service, other)
    follow()
    assert service.read(large)["values"]["amount"] is None
    assert service.read(other)["values"]["amount"] == 20


def test_the_sum_is_kept_by_the_system(service: Service, follow: Following):
    deal = service.deal(name="D", stage="contractsent", amount_source="line_items")["id"]
    line(service, deal)
    follow()
    history = service.client.get(f"/api/v1/objects/deals/{deal}?history=amount").json["history"]["amount"]
    assert [(one["value"], one["source"]) for one in history] == [("20", "CALCULATED")]


def quote(service: Service, **values: Any) -> str:
    """A new quote's id."""
    made = service.client.post("/api/v1/objects/quotes", json={"values": {"title": "Q", **values}})
    assert made.status_code == 201, made.text
    return str(made.json["id"])


def amount(service: Service, ident: str) -> Any:
    """What a quote comes to."""
    return service.client.get(f"/api/v1/objects/quotes/{ident}?attributes=amount").json["values"]["amount"]


def test_a_quote_is_the_sum_of_its_lines_until_an_amount_is_typed(service: Service, follow: Following):
    deal = service.deal(name="G", stage="contractsent")["id"]
    first, second = line(service, deal), line(service, deal, price=7)
    summed, typed, empty = quote(service), quote(service, amount=99), quote(service)
    for one in (summed, typed):
        for item in (first, second):
            service.client.put(f"/api/v1/objects/quotes/{one}/links/line_items/{item}", json={})
    follow()
    assert [amount(service, one) for one in (summed, typed, empty)] == [34, 99, None]
    service.client.delete(f"{LINES}/{second}")
    follow()
    assert [amount(service, one) for one in (summed, typed)] == [20, 99]
    said = service.client.patch(f"/api/v1/objects/quotes/{typed}", json={"values": {"amount_source": "line_items"}})
    assert said.status_code == 200, said.text
    follow()
    assert amount(service, typed) == 20
    refused = service.client.patch(f"/crm/v3/objects/quotes/{typed}", json={"properties": {"hs_quote_amount": "5"}})
    assert refused.status_code == 400


def test_a_new_line_takes_what_its_product_has(service: Service):
    has = {"name": "Seat", "price": 12.5, "sku": "S-1", "currency": "EUR", "billing_frequency": "monthly"}
    product = service.client.post("/api/v1/objects/products", json={"values": has}).json["id"]
    wire = {"properties": {"hs_product_id": product, "quantity": "2", "hs_sku": "own"}}
    made = service.client.post("/crm/v3/objects/line_items", json=wire).json["id"]
    typed = service.client.post(LINES, json={"values": {"product_id": product, "price": 3}}).json["id"]
    names = "name,price,sku,currency,billing_frequency,amount"
    rows = [service.client.get(f"{LINES}/{one}?attributes={names}").json["values"] for one in (made, typed)]
    assert rows[0].items() >= {**has, "sku": "own", "amount": 25}.items()
    assert (rows[1]["price"], rows[1]["currency"], rows[1]["amount"]) == (3, None, 3)
    service.client.patch(f"/api/v1/objects/products/{product}", json={"values": {"price": 99}})
    assert service.client.get(f"{LINES}/{made}?attributes=price").json["values"]["price"] == 12.5
    for body in ({"product_id": "999999", "price": "x"}, {"product_id": service.deal(name="no product")["id"]}):
        refused = service.client.post(LINES, json={"values": body})
        assert refused.status_code == 400, refused.text
        assert "product_id" in refused.text
        assert ("price" in refused.text) == ("price" in body)
    changed = service.client.patch(f"{LINES}/{made}", json={"values": {"product_id": "999999"}})
    assert changed.status_code == 400


def test_a_line_that_an_upsert_makes_takes_it_too_and_one_that_is_there_does_not(service: Service):
    product = service.client.post("/api/v1/objects/products", json={"values": {"name": "P", "price": 4}}).json["id"]
    place = {"label": "Place", "name": "place", "type": "string", "unique": True}
    assert service.client.post("/api/v1/types/line_items/attributes", json=place).status_code == 201
    item = {"id": "here", "idProperty": "place", "properties": {"hs_product_id": product, "quantity": "1"}}
    for price in (4, 7):
        answer = service.client.post("/crm/v3/objects/line_items/batch/upsert", json={"inputs": [item]})
        assert answer.status_code == 200, answer.text
        ident = answer.json["results"][0]["id"]
        assert service.client.get(f"{LINES}/{ident}?attributes=price").json["values"]["price"] == price
        service.client.patch(f"{LINES}/{ident}", json={"values": {"price": 7}})


@pytest.mark.parametrize("kind", ["deals", "quotes"])
def test_a_merge_brings_lines_and_undoing_it_takes_them(service: Service, follow: Following, kind: str):
    path = f"/api/v1/objects/{kind}"
    made = [service.client.post(path, json={"values": {"amount_source": "line_items"}}) for _ in "ab"]
    kept, absorbed = (one.json["id"] for one in made)
    for whole, price in ((kept, 5), (absorbed, 7)):
        item = service.client.post(LINES, json={"values": {"quantity": 1, "price": price}}).json["id"]
        service.client.put(f"{path}/{whole}/links/line_items/{item}", json={})
    follow()

    def amounts() -> list[Any]:
        follow()
        found = [service.client.get(f"{path}/{one}?attributes=amount").json for one in (kept, absorbed)]
        return [one["values"]["amount"] for one in found]

    assert amounts() == [5, 7]
    answer = service.client.post(f"{path}/{kept}/merge", json={"absorb": [absorbed]})
    assert answer.status_code == 200, answer.text
    assert amounts() == [12, 12]
    item = service.client.get(f"{path}/{kept}/links/line_items").json["results"][-1]["id"]
    price = service.client.get(f"{LINES}/{item}?attributes=price").json["values"]["price"]
    service.client.patch(f"{LINES}/{item}", json={"values": {"price": price + 1}})
    assert amounts() == [13, 13]
    answer = service.client.post(f"{path}/{kept}/unmerge", json={})
    assert answer.status_code == 200, answer.text
    assert sorted(amounts()) in ([5, 8], [6, 7])


def test_a_deal_that_comes_back_is_the_sum_of_its_lines_by_then(service: Service, follow: Following):
    deal = service.deal(name="I", stage="contractsent", amount_source="line_items")["id"]
    item = line(service, deal)
    follow()
    assert service.client.delete(f"/api/v1/objects/deals/{deal}").status_code == 204
    assert service.client.patch(f"{LINES}/{item}", json={"values": {"price": 30}}).status_code == 200
    follow()
    assert service.client.post(f"/api/v1/objects/deals/{deal}/restore", json={}).status_code in (200, 204)
    follow()
    assert service.read(deal)["values"]["amount"] == 60


def test_a_sum_that_a_quote_has_from_a_merge_is_not_typed(service: Service, follow: Following):
    deal = service.deal(name="H", stage="contractsent")["id"]
    item, kept, absorbed = line(service, deal), quote(service), quote(service)
    service.client.put(f"/api/v1/objects/quotes/{absorbed}/links/line_items/{item}", json={})
    follow()
    answer = service.client.post(f"/api/v1/objects/quotes/{kept}/merge", json={"absorb": [absorbed]})
    assert answer.status_code == 200, answer.text
    service.client.patch(f"{LINES}/{item}", json={"values": {"price": 11}})
    follow()
    assert amount(service, kept) == 22
