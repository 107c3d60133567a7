"""What changed a number, by cause: the parts sum exactly, for every group, whatever happened."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from services.reporting.domain.exact import minus, total
from services.reporting.metrics import store
from tests.integration.reporting.conftest import Reporting
from tests.integration.reporting.test_projections import (  # noqa: F401
    BY_STATUS,
    REVENUE,
    assert_exact,
    define,
    metrics,
    work,
)

pytestmark = pytest.mark.usefixtures("metrics")
PATH = "/reporting/v1/metrics"


def told(reporting: Reporting, name: str, **body: Any) -> dict[str, Any]:
    found = reporting.client().post(f"{PATH}/{name}/changes", json=body)
    assert found.status_code == 200, found.text
    parts = total(Decimal(part["value"]) for part in found.json["parts"])
    assert minus(Decimal(found.json["after"]), Decimal(found.json["before"])) == parts
    return {part["cause"]: part for part in found.json["parts"]}


@pytest.mark.parametrize("seed", [21, 22])
def test_parts_sum_exactly_for_every_group(reporting: Reporting, seed: int) -> None:
    work(reporting, seed)
    reporting.catch_up()
    for name in ("contacts_by_status", "revenue"):
        everything = told(reporting, name, period="last 2 days")
        assert "new" in everything
        for status in ("NEW", "OPEN", None):
            told(reporting, name, period="last 2 days", group={"lead_status": status})


def test_each_cause_has_its_name(reporting: Reporting) -> None:
    web = reporting.system.client("contacts")
    group = {"city": "Nowhere"}

    def before() -> dict[str, int]:
        reporting.catch_up()
        return {cause: part["n"] for cause, part in told(reporting, "contacts_by_status", group=group).items()}

    assert before() == {}
    made = web.post("/api/v1/objects/companies", json={"values": {"city": "Nowhere", "annual_revenue": "5"}}).json["id"]
    other = web.post("/api/v1/objects/companies", json={"values": {"city": "Wien"}}).json["id"]
    assert before() == {"new": 1}
    web.patch(f"/api/v1/objects/companies/{other}", json={"values": {"city": "Nowhere"}})
    assert before() == {"new": 1, "moved in": 1}
    web.patch(f"/api/v1/objects/companies/{other}", json={"values": {"city": "Wien"}})
    assert before() == {"new": 1, "moved in": 1, "moved out": -1}
    web.patch(f"/api/v1/objects/companies/{made}", json={"values": {"annual_revenue": "8"}})
    reporting.catch_up()
    assert told(reporting, "revenue", group={})["value changed"]["n"] == 0
    web.delete(f"/api/v1/objects/companies/{made}")
    assert before()["archived"] == -1
    web.post(f"/api/v1/objects/companies/{made}/restore", json={})
    assert before()["restored"] == 1


def test_what_a_merge_took_away_is_no_archiving(reporting: Reporting) -> None:
    web, group = reporting.system.client("contacts"), {"city": "Mergeville"}
    bodies = ({"city": "Mergeville", "annual_revenue": "5"}, {"city": "Mergeville"}, {"city": "Mergeville"})
    survivor, absorbed, archived = (
        web.post("/api/v1/objects/companies", json={"values": body}).json["id"] for body in bodies
    )
    assert web.post(f"/api/v1/objects/companies/{survivor}/merge", json={"absorb": [absorbed]}).status_code == 200
    assert web.delete(f"/api/v1/objects/companies/{archived}").status_code == 204
    reporting.catch_up()
    found = told(reporting, "contacts_by_status", group=group)
    assert {cause: one["n"] for cause, one in found.items()} == {"new": 3, "merged": -1, "archived": -1}
    assert found["merged"]["entities"] == [absorbed]
    assert web.post(f"/api/v1/objects/companies/{survivor}/unmerge", json={}).status_code == 200
    reporting.catch_up()
    found = told(reporting, "contacts_by_status", group=group)
    assert {cause: one["n"] for cause, one in found.items()} == {"new": 3, "merged": 0, "archived": -1}
    assert_exact(reporting)


def test_small_amounts_beside_huge_ones_are_not_lost(reporting: Reporting) -> None:
    """Numbers have up to 38 digits, of which Python's decimals lose ten by default."""
    web, status = reporting.system.client("contacts"), "ATTEMPTED_TO_CONTACT"
    for amount in ("10000000000000000000000000000000000000", "-5", "0.000000000000000001"):
        values = {"city": "Hugetown", "lead_status": status, "annual_revenue": amount}
        assert web.post("/api/v1/objects/companies", json={"values": values}).status_code == 201
    reporting.catch_up()
    exact, where = "9999999999999999999999999999999999995.000000000000000001", {"lead_status": status}
    kept = reporting.client().post(f"{PATH}/revenue/query", json={"where": where}).json["rows"]
    assert [row["value"] for row in kept] == [exact]
    raw = {"entity_type": "company", "measure": REVENUE["measure"], "where": where, "by": []}
    asked = reporting.client().post("/reporting/v1/query", json=raw).json["rows"]
    assert [row["value"] for row in asked] == [exact]
    assert told(reporting, "revenue", group=where)["new"]["value"] == exact
    assert reporting.client().post(f"{PATH}/revenue/verify").json["wrong"] == []


def test_another_definition_is_a_cause(reporting: Reporting) -> None:
    name, web = "redefined", reporting.client()
    first = define(reporting, {**BY_STATUS, "name": name})
    while reporting.fill(first.id):
        pass
    work(reporting, 23, 20)
    reporting.catch_up()
    only = {"filter": {"attribute": "city", "operator": "HAS_PROPERTY"}}
    assert web.patch(f"{PATH}/{name}", json=only).status_code == 200
    with reporting.db.connect() as connection:
        second = store.find(connection, name, (store.BACKFILLING,))
    assert second is not None
    while reporting.fill(second.id):
        pass
    # All of it as if it had been yesterday, but for the change of the definition.
    with reporting.db.connect() as connection:
        connection.run("update metric set ready_at = ready_at - interval '2 days' where id = %s", (first.id,))
        connection.run("update cell set day = day - 1 where metric_id = any(%s)", ([first.id, second.id],))
        connection.run("update fact_version set at = at - interval '1 day'")
    try:
        found = told(reporting, name, period="today")
        assert set(found) == {"definition changed"}
        assert int(found["definition changed"]["n"]) < 0
        told(reporting, name, period="today", group={"city": None})
    finally:
        with reporting.db.connect() as connection:
            connection.run("update fact_version set at = at + interval '1 day'")


def test_what_does_not_add_up_is_refused(reporting: Reporting) -> None:
    found = reporting.client().post(f"{PATH}/highest/changes", json={})
    assert (found.status_code, found.json["errors"][0]["code"]) == (400, "NOT_ADDITIVE")
    assert reporting.client().post(f"{PATH}/revenue/changes", json={"period": "once"}).status_code == 400
    assert reporting.client().post(f"{PATH}/revenue/changes", json={"group": {"town": "x"}}).status_code == 400


def test_repairs_are_told(reporting: Reporting) -> None:
    with reporting.db.transaction() as connection:
        sql = "update cell set n = n + 3 where metric_id = (select id from metric where name = 'contacts_by_status')"
        assert connection.run(sql + " and dims = (select dims from cell limit 1)") >= 0
        connection.run(
            "insert into cell select id, array['NEW', 'Ghost'], current_date, 7, 0, 0 from metric"
            " where name = 'contacts_by_status'"
        )
    found = reporting.client().post(f"{PATH}/contacts_by_status/verify?repair=true").json
    assert {"lead_status": "NEW", "city": "Ghost"} in [one["group"] for one in found["wrong"]]
    assert reporting.client().post(f"{PATH}/contacts_by_status/verify").json["wrong"] == []
    told(reporting, "contacts_by_status", group={"city": "Ghost"})
    told(reporting, "contacts_by_status")
