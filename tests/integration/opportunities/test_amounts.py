"""Amounts of deals at dated rates, line items, and where an amount comes from."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.opportunities.conftest import DEALS, Service

RATES = "/api/v1/opportunities/rates"


@pytest.fixture(scope="module", autouse=True)
def rates(service: Service) -> None:
    """Dollars at home; euros from January, dearer from February."""
    csv = "currency,since,rate\nEUR,2026-01-01,1.10\nEUR,2026-02-01,1.20\nJPY,2026-01-01,0.0065\n"
    answer = service.client.put(RATES, json={"home": "USD", "csv": csv})
    assert answer.status_code == 200, answer.text
    assert answer.json["home"] == "USD"
    assert [(one["currency"], one["since"], one["rate"]) for one in answer.json["results"]] == [
        ("EUR", "2026-01-01", 1.1),
        ("EUR", "2026-02-01", 1.2),
        ("JPY", "2026-01-01", 0.0065),
    ]


def test_an_open_deal_counts_at_the_day_it_was_written_a_closed_one_at_its_close_date(service: Service):
    deal = service.deal("2026-01-15T00:00:00Z", name="A", stage="contractsent", amount=100, currency="EUR")
    values = deal["values"]
    assert (values["exchange_rate"], values["amount_in_home_currency"], values["forecast_amount"]) == (1.1, 110, 99)
    values = service.write(deal["id"], at="2026-03-01T00:00:00Z", next_step="Call")
    assert values["amount_in_home_currency"] == 110
    values = service.write(deal["id"], at="2026-03-01T00:00:00Z", stage="closedwon")
    assert (values["exchange_rate"], values["closed_amount"]) == (1.2, 120)
    values = service.write(deal["id"], closes_at="2026-01-20T00:00:00Z")
    assert (values["exchange_rate"], values["closed_amount"]) == (1.1, 110)


def test_without_a_rate_nothing_is_made_up(service: Service):
    values = service.deal(name="B", stage="contractsent", amount=100, currency="CHF")["values"]
    assert (values["amount_in_home_currency"], values["forecast_amount"], values["exchange_rate"]) == (None, None, None)
    early = service.deal("2025-12-31T00:00:00Z", name="C", stage="contractsent", amount=100, currency="EUR")
    assert early["values"]["amount_in_home_currency"] is None
    assert service.deal(name="D", amount=7.5)["values"]["amount_in_home_currency"] == 7.5


def test_wrong_rates_are_refused_all_at_once(service: Service):
    wrong: list[dict[str, Any]] = [
        {"currency": "XXX", "since": "2026-01-01", "rate": 1},
        {"currency": "USD", "since": "2026-01-01", "rate": 1},
        {"currency": "EUR", "since": "2026-01-01", "rate": -1},
    ]
    answer = service.client.put(RATES, json={"rates": wrong})
    assert (answer.status_code, len(answer.json["errors"])) == (400, 3)
    unread = [{"currency": "EUR", "since": "soon", "rate": 1}, {"currency": "EUR", "since": "2026-01-01", "rate": "x"}]
    answer = service.client.put(RATES, json={"rates": unread})
    assert (answer.status_code, len(answer.json["errors"])) == (400, 2)
    assert service.client.put(RATES, json={"home": "EUR"}).status_code == 409


def test_everything_wrong_with_rates_is_named_at_once(service: Service):
    before = service.client.get(RATES).json
    since = "2031-01-01"
    rows: list[dict[str, Any]] = [
        *({"currency": "CHF", "since": one, "rate": 1} for one in ("20310101", "2031-W01-1", f"{since}T00:00:00Z", 1)),
        *({"currency": "CHF", "since": since, "rate": one} for one in ("1_0", "\u0663", "1e2", "+1", ".5")),
        {"currency": "XXX", "since": since, "rate": 1},  # the standard's code for no currency at all
        {"currency": "chf", "since": since, "rate": 1},
        {"currency": "CHF", "since": since, "rate": 2},
        {"currency": "", "since": "soon", "rate": "x"},
    ]
    answer = service.client.put(RATES, json={"rates": rows})
    assert answer.status_code == 400, answer.text
    fields = [f"rates[{n}].since" for n in range(4)] + [f"rates[{n}].rate" for n in range(4, 9)]
    fields += ["rates[9].currency", "rates[11].since", *(f"rates[12].{one}" for one in ("currency", "since", "rate"))]
    assert sorted(one["in"] for one in answer.json["errors"]) == sorted(fields)
    assert service.client.get(RATES).json == before


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"csv": "currency,since,rate\nCHF,2026-02-01,1,06\n"}, "rates[0]"),
        ({"csv": "currency,since,rate\nCHF,2026-02-01\n"}, "rates[0].rate"),
        ({"rates": [{"currency": "CHF", "since": "2026-02-01"}]}, "rates[0].rate"),
        ({"rates": [{"currency": "CHF", "since": "2026-02-01", "rate": 1, "rates": 2}]}, "rates[0]"),
        *(
            ({"rates": [{"currency": "CHF", "since": "2026-02-01", "rate": one}]}, "rates[0].rate")
            for one in ("1e400", "1e-400", "0", "-1", "", True, "nan", "0.1234567890123456789")
        ),
    ],
)
def test_rates_that_cannot_be(service: Service, body: dict[str, Any], where: str):
    answer = service.client.put(RATES, json=body)
    assert (answer.status_code, [one["in"] for one in answer.json["errors"]]) == (400, [where]), answer.text


def test_rates_of_a_file_with_a_byte_order_mark_are_read_and_null_takes_them_away(service: Service):
    before = service.client.get(RATES).json
    put = {"csv": "\ufeffcurrency,since,rate\r\nCHF,2030-02-01,1.06\r\n"}
    told = service.client.put(RATES, json=put).json["results"]
    assert {"currency": "CHF", "since": "2030-02-01", "rate": 1.06} in told
    gone = {"rates": [{"currency": "CHF", "since": "2030-02-01", "rate": None}]}
    assert service.client.put(RATES, json=gone).json == before


def test_the_largest_numbers_are_kept_or_refused_by_name(service: Service):
    values = service.read(service.deal(name="H", stage="contractsent", amount="9" * 38)["id"])["values"]
    assert values["amount_in_home_currency"] == int("9" * 38)
    deal = service.deal(name="I", amount=1, currency="EUR")
    (error,) = service.write(deal["id"], 400, amount="9" * 38)
    assert error["context"] == {"propertyName": ["amount"]}
    assert "38 digits" in error["message"]


def test_rates_survive_who_edits_the_choices(service: Service):
    before = service.client.get(RATES).json
    path = "/crm/v3/properties/deals/deal_currency_code"
    options = [{"label": one, "value": one, "displayOrder": n} for n, one in enumerate(("EUR", "USD", "JPY", "CHF"))]
    assert service.client.patch(path, json={"options": options}).status_code == 200
    assert service.client.get(RATES).json == before


def test_what_a_line_comes_to(service: Service):
    body = {
        "values": {
            "name": "Seats",
            "quantity": 3,
            "price": "20.50",
            "discount_percentage": 10,
            "tax_rate": 19,
            "billing_frequency": "monthly",
            "billing_period": "P2Y",
        }
    }
    made = service.client.post("/api/v1/objects/line_items", json=body)
    assert made.status_code == 201, made.text
    names = "amount,list_amount,discount_amount,tax_amount,gross_amount,mrr,arr,acv,tcv"
    found = service.client.get(f"/api/v1/objects/line_items/{made.json['id']}?attributes={names}").json["values"]
    assert found == {
        "id": int(made.json["id"]) if isinstance(found.get("id"), int) else found.get("id"),
        "created_at": found["created_at"],
        "updated_at": found["updated_at"],
        "list_amount": 61.5,
        "discount_amount": 6.15,
        "amount": 55.35,
        "tax_amount": 10.52,
        "gross_amount": 65.87,
        "mrr": 55.35,
        "arr": 664.2,
        "acv": 664.2,
        "tcv": 1328.4,
    }


@pytest.mark.parametrize(
    "values",
    [
        {"price": 5, "discount": 1, "discount_percentage": 10},
        {"price": 5, "discount_percentage": 101},
        {"price": 5, "billing_frequency": "monthly", "billing_period": "a year"},
        {"price": 5, "amount": 5},
        {"price": 10, "discount": 500},
        {"price": 10, "tax_rate": -1},
        {"price": "9" * 38, "quantity": "9" * 38},
    ],
)
def test_lines_that_cannot_be(service: Service, values: dict[str, Any]):
    assert service.client.post("/api/v1/objects/line_items", json={"values": values}).status_code == 400


def test_an_amount_is_typed_or_a_sum_never_both(service: Service):
    deal = service.deal(name="E", amount=10, amount_source="typed")
    assert service.write(deal["id"], amount=12)["amount"] == 12
    service.write(deal["id"], amount_source="line_items")
    answer = service.client.patch(f"{DEALS}/{deal['id']}", json={"values": {"amount": 5}})
    assert (answer.status_code, answer.json["errors"][0]["code"]) == (400, "READ_ONLY_VALUE")
    service.wire(deal["id"], 400, amount="5")
    assert service.write(deal["id"], amount_source="typed", amount=5)["amount"] == 5
