"""Saved filters: their numbers are exact, of one moment, for who may see them; and what else is retired or refused."""

from __future__ import annotations

import base64
import random
from typing import Any

import pytest

from services.reporting import commands
from shared.service.jobs import work_off
from tests.factories.counting import own
from tests.integration.reporting.conftest import ADMIN, Reporting
from tests.integration.service.conftest import follow

PATH = "/reporting/v1/filters"
METRICS = "/reporting/v1/metrics"
COMPANIES = "/api/v1/objects/companies"
FILTERS: dict[str, dict[str, Any]] = {
    "vienna": {"attribute": "city", "operator": "EQ", "value": "Wien"},
    "homeless": {"attribute": "city", "operator": "NOT_HAS_PROPERTY"},
    "rich_or_far": {
        "or": [
            {"attribute": "annual_revenue", "operator": "GT", "value": 10},
            {"not": {"attribute": "city", "operator": "IN", "values": ["Wien", "Graz"]}},
        ]
    },
}


@pytest.fixture(scope="module")
def web(reporting: Reporting) -> Any:
    reporting.catch_up()
    client = reporting.client()
    for name, condition in FILTERS.items():
        body = {"name": name, "label": name.title(), "entity_type": "company", "filter": condition}
        made = client.post(PATH, json=body)
        assert (made.status_code, made.json["count"]) == (201, None), made.text
        assert made.headers["Location"] == f"{PATH}/{name}"
    work(reporting)
    return client


def work(reporting: Reporting) -> None:
    while work_off(reporting.app.extensions["crm"]):
        pass


def numbers(web: Any, query: str = "") -> dict[str, int | None]:
    found = web.get(PATH + query)
    assert found.status_code == 200, found.text
    return {one["name"]: one["count"] for one in found.json["results"]}


def searched(reporting: Reporting) -> dict[str, int]:
    """What the type's own query finds."""
    contacts = reporting.system.client("contacts")
    return {
        name: contacts.post(f"{COMPANIES}/query", json={"filter": condition, "limit": 1, "total": "exact"}).json[
            "total"
        ]
        for name, condition in FILTERS.items()
    }


def test_numbers_are_those_of_a_search_at_any_time(reporting: Reporting, web: Any) -> None:
    rng, contacts, here = random.Random(3), reporting.system.client("contacts"), []
    for _ in range(6):
        for _ in range(12):
            values = {
                "city": rng.choice(["Wien", "Graz", "北京", None]),
                "annual_revenue": rng.choice([None, "9", "11"]),
            }
            kind = rng.choice("ccud") if here else "c"
            if kind == "c":
                here.append(contacts.post(COMPANIES, json={"values": values}).json["id"])
            elif kind == "u":
                contacts.patch(f"{COMPANIES}/{rng.choice(here)}", json={"values": values})
            else:
                contacts.delete(f"{COMPANIES}/{here.pop()}")
        reporting.catch_up()
        assert numbers(web) == searched(reporting)
    assert sum(searched(reporting).values())
    one = web.get(f"{PATH}/vienna").json
    assert (one["count"], one["filter"], one["state"]) == (searched(reporting)["vienna"], FILTERS["vienna"], "ready")
    assert one["as_of"]


def test_a_changed_filter_shows_its_number_until_the_new_one_is_counted(reporting: Reporting, web: Any) -> None:
    assert (
        web.post(PATH, json={"name": "moving", "entity_type": "company", "filter": FILTERS["vienna"]}).status_code
        == 201
    )
    work(reporting)
    changed = web.patch(f"{PATH}/moving", json={"filter": FILTERS["homeless"]})
    assert (changed.status_code, changed.json["version"]) == (200, 2)
    assert numbers(web)["moving"] == numbers(web)["vienna"]
    work(reporting)
    assert numbers(web)["moving"] == numbers(web)["homeless"]
    assert web.delete(f"{PATH}/moving").status_code == 204
    assert "moving" not in numbers(web)
    assert web.get(f"{PATH}/moving").status_code == 404


def test_filters_are_no_metrics_and_metrics_no_filters(web: Any) -> None:
    assert web.get(METRICS).json["results"] == []
    refused = web.post(METRICS, json={"name": "filter:mine", "entity_type": "company"})
    assert refused.status_code == 400
    explained = web.post(f"{METRICS}/filter:vienna/explain", json={}).json["results"]
    assert len(explained) == numbers(web)["vienna"]


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x", "entity_type": "company"},
        {
            "name": "x",
            "entity_type": "company",
            "filter": {"attribute": "city", "operator": "SOUNDS_LIKE", "value": "x"},
        },
        {
            "name": "x",
            "entity_type": "company",
            "filter": {"attribute": "contact.city", "operator": "EQ", "value": "x"},
        },
        {"name": "X y", "entity_type": "company", "filter": FILTERS["vienna"]},
        {"name": "filter:x", "entity_type": "company", "filter": FILTERS["vienna"]},
        {"name": "x", "entity_type": "company", "filter": FILTERS["vienna"], "dimensions": ["city"]},
        {"name": "x", "filter": FILTERS["vienna"]},
    ],
    ids=range(7),
)
def test_what_is_refused(web: Any, body: dict[str, Any]) -> None:
    assert web.post(PATH, json=body).status_code == 400


def test_a_name_is_given_once(web: Any) -> None:
    body = {"name": "vienna", "entity_type": "company", "filter": FILTERS["vienna"]}
    assert web.post(PATH, json=body).status_code == 409
    assert web.patch(f"{PATH}/vienna", json={"name": "other"}).status_code == 400
    assert web.patch(f"{PATH}/nothing", json={"label": "other"}).status_code == 404
    assert web.delete(f"{PATH}/nothing").status_code == 404
    assert web.get(f"{PATH}?type=planet").status_code == 404


def test_numbers_are_for_those_who_may_read_the_entities(reporting: Reporting, web: Any) -> None:
    def client(*scopes: str) -> Any:
        made = reporting.system.client("workspace").post("/api/v1/tokens", json={"name": "x", "scopes": list(scopes)})
        follow(reporting.system.runtime("workspace").db, reporting.db)
        return reporting.client(made.json["token"])

    people = client("crm.reports.read", "crm.objects.contacts.read")
    assert numbers(people) == {}
    assert people.get(f"{PATH}?type=companies").status_code == 403
    assert people.get(f"{PATH}/vienna").status_code == 403
    firms = client("crm.reports.read", "crm.objects.companies.read")
    assert numbers(firms, "?type=companies") == numbers(web)
    assert firms.delete(f"{PATH}/vienna").status_code == 403
    assert client("crm.objects.companies.read").get(PATH).status_code == 403


def test_the_page_shows_them(reporting: Reporting, web: Any) -> None:
    browser = reporting.app.test_client()
    browser.environ_base["HTTP_AUTHORIZATION"] = "Basic " + base64.b64encode(f"me:{ADMIN}".encode()).decode()
    page = browser.get("/reporting/").text
    assert "Saved filters" in page
    assert f">{numbers(web)['vienna']}</a>" in page
    assert browser.get("/reporting/explanation?metric=filter%3Avienna").status_code == 200


def test_a_metric_is_not_retired_under_a_ratio(reporting: Reporting, web: Any) -> None:
    for name in ("over", "under"):
        assert web.post(METRICS, json={"name": name, "entity_type": "company"}).status_code == 201
    work(reporting)
    ratio = {"kind": "ratio", "numerator": "over", "denominator": "under"}
    assert web.post(METRICS, json={"name": "share", "measure": ratio}).status_code == 201
    nested = {"kind": "ratio", "numerator": "share", "denominator": "under"}
    assert web.post(METRICS, json={"name": "nested", "measure": nested}).status_code == 400
    refused = web.delete(f"{METRICS}/under")
    assert refused.status_code == 409
    assert "share" in refused.json["message"]
    assert web.post(f"{METRICS}/share/query", json={}).json["rows"][0]["value"] == "1"
    assert web.delete(f"{METRICS}/under?ratios=true").status_code == 204
    assert [one["name"] for one in web.get(METRICS).json["results"]] == ["over"]


def test_a_ratio_has_the_dimensions_that_both_have(reporting: Reporting, web: Any) -> None:
    for name, dimensions in (("wide", ["city", "industry"]), ("narrow", ["industry"])):
        assert (
            web.post(METRICS, json={"name": name, "entity_type": "company", "dimensions": dimensions}).status_code
            == 201
        )
    work(reporting)
    ratio = {"kind": "ratio", "numerator": "wide", "denominator": "narrow"}
    assert web.post(METRICS, json={"name": "both", "measure": ratio, "unit": "percent"}).status_code == 201
    found = web.post(f"{METRICS}/both/query", json={"by": ["industry"]}).json
    assert (found["unit"], {row["value"] for row in found["rows"]}) == ("percent", {"1"})
    assert web.post(f"{METRICS}/both/query", json={"by": ["city"]}).status_code == 400


def test_what_lags_behind_says_so_and_what_to_do(
    reporting: Reporting, web: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.reporting.answering.PATIENCE", 0.05)
    for found in (web.post(f"{METRICS}/wide/query?fresh=strong", json={}), web.get(f"{PATH}?fresh=strong")):
        assert found.status_code == 503
        assert "fresh=any" in found.json["message"]


def test_a_type_by_another_of_its_names_is_kept_like_any_other(reporting: Reporting, web: Any) -> None:
    condition = {"attribute": "city", "operator": "EQ", "value": "Hallein"}
    made = web.post(PATH, json={"name": "plural", "entity_type": "companies", "filter": condition})
    assert (made.status_code, made.json["entity_type"]) == (201, "company")
    for name, entity_type in (("by_plural", "companies"), ("by_label", "Company")):
        made = web.post(METRICS, json={"name": name, "entity_type": entity_type, "filter": condition})
        assert (made.status_code, made.json["entity_type"]) == (201, "company"), made.text
    work(reporting)
    # As it was stored before types were named by their own name: one that serves, one that is being filled.
    web.post(METRICS, json={"name": "half", "entity_type": "company", "filter": condition})
    with reporting.db.transaction() as connection:
        connection.run("""update metric set entity_type = 'companies',
            definition = jsonb_set(definition, '{entity_type}', '"companies"') where name in ('by_plural', 'half')""")
    reporting.system.client("contacts").post(COMPANIES, json={"values": {"city": "Hallein"}})
    reporting.catch_up()
    assert commands.name_types(reporting.db, reporting.projections) == 2
    assert commands.name_types(reporting.db, reporting.projections) == 0, "they are being filled"
    work(reporting)
    assert commands.name_types(reporting.db, reporting.projections) == 0
    reporting.system.client("contacts").post(COMPANIES, json={"values": {"city": "Hallein"}})
    reporting.catch_up()
    assert numbers(web)["plural"] == 2
    for name in ("by_plural", "by_label", "half"):
        found = web.post(f"{METRICS}/{name}/query", json={}).json
        assert (found["rows"][0]["value"], found["as_of"] is None) == ("2", False), name
    web.delete(f"{PATH}/plural")
    for name in ("by_plural", "by_label", "half"):
        web.delete(f"{METRICS}/{name}")


def test_listing_metrics_costs_the_same_however_many_there_are(reporting: Reporting, web: Any) -> None:
    def listed() -> int:
        with reporting.app.extensions["crm"].db.counted() as statements:
            assert web.get(METRICS).status_code == 200
        return len(own(statements))

    listed()
    few = listed()
    made = []
    for number in range(3):
        body = {"name": f"many_{number}", "entity_type": "company"}
        assert web.post(METRICS, json=body).status_code == 201
        ratio = {"kind": "ratio", "numerator": f"many_{number}", "denominator": f"many_{number}"}
        assert web.post(METRICS, json={"name": f"many_shares_{number}", "measure": ratio}).status_code == 201
        made.append(f"many_{number}")
    try:
        assert listed() == few
    finally:
        for name in made:
            assert web.delete(f"{METRICS}/{name}?ratios=true").status_code == 204
