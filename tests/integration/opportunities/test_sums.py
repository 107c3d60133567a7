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
