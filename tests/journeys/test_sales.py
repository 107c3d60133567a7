"""A book of sales comes in through the command line, with the instants at which everything happened; then reports say
what can be calculated from the files alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local.waiting import wait_until
from tests.journeys.asking import count, outcomes, strong
from tests.journeys.sales_book import ENGAGING, LOST, PROSPECTING, WON, SalesBook, product, quarter, sales_book

PIPELINE = "Engagements"
STAGES = ((PROSPECTING, "0.1"), (ENGAGING, "0.4"), (WON, "1.0"), (LOST, "0.0"))
GROUPS = {
    "agent": lambda row, _book: row["sales_agent"],
    "office": lambda row, book: book.offices[row["sales_agent"]],
    "product": lambda row, _book: product(row),
    "quarter": lambda row, _book: quarter(row),
    "sector": lambda row, book: _sectors(book).get(row["account"]),
}
DIMENSIONS = [
    {"name": "agent", "attribute": "owner.name"},
    {"name": "office", "attribute": "owner.team_id"},
    {"name": "product", "attribute": "product.name"},
    {"name": "quarter", "attribute": "closes_at", "bucket": "quarter"},
    {"name": "sector", "attribute": "company.sector"},
]
SECONDS = 60


def _sectors(book: SalesBook) -> dict[str, str]:
    return {row["account"]: row["sector"] for row in book.accounts.rows}


@pytest.fixture(scope="module")
def book(folder: Path) -> SalesBook:
    return sales_book(folder)


@pytest.fixture(scope="module")
def stages(http: httpx.Client) -> Mapping[str, str]:
    """The ids of the stages of a pipeline as the files have it, by label."""
    drafts = [
        {"label": label, "displayOrder": place, "metadata": {"probability": chance}}
        for place, (label, chance) in enumerate(STAGES)
    ]
    made = http.post("/crm/v3/pipelines/deals", json={"label": PIPELINE, "displayOrder": 1, "stages": drafts})
    assert made.status_code == 201, made.text
    return {one["label"]: one["id"] for one in made.json()["stages"]}


@pytest.fixture(scope="module")
def imported(crm: Callable[..., Any], book: SalesBook, stages: Mapping[str, str]) -> None:
    """Everything imported: people and firms, then every opportunity as it began, then as it ended."""
    teams = str(book.teams.path)
    offices = "--key", "regional_office", "--map", "regional_office=name", "--ignore", "sales_agent"
    crm("import", teams, "--type", "teams", *offices, "--ignore", "manager")
    agents = "--key", "sales_agent", "--map", "sales_agent=name", "--map", "regional_office=team_id"
    told = crm("import", teams, "--type", "owners", *agents, "--create-attributes")
    assert outcomes(told) == (len(book.teams.rows), 0, 0, 0)
    crm("import", str(book.accounts.path), "--type", "companies", "--key", "account", "--create-attributes")
    things = "--key", "product", "--map", "product=name", "--map", "sales_price=price", "--create-attributes"
    crm("import", str(book.products.path), "--type", "products", *things)
    crm("attributes", "add", "deals", "Opportunity ID", "--unique")
    began = {WON: ENGAGING, LOST: ENGAGING}
    told = crm(*_deals(book, stages, began), "--map", "sales_agent=owner_id", "--effective-at", "engage_date",
               "--link", "product=product.name", "--value", "product:GTXPro=GTX Pro", "--link", "account=company.name",
               "--ignore", "close_date", "--ignore", "close_value")  # fmt: skip
    assert outcomes(told) == (len(book.deals.rows), 0, 0, 0)
    told = crm(*_deals(book, stages, {}), "--map", "close_date=closes_at", "--map", "close_value=amount",
               "--effective-at", "close_date", "--ignore", "sales_agent", "--ignore", "product", "--ignore", "account",
               "--ignore", "engage_date")  # fmt: skip
    ended = book.standing(WON) + book.standing(LOST)
    assert outcomes(told) == (0, ended, len(book.deals.rows) - ended, 0)


def _deals(book: SalesBook, stages: Mapping[str, str], instead: Mapping[str, str]) -> list[str]:
    """The words of an import of the opportunities; instead: stages that stand for others."""
    meant = [f"deal_stage:{label}={stages[instead.get(label, label)]}" for label, _ in STAGES]
    values = [word for one in meant for word in ("--value", one)]
    words = ["--type", "deals", "--key", "opportunity_id", "--map", "opportunity_id=Opportunity ID"]
    words += ["--set", f"pipeline={PIPELINE}", "--map", "deal_stage=stage", "--date-format", "MDY"]
    return ["import", str(book.deals.path), *words, *values]


@pytest.mark.usefixtures("imported")
def test_every_opportunity_is_a_deal_where_it_stands(http: httpx.Client, book: SalesBook, stages: Mapping[str, str]):
    for label, ident in stages.items():
        assert count(http, "deals", {"attribute": "stage", "operator": "EQ", "value": ident}) == book.standing(label)
    nobody = {"attribute": "associations.company", "operator": "NOT_HAS_PROPERTY"}
    assert count(http, "deals", nobody) == sum(not row["account"] for row in book.deals.rows)


@pytest.mark.usefixtures("imported")
def test_a_deal_knows_when_it_came_where(http: httpx.Client, book: SalesBook, stages: Mapping[str, str]):
    row = next(one for one in book.deals.rows if one["deal_stage"] == WON)
    path = f"/api/v1/objects/deals/{row['opportunity_id']}"
    deal = http.get(path, params={"by": "opportunity_id", "attributes": "*"}).json()
    visits = http.get(f"/api/v1/objects/deals/{deal['id']}/visits").json()["results"]
    assert [one["stage"] for one in visits] == [stages[ENGAGING], stages[WON]]
    assert [one["entered_at"][:10] for one in visits] == [_day(row["engage_date"]), _day(row["close_date"])]


def _day(text: str) -> str:
    month, day, year = text.split("/")
    return f"{year}-{int(month):02}-{int(day):02}"


@pytest.mark.usefixtures("imported")
@pytest.mark.parametrize("group", list(GROUPS))
def test_reports_equal_the_files(http: httpx.Client, book: SalesBook, won: Mapping[str, str], group: str):
    expected = book.won(lambda row: GROUPS[group](row, book))
    number, total = (_report(http, won[name], group) for name in ("count", "sum"))
    assert {key: (number[key], total[key]) for key in number} == expected
    if book.deals.real:
        assert (sum(number.values()), sum(total.values())) == (4238, 10_005_534)


@pytest.fixture(scope="module")
def won(http: httpx.Client, imported: None) -> Mapping[str, str]:
    """Metrics of what was won: number and sum."""
    names = {}
    for kind, measure in (("count", {"kind": "count"}), ("sum", {"kind": "sum", "attribute": "amount"})):
        names[kind] = f"book_{kind}"
        body = {"name": names[kind], "label": names[kind], "entity_type": "deal", "measure": measure,
                "dimensions": DIMENSIONS, "filter": {"attribute": "is_won", "operator": "EQ", "value": True},
                "time": {"attribute": "closes_at", "time_zone": "UTC"}}  # fmt: skip
        made = http.post("/reporting/v1/metrics", json=body)
        assert made.status_code == 201, made.text
    for name in names.values():
        assert wait_until(
            lambda name=name: http.get(f"/reporting/v1/metrics/{name}").json()["state"] == "ready", SECONDS
        )
    return names


def _report(http: httpx.Client, name: str, group: str) -> dict[str | None, Any]:
    """Group, as people read it -> its number."""
    answer = strong(http, f"/reporting/v1/metrics/{name}/query", {"by": [group]})
    meaning = _teams(http) if group == "office" else {}
    rows = ((one["group"][group], one["value"]) for one in answer.json()["rows"])
    return {meaning.get(text, text): Decimal(value) for text, value in rows}


def _teams(http: httpx.Client) -> dict[str, str]:
    return {one["id"]: one["values"]["name"] for one in http.get("/api/v1/objects/teams").json()["results"]}
