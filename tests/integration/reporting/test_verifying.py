"""Everything verified at once, as slow work: sources, accounts, metrics; damage is told, repaired, and noted."""

from __future__ import annotations

from typing import Any

import pytest

from services.reporting import verifying
from services.reporting.jobs import verify_when_due
from shared.bus.client import DirectSource
from shared.bus.consumer import pull
from shared.bus.dead_letters import letters
from shared.service.jobs import work_off
from tests.integration.reporting.conftest import Reporting
from tests.integration.reporting.test_checking import FACT, damage, one_of
from tests.integration.reporting.test_projections import assert_exact, metrics, work  # noqa: F401

PATH = "/reporting/v1/verify"
pytestmark = pytest.mark.usefixtures("metrics")


@pytest.fixture(autouse=True)
def reached(reporting: Reporting, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sources are asked through their apps, and their logs followed by hand."""

    def asker(_settings: Any, source: str) -> Any:
        web = reporting.system.client(source)
        return lambda path: web.get(path).json

    monkeypatch.setattr(verifying, "asker", asker)
    monkeypatch.setattr("services.reporting.jobs.SOURCES", ("workspace", "contacts"))
    monkeypatch.setattr(verifying, "wait", lambda _db, source, _moment: reporting.catch_up(source))
    work(reporting, 31, 20)
    for source in ("workspace", "contacts"):
        reporting.catch_up(source)


def verified(reporting: Reporting, query: str = "") -> dict[str, Any]:
    web = reporting.client()
    assert web.post(f"{PATH}{query}").json == {"started": True}
    assert web.post(PATH).json == {"started": False}
    while work_off(reporting.app.extensions["crm"]):
        pass
    found: dict[str, Any] = web.get(PATH).json
    return found


def test_all_is_right_and_the_accounts_balance(reporting: Reporting) -> None:
    found = verified(reporting)
    assert found["right"] is True
    assert {one["source"] for one in found["accounts"]} == {"workspace", "contacts"}
    assert all(one["produced"] == one["applied"] + one["put_aside"] + one["skipped"] for one in found["accounts"])
    assert found["sources"]["contacts"]["entities"] > 0
    assert all(one["wrong"] == 0 for one in found["metrics"].values())


def test_damage_is_told_repaired_and_noted(reporting: Reporting) -> None:
    ident = one_of(reporting)
    damage(reporting, f"update fact set checksum = checksum # 1 {FACT}", ident)
    with reporting.db.transaction() as connection:
        connection.run(
            "update total set n = n + 1 where metric_id = (select min(id) from metric where state = 'ready')"
        )
    found = verified(reporting)
    assert found["right"] is False
    assert found["sources"]["contacts"]["differences"] == [f"company {ident} is damaged here"]
    assert set(found["metrics"]["contacts_by_status"]["cells"][0]["group"]) == {"lead_status", "city"}
    repaired = verified(reporting, "?repair=true")
    assert repaired["sources"]["contacts"]["repaired"] == 1
    assert (repaired["right"], repaired["after_repair"]["metrics"]["contacts_by_status"]["wrong"]) == (True, 0)
    assert_exact(reporting)
    page = reporting.client().get("/reporting/v1/repairs?limit=2").json
    assert [one["repaired"] for one in page["results"]] == [True, True]
    assert {one["what"] for one in page["results"]} == {"replica of contacts", "metric contacts_by_status"}
    [cells] = [one["found"]["cells"] for one in page["results"] if one["what"].startswith("metric")]
    assert (cells[0]["in"], cells[0]["stored"]["n"] - cells[0]["right"]["n"]) == ("total", 1)
    rest = reporting.client().get(f"/reporting/v1/repairs?limit=2&after={page['next_after']}").json["results"]
    assert next(one["repaired"] for one in rest if one["what"] == "metric contacts_by_status") is False
    with reporting.db.connect() as connection:
        noted = {row[0] for row in connection.rows("select what from repair where repaired")}
    assert {"replica of contacts", "metric contacts_by_status"} <= noted


def test_metrics_are_not_put_right_by_a_replica_that_is_not_proven(reporting: Reporting) -> None:
    ident = one_of(reporting)
    table = f"eav_entity_{reporting.contacts.catalog.type('company').table}"
    flip = f"update {table} set checksum = checksum # 4096 where id = %s"
    with reporting.contacts.db.connect() as connection:
        connection.run(flip, (ident,))
    damage(reporting, f"update fact set archived = true {FACT}", ident)
    found = verified(reporting, "?repair=true")
    assert (found["right"], found["sources"]["contacts"]["unproven"]) == (False, 1)
    assert "contacts_by_status" in found["held_back"]
    with reporting.db.connect() as connection:
        line = f"company {ident} is damaged there"
        assert connection.rows("select repaired from repair where detail = %s", (line,)) == [(False,)]
    with reporting.contacts.db.connect() as connection:
        connection.run(flip, (ident,))
    found = verified(reporting, "?repair=true")
    assert found["sources"]["contacts"]["differences"] == [f"company {ident} is damaged here"]
    # The cells were right all along.
    assert all(one["wrong"] == 0 for one in found["metrics"].values())
    assert verified(reporting)["right"] is True
    assert_exact(reporting)


def test_what_was_put_aside_is_brought_to_the_present_and_goes_on(reporting: Reporting) -> None:
    ident, web = one_of(reporting), reporting.system.client("contacts")

    def change(status: str) -> None:
        sent = web.patch(f"/api/v1/objects/companies/{ident}", json={"values": {"lead_status": status}})
        assert sent.status_code == 200

    def failing(connection: Any, events: Any) -> None:
        if any(one.entity_id == ident for one in events):
            raise ValueError("poison")
        reporting.projections.apply(connection, "contacts", events)

    change("OPEN")
    change("NEW")
    feeds = DirectSource({"contacts": reporting.contacts.feed})
    while pull(reporting.db, feeds, reporting.subscription("contacts", handler=failing), one_by_one=True).behind:
        pass
    change("OPEN")
    assert f"company {ident} is older here" in verified(reporting)["sources"]["contacts"]["differences"]
    verified(reporting, "?repair=true")
    with reporting.db.connect() as connection:
        assert letters(connection, "reporting.contacts") == []
    change("NEW")
    reporting.catch_up()
    assert verified(reporting)["right"] is True
    assert_exact(reporting)


def test_lost_versions_are_told_and_come_back(reporting: Reporting) -> None:
    ident = one_of(reporting)
    damage(reporting, f"delete from fact_version {FACT} and version = 1", ident)
    told = verified(reporting, "?repair=true")["sources"]["contacts"]
    assert (told["differences"], told["repaired"]) == ([f"version 1 of company {ident} is missing here"], 1)
    assert verified(reporting)["right"] is True


def test_a_list_that_is_cut_says_so() -> None:
    lines = [f"line {n}" for n in range(verifying.MOST_TOLD + 3)]
    assert verifying.told(lines)[-1] == "and 3 more"
    assert len(verifying.told(lines)) == verifying.MOST_TOLD + 1
    assert verifying.told(lines[:2]) == lines[:2]


def test_it_is_due_once_an_hour(reporting: Reporting) -> None:
    verified(reporting)
    assert verify_when_due(reporting.db) == 0
    with reporting.db.connect() as connection:
        connection.run("update verification set at = at - interval '2 hours'")
    assert verify_when_due(reporting.db) == 1
    assert verify_when_due(reporting.db) == 0
    while work_off(reporting.app.extensions["crm"]):
        pass
    assert verify_when_due(reporting.db) == 0
