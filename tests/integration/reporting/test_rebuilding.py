"""A metric built anew beside the one that serves, compared and swapped; the replica compared with its home."""

from __future__ import annotations

from typing import Any

import pytest

from services.reporting import rebuilding, verifying
from services.reporting.metrics import store
from shared.bus.client import DirectSource
from shared.bus.consumer import pull
from shared.service.jobs import work_off
from tests.integration.reporting.conftest import Reporting
from tests.integration.reporting.test_checking import FACT, damage, one_of
from tests.integration.reporting.test_projections import assert_exact, metrics, work  # noqa: F401

PATH = "/reporting/v1/metrics/contacts_by_status"
REPLICA = "/reporting/v1/replica/contacts/rebuild"
pytestmark = pytest.mark.usefixtures("metrics")


@pytest.fixture(autouse=True)
def reached(reporting: Reporting, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sources are asked through their apps, and their logs followed by hand."""

    def asker(_settings: Any, source: str) -> Any:
        web = reporting.system.client(source)
        return lambda path: web.get(path).json

    monkeypatch.setattr(rebuilding, "asker", asker)
    monkeypatch.setattr(verifying, "wait", lambda _db, source, _moment: reporting.catch_up(source))
    work(reporting, 41, 20)
    reporting.catch_up()


def worked_off(reporting: Reporting) -> None:
    while work_off(reporting.app.extensions["crm"]):
        pass


def asked(reporting: Reporting) -> dict[str, Any]:
    found = reporting.client().post(f"{PATH}/query", json={"by": ["lead_status", "city"]})
    assert found.status_code == 200, found.text
    body: dict[str, Any] = found.json
    return body


def days(reporting: Reporting) -> list[Any]:
    with reporting.db.connect() as connection:
        [metric] = [one for one in store.listed(connection, (store.READY,)) if one.name == "contacts_by_status"]
        sql = "select dims, day, n, m, s from cell where metric_id = %s and n <> 0 order by dims, day"
        return connection.rows(sql, (metric.id,))


def test_it_is_filled_beside_compared_and_takes_over(reporting: Reporting) -> None:
    web, before, ledger = reporting.client(), asked(reporting), days(reporting)
    assert web.get(f"{PATH}/rebuild").status_code == 404
    begun = web.post(f"{PATH}/rebuild")
    assert (begun.status_code, begun.json["state"]) == (202, "filling")
    assert begun.json["left"] == begun.json["entities"] > 0
    assert web.post(f"{PATH}/rebuild").status_code == 409
    assert asked(reporting)["rows"] == before["rows"], "reads go on"
    worked_off(reporting)
    done = web.get(f"{PATH}/rebuild").json
    assert (done["state"], done["left"]) == ("ready", 0)
    assert done["comparison"] == {
        "version": before["definition_version"],
        "groups": len(before["rows"]),
        "differing": 0,
        "examples": [],
        "days_differing": 0,
    }
    after = asked(reporting)
    assert (after["rows"], after["definition_version"]) == (before["rows"], begun.json["version"])
    assert days(reporting) == ledger
    assert_exact(reporting)


def test_while_events_come(reporting: Reporting) -> None:
    web, feeds = reporting.client(), DirectSource({"contacts": reporting.contacts.feed})
    begun = web.post(f"{PATH}/rebuild").json
    with reporting.db.connect() as connection:
        made = store.find(connection, "contacts_by_status", (store.BACKFILLING,))
    assert made is not None
    rounds = 0
    while reporting.fill(made.id, entities=5):
        rounds += 1
        work(reporting, 100 + rounds, 2)
        pull(reporting.db, feeds, reporting.subscription(limit=2))
        assert asked(reporting)["definition_version"] == begun["version"] - 1
    reporting.catch_up()
    assert web.get(f"{PATH}/rebuild").json["comparison"]["differing"] == 0
    assert_exact(reporting)


def test_wrong_cells_are_told_and_gone(reporting: Reporting) -> None:
    with reporting.db.connect() as connection:
        sql = "where metric_id = (select id from metric where state = 'ready' and name = 'contacts_by_status')"
        dims = connection.row(f"select dims from total {sql} and n > 0 limit 1")
        assert dims is not None
        connection.run(f"update total set n = n + 3 {sql} and dims = %s", dims)
    web = reporting.client()
    web.post(f"{PATH}/rebuild")
    worked_off(reporting)
    found = web.get(f"{PATH}/rebuild").json["comparison"]
    assert (found["differing"], found["examples"]) == (1, [dims[0]])
    assert web.post(f"{PATH}/verify").json["wrong"] == []
    assert_exact(reporting)
    with reporting.db.connect() as connection:
        assert connection.row("select repaired from repair where what = 'metric contacts_by_status'") == (True,)


def test_days_gone_by_stay_as_they_were_told(reporting: Reporting) -> None:
    """An erased entity's values are gone, and no replay can know what it once added; the ledger does."""
    web = reporting.system.client("contacts")
    made = web.post("/api/v1/objects/companies", json={"values": {"city": "Gone", "lead_status": "NEW"}}).json["id"]
    reporting.catch_up()
    with reporting.db.connect() as connection:
        connection.run("update cell set day = day - 1")
    damage(reporting, f"update fact_version set changed = '{{}}' {FACT}", int(made))
    ledger = days(reporting)
    reporting.client().post(f"{PATH}/rebuild")
    worked_off(reporting)
    assert reporting.client().get(f"{PATH}/rebuild").json["comparison"]["days_differing"] > 0
    assert days(reporting) == ledger


def test_a_ratio_is_made_of_others(reporting: Reporting) -> None:
    web = reporting.client()
    measure = {"kind": "ratio", "numerator": "revenue", "denominator": "revenue"}
    assert web.post("/reporting/v1/metrics", json={"name": "share", "measure": measure}).status_code == 201
    assert web.post("/reporting/v1/metrics/share/rebuild").status_code == 400
    assert web.post("/reporting/v1/metrics/nothing/rebuild").status_code == 404


def test_the_replica_is_compared_with_its_home_entity_by_entity(reporting: Reporting) -> None:
    web = reporting.client()
    assert web.get(REPLICA).status_code == 404
    assert web.post("/reporting/v1/replica/nobody/rebuild").status_code == 404
    flipped, lost = one_of(reporting), 0
    damage(reporting, f'update fact set values = values || \'{{"9999": "x"}}\' {FACT}', flipped)
    with reporting.db.connect() as connection:
        row = connection.row("delete from fact where id = (select max(id) from fact where not archived) returning id")
        assert row is not None
        lost = row[0]
    assert web.post(REPLICA).json == {"started": True}
    assert web.post(REPLICA).json == {"started": False}
    worked_off(reporting)
    found = web.get(REPLICA).json
    assert (found["state"], found["repaired"]) == ("done", 2)
    assert found["entities"] >= found["of"] - 1
    assert sorted(found["differences"]) == sorted([
        f"company {flipped} is damaged here", f"company {lost} is missing here"
    ])  # fmt: skip
    reporting.catch_up()
    web.post(REPLICA)
    worked_off(reporting)
    assert web.get(REPLICA).json["repaired"] == 0
