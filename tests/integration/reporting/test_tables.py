"""Pivots, tops with their others, amounts by currency, and the same questions asked of entities instead of a metric."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest

from services.reporting import asking
from shared.contracts.event import CATALOG_ATTRIBUTE, Event
from shared.kernel.clock import now
from shared.service.jobs import work_off
from shared.service.replica.catalogs import apply_catalog_events
from tests.integration.reporting.conftest import Reporting
from tests.integration.service.conftest import follow

PATH = "/reporting/v1/metrics"
ANY = "/reporting/v1/query"
COMPANIES = "/api/v1/objects/companies"
CITIES = ("Wien", "Graz", "Linz", "北京", None)
MEASURES: dict[str, dict[str, str]] = {
    "number": {"kind": "count"},
    "turnover": {"kind": "sum", "attribute": "annual_revenue"},
    "mean": {"kind": "average", "attribute": "annual_revenue"},
    "best": {"kind": "max", "attribute": "annual_revenue"},
    "newest": {"kind": "max", "attribute": "created_at"},
    "countries": {"kind": "distinct", "attribute": "country"},
}
COMMON: dict[str, Any] = {
    "entity_type": "company",
    "filter": {"not": {"attribute": "city", "operator": "EQ", "value": "Nowhere"}},
    "dimensions": ["city", "industry", {"name": "born", "attribute": "created_at", "bucket": "quarter"}],
    "time": {"attribute": "created_at", "time_zone": "Pacific/Auckland"},
}
# Until the 14th of May francs were worth nothing that anybody told.
RATES = {"CHF": {"2024-05-14": "1.1", "2024-06-01": "1.2"}, "EUR": {"2024-01-01": "1.05"}, "USD": {}}
QUESTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"by": ["city"]},
    {"by": ["city", "industry"], "sort": "group"},
    {"by": ["city"], "pivot": "industry"},
    {"by": ["city"], "series": "month", "pivot": "time"},
    {"by": [], "series": "year", "pivot": "city"},
    {"by": ["city"], "top": 2},
    {"by": ["city", "born"], "top": 3, "pivot": "industry", "where": {"industry": ["BANKING", None]}},
    {"by": ["city"], "period": "2024-Q2", "compare": "previous", "top": 1},
    {"by": ["born"], "period": "2024", "sort": "group"},
)


@pytest.fixture(scope="module")
def web(reporting: Reporting) -> Any:
    """Companies at random, in three currencies, and a metric for each measure."""
    rng, contacts, client = random.Random(5), reporting.system.client("contacts"), reporting.client()
    options = [{"value": code, "label": code} for code in RATES]
    body = {"name": "money", "label": "Money", "type": "enumeration", "options": options}
    assert contacts.post("/api/v1/types/companies/attributes", json=body).status_code == 201
    for _ in range(60):
        values = {
            "city": rng.choice(CITIES),
            "industry": rng.choice(["BANKING", "RETAIL", None]),
            "country": rng.choice(["AT", "CN", None]),
            "annual_revenue": rng.choice([None, "0.1", "12.25", "-3", "1000"]),
            "money": rng.choice([*RATES, None]),
        }
        at = f"2024-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}T{rng.randint(0, 23):02}:00:00Z"
        assert contacts.post(COMPANIES, json={"values": values, "effective_at": at}).status_code == 201
    reporting.catch_up()
    price_in(reporting, RATES)
    for name, measure in MEASURES.items():
        assert client.post(PATH, json={**COMMON, "name": name, "measure": measure}).status_code == 201
    for name, measure in MONEY.items():
        made = client.post(PATH, json={**COMMON, "name": name, "measure": {**MEASURES["turnover"], **measure}})
        assert made.status_code == 201, made.text
    ratio = {"kind": "ratio", "numerator": "turnover", "denominator": "number"}
    assert client.post(PATH, json={"name": "each", "measure": ratio, "unit": "EUR"}).status_code == 201
    while work_off(reporting.app.extensions["crm"]):
        pass
    return client


MONEY: dict[str, dict[str, Any]] = {
    "by_currency": {"currency": "money"},
    "in_euro": {"currency": "money", "convert": {"to": "EUR", "at": "created_at"}},
    "in_dollars": {"currency": "money", "convert": {"to": "USD"}},
}


def price_in(reporting: Reporting, rates: dict[str, dict[str, str]]) -> None:
    """Tell rates as the catalog does."""
    live = reporting.contacts.catalog.type("company")
    detail = {"id": live.attributes["money"].id, "name": "money", "label": "Money", "kind": "enumeration"}
    options = [{"value": code, "label": code, "detail": {"home": "USD", **days}} for code, days in rates.items()]
    event = Event(CATALOG_ATTRIBUTE, "company", now(), detail={**detail, "options": options})
    with reporting.db.transaction() as connection:
        apply_catalog_events(connection, "contacts", [event])


def told(web: Any, path: str, **body: Any) -> dict[str, Any]:
    found = web.post(path, json=body)
    assert found.status_code == 200, found.text
    answer: dict[str, Any] = found.json
    return answer


@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize("question", QUESTIONS, ids=range(len(QUESTIONS)))
def test_a_question_without_a_metric_has_the_same_answer(web: Any, name: str, question: dict[str, Any]) -> None:
    kept = told(web, f"{PATH}/{name}/query", **question)
    found = told(web, ANY, **COMMON, measure=MEASURES[name], **{"by": [], **question})
    assert (kept["precomputed"], found["precomputed"]) == (True, False)
    for part in ("rows", "total", "others", "columns", "by"):
        assert found.get(part) == kept.get(part), part
    assert kept["rows"]


@pytest.mark.parametrize("name", [*MEASURES, "each"])
@pytest.mark.parametrize(
    "question",
    [{"by": ["city"], "pivot": "industry"}, {"by": ["city", "industry"], "series": "quarter", "pivot": "time"}],
    ids=str,
)
def test_totals_of_a_pivot_are_those_of_the_questions_they_answer(
    web: Any, name: str, question: dict[str, Any]
) -> None:
    path = f"{PATH}/{name}/query"
    found = told(web, path, **question)
    across = {"series": question["series"]} if "series" in question else {"by": [question["pivot"]]}
    columns = {next(iter(row["group"].values())): row["value"] for row in told(web, path, **across)["rows"]}
    assert dict(zip(found["columns"], found["total"]["cells"], strict=True)) == columns
    assert found["total"]["value"] == told(web, path)["rows"][0]["value"]
    rows = {tuple(row["group"].values()): row["value"] for row in told(web, path, by=question["by"])["rows"]}
    assert {tuple(row["group"].values()): row["value"] for row in found["rows"]} == rows
    if name in ("number", "turnover"):
        for row in (*found["rows"], found["total"]):
            assert sum(map(Decimal, row["cells"])) == Decimal(row["value"])


@pytest.mark.parametrize("name", [*MEASURES, "each"])
def test_what_the_top_leaves_out_has_a_line_of_its_own(web: Any, name: str) -> None:
    path, top = f"{PATH}/{name}/query", 2
    everything = told(web, path, by=["city"])["rows"]
    found = told(web, path, by=["city"], top=top, pivot="industry")
    assert [row["value"] for row in found["rows"]] == [row["value"] for row in everything[:top]]
    others = found["others"]
    assert (others["name"], others["groups"]) == ("others", len(everything) - top)
    rest = {"city": [row["group"]["city"] for row in everything[top:]]}
    assert others["value"] == told(web, path, where=rest)["rows"][0]["value"]
    cells = {row["group"]["industry"]: row["value"] for row in told(web, path, by=["industry"], where=rest)["rows"]}
    assert {key: one for key, one in zip(found["columns"], others["cells"], strict=True) if key in cells} == cells
    if name in ("number", "turnover"):
        assert sum(Decimal(row["value"]) for row in [*found["rows"], others]) == Decimal(found["total"]["value"])
    assert "others" not in told(web, path, by=["city"], top=len(everything))


def test_a_pivot_that_makes_no_sense_is_refused(web: Any) -> None:
    for question in (
        {"pivot": "time"},
        {"pivot": "nothing"},
        {"by": ["city"], "pivot": "city"},
        {"by": ["city"], "pivot": "industry", "period": "2024", "compare": "previous"},
    ):
        assert web.post(f"{PATH}/number/query", json=question).status_code == 400


def amounts(reporting: Reporting) -> list[tuple[str | None, Decimal, str]]:
    """(currency, amount, day in Auckland) of every company that has one."""
    live = reporting.contacts.catalog.type("company")
    money, amount = live.attributes["money"].key, live.attributes["annual_revenue"].key
    found = []
    for one in reporting.contacts.engine.reads.holdings("company", after=0, limit=10_000):
        if one.values.get(amount) is not None:
            found.append((one.values.get(money), Decimal(one.values[amount]), one.created_at))
    return found


def rate(code: str | None, day: str) -> Decimal | None:
    if code in (None, "USD"):
        return Decimal(1)
    known = [since for since in sorted(RATES[code or ""]) if since <= day]
    return Decimal(RATES[code or ""][known[-1]]) if known else None


def test_amounts_are_converted_at_the_rates_of_their_days(reporting: Reporting, web: Any) -> None:
    from services.reporting.domain.periods import local_day

    euros, left_out = Decimal(0), Decimal(0)
    for code, amount, at in amounts(reporting):
        day = local_day(at, "Pacific/Auckland")
        factor, euro = rate(code, day), rate("EUR", day)
        if factor is None or euro is None:
            left_out += amount
        else:
            euros += amount * factor / euro
    found = told(web, f"{PATH}/in_euro/query")
    assert found["unit"] == "EUR"
    assert abs(Decimal(found["rows"][0]["value"]) - euros) < Decimal("0.000001")
    assert [one["currency"] for one in found["not_converted"]] == ["CHF"]
    assert Decimal(found["not_converted"][0]["amount"]) == left_out != 0
    pivot = told(web, f"{PATH}/in_euro/query", by=["city"], pivot="currency")
    assert abs(sum(Decimal(row["value"]) for row in pivot["rows"]) - Decimal(found["rows"][0]["value"])) < Decimal(
        "1e-9"
    )


def test_new_rates_change_answers_at_once(reporting: Reporting, web: Any) -> None:
    before = web.post(f"{PATH}/in_dollars/query", json={})
    expected = sum(amount * (rate(code, "2099-01-01") or 0) for code, amount, _ in amounts(reporting))
    assert abs(Decimal(before.json["rows"][0]["value"]) - expected) < Decimal("0.000001")
    price_in(reporting, {**RATES, "CHF": {**RATES["CHF"], "2024-07-01": "3"}})
    try:
        after = web.post(f"{PATH}/in_dollars/query", json={}, headers={"If-None-Match": before.headers["ETag"]})
        francs = sum(amount for code, amount, _ in amounts(reporting) if code == "CHF")
        assert Decimal(after.json["rows"][0]["value"]) - expected == francs * Decimal("1.8")
    finally:
        price_in(reporting, RATES)


def test_amounts_of_several_currencies_have_no_sum(reporting: Reporting, web: Any) -> None:
    found = told(web, f"{PATH}/by_currency/query")
    expected: dict[str | None, Decimal] = {}
    for code, amount, _ in amounts(reporting):
        expected[code] = expected.get(code, Decimal(0)) + amount
    shown = {row["group"]["currency"]: Decimal(row["value"]) for row in found["rows"]}
    assert {code: shown[code] for code in expected} == expected
    single = told(web, f"{PATH}/by_currency/query", where={"currency": "CHF"})
    assert [Decimal(row["value"]) for row in single["rows"]] == [expected["CHF"]]
    refused = web.post(f"{PATH}/by_currency/changes", json={})
    assert (refused.status_code, refused.json["errors"][0]["code"]) == (400, "NOT_ADDITIVE")
    assert web.post(f"{PATH}/by_currency/changes", json={"group": {"currency": "CHF"}}).status_code == 200
    for name in MONEY:
        assert web.post(f"{PATH}/{name}/verify").json["wrong"] == []


def test_what_holds_no_currencies_makes_none(web: Any) -> None:
    for said, field in (
        ({"currency": "industry"}, "measure.currency"),
        ({"currency": "money", "convert": {"to": "XXX"}}, "measure.convert.to"),  # the standard's code for none
        ({"currency": "money", "convert": {"to": "US"}}, "measure.convert.to"),
    ):
        refused = web.post(PATH, json={**COMMON, "name": "odd", "measure": {**MEASURES["turnover"], **said}})
        assert refused.status_code == 400, said
        assert field in refused.json["message"] + str(refused.json["errors"]), said


def test_what_takes_too_long_is_refused_with_a_hint(web: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "BUDGET_SECONDS", 0.0)
    found = web.post(ANY, json={"entity_type": "company", "by": ["city"]})
    assert (found.status_code, found.json["errors"][0]["code"]) == (400, "TIME_BUDGET")
    assert "define a metric" in found.json["message"]


def test_what_cannot_be_asked(web: Any) -> None:
    today = now().date().isoformat()
    for body in (
        {},
        {"entity_type": "company", "by": ["nothing"]},
        {"entity_type": "company", "measure": {"kind": "ratio", "numerator": "a", "denominator": "b"}},
        {"entity_type": "company", "as_of": today},
        {"entity_type": "company", "filter": {"attribute": "company.city", "operator": "EQ", "value": "x"}},
        {"entity_type": "company", "colour": "red"},
    ):
        assert web.post(ANY, json=body).status_code == 400, body
    assert web.post(ANY, json={"entity_type": "planet"}).status_code == 404


def test_rights_are_the_same(reporting: Reporting, web: Any) -> None:
    def client(*scopes: str) -> Any:
        made = reporting.system.client("workspace").post("/api/v1/tokens", json={"name": "x", "scopes": list(scopes)})
        follow(reporting.system.runtime("workspace").db, reporting.db)
        return reporting.client(made.json["token"])

    question = {"entity_type": "company", "by": ["city"]}
    assert client("crm.reports.read").post(ANY, json=question).status_code == 403
    assert client("crm.objects.companies.read").post(ANY, json=question).status_code == 403
    some = client("crm.reports.read", "crm.objects.companies.read")
    assert some.post(ANY, json=question).status_code == 200
    assert some.post(ANY, json={**question, "by": ["contact.city"]}).status_code == 403


def test_groups_are_called_by_their_labels_where_one_may_see_them(reporting: Reporting, web: Any) -> None:
    workspace = reporting.system.client("workspace")
    values = {"email": "ada@x.test", "first_name": "Ada", "last_name": "Ott"}
    owner = workspace.post("/api/v1/objects/owners", json={"values": values}).json["id"]
    made = {"values": {"city": "Steyr", "industry": "BANKING", "owner_id": owner}}
    assert reporting.system.client("contacts").post(COMPANIES, json=made).status_code == 201
    reporting.catch_up("workspace")
    reporting.catch_up()
    question = {"entity_type": "company", "by": ["owner_id", "born"], "pivot": "industry"}
    question["dimensions"] = ["owner_id", "industry", {"name": "born", "attribute": "created_at", "bucket": "year"}]
    assert "labels" not in told(web, ANY, **question)
    found = told(web, f"{ANY}?labels=true", **question)
    assert found["labels"] == {"owner_id": {owner: "Ada Ott"}, "industry": {"BANKING": "Banking", "RETAIL": "Retail"}}
    assert found["dimensions"] == ["owner_id", "industry", "born"]
    kept = told(web, f"{PATH}/number/query?labels=true", by=["industry"])
    assert kept["labels"] == {"industry": {"BANKING": "Banking", "RETAIL": "Retail"}}
    scopes = ["crm.reports.read", "crm.objects.companies.read"]
    token = workspace.post("/api/v1/tokens", json={"name": "x", "scopes": scopes}).json["token"]
    follow(reporting.system.runtime("workspace").db, reporting.db)
    assert set(told(reporting.client(token), f"{ANY}?labels=true", **question)["labels"]) == {"industry"}
