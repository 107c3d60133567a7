"""What is counted of the desk from the start: every metric can be filled, deadlines are ranges, surfaces agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from services.reporting import suggesting, verifying
from services.reporting.backfill import backfill
from services.reporting.manifest import MANIFEST as REPORTING
from services.reporting.metrics import store
from services.reporting.projections import Projections
from services.service_desk.metrics import METRICS as BY_TYPE
from services.service_desk.satisfaction import surveys
from shared.bus.client import DirectSource
from shared.bus.consumer import Subscription, pull
from shared.kernel.clock import iso, now
from tests.integration.service.conftest import ADMIN, application
from tests.integration.service_desk.conftest import Desk, serving
from tests.integration.service_desk.test_promises import HOUR, ago, promised, sweep  # noqa: F401 (a fixture)

PATH = "/reporting/v1/metrics"
METRICS = [one for several in BY_TYPE.values() for one in several]
SOON = "now..now+2h"


class Counted:
    """Reporting that follows the desk alone, by hand."""

    def __init__(self, app: Any, desk: Desk) -> None:
        self.db, self.projections, self.desk = app.extensions["crm"].db, Projections(), desk
        self.client = app.test_client()
        self.client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {ADMIN}"

    def catch_up(self) -> None:
        def handle(connection: Any, events: Any) -> None:
            self.projections.apply(connection, "service_desk", events)

        feeds = DirectSource({"service_desk": self.desk.runtime.feed})
        subscription = Subscription("reporting.service_desk", "service_desk", handle)
        while pull(self.db, feeds, subscription).behind:
            pass

    def fill(self) -> None:
        """What jobs would do."""
        with self.db.connect() as connection:
            filling = [one.id for one in store.listed(connection) if one.state == store.BACKFILLING]
        for ident in filling:
            with self.db.transaction() as connection:
                assert not backfill(connection, self.projections, ident)

    def rows(self, metric: str, **question: Any) -> dict[tuple[Any, ...], str | None]:
        answer = self.client.post(f"{PATH}/{metric}/query", json=question)
        assert answer.status_code == 200, answer.text
        return {tuple(one["group"].values()): one["value"] for one in answer.json["rows"]}

    def explained(self, metric: str, **group: Any) -> set[str]:
        answer = self.client.post(f"{PATH}/{metric}/explain", json={"group": group})
        assert answer.status_code == 200, answer.text
        return {one["id"] for one in answer.json["results"]}


@pytest.fixture(scope="module")
def desk(new_database: Callable[[], str], redis_url: str) -> Iterator[Desk]:
    with serving(new_database, redis_url) as found:
        yield found


@pytest.fixture(scope="module")
def counted(desk: Desk, promised: None, new_database: Any, redis_url: str) -> Iterator[Counted]:  # noqa: F811
    with pytest.MonkeyPatch.context() as monkeypatch:
        app = application(REPORTING, new_database(), redis_url, monkeypatch)
        app.extensions["crm"].own.recent.window = 0.0
        found = Counted(app, desk)
        found.catch_up()
        yield found
        found.db.dispose()


@pytest.fixture(scope="module")
def tickets(counted: Counted, desk: Desk) -> dict[str, str]:
    """Two that end soon, one later, one closed, one of them opened again; the metrics are filled from them."""
    made = {
        "urgent": desk.ticket(priority="HIGH"),
        "late": desk.ticket(at=ago(3)),
        "new": desk.ticket(),
        "closed": desk.ticket(at=ago(30)),
        "again": desk.ticket(at=ago(2)),
    }
    for name in ("closed", "again"):
        desk.write(made[name], stage="4")
    desk.write(made["again"], stage="1")
    sweep(desk.runtime.db)
    counted.catch_up()
    assert suggesting.define_suggested(counted.db, counted.projections) == len(METRICS)
    counted.fill()
    return made


def test_every_metric_is_filled_and_right(counted: Counted, tickets: dict[str, str]) -> None:
    with counted.db.connect() as connection:
        found = store.listed(connection, (*store.ACTIVE, store.FAILED))
    assert {one.name for one in found if one.state == store.READY} == {one["name"] for one in METRICS}
    outcome = verifying.run(counted.db, counted.projections, counted.desk.runtime.settings, (), verifying.Wish())
    assert not any(one["wrong"] for one in outcome["metrics"].values()), outcome["metrics"]


def test_what_ends_in_the_next_two_hours(counted: Counted, tickets: dict[str, str], desk: Desk) -> None:
    where = {"due": SOON}
    assert counted.rows("resolution_due", by=["priority"], where=where) == {("HIGH",): "1", (None,): "1"}
    soon = counted.explained("resolution_due", due=SOON)
    assert soon == {tickets["urgent"], tickets["late"]}
    assert counted.explained("resolution_due", due="now+150m..") == {tickets["new"], tickets["again"]}
    # What the desk itself says of the same tickets.
    due = {ident: desk.read(ident)["resolution_due_at"] for ident in (*soon, tickets["new"])}
    assert all(due[one] < due[tickets["new"]] for one in soon)
    refused = counted.client.post(f"{PATH}/resolution_due/query", json={"where": {"due": "soon.."}})
    assert (refused.status_code, "no bound of a range" in refused.text) == (400, True)
    changes = counted.client.post(f"{PATH}/resolution_due/changes", json={"group": {"due": SOON}})
    assert changes.status_code == 400


def test_backlog_by_age_and_how_many_come_back(counted: Counted, tickets: dict[str, str]) -> None:
    assert counted.rows("ticket_backlog") == {(): "4"}
    assert counted.rows("ticket_backlog", where={"opened": "..now-2h"}) == {(): "2"}
    assert counted.explained("ticket_backlog", opened="..now-3h") == {tickets["late"]}
    # Both were closed, however they stand now; one of them was opened again.
    assert counted.rows("tickets_closed", by=["queue_id"]) == {(None,): "2"}
    assert counted.rows("tickets_reopened") == {(): "1"}
    assert counted.rows("reopen_rate") == {(): "0.5"}
    assert counted.rows("first_response_overdue") == {(): "1"}


def test_later_moves_change_no_day_gone_by(counted: Counted, tickets: dict[str, str], desk: Desk) -> None:
    opened = datetime.fromisoformat(ago(100))

    def after(hours: float) -> str:
        return iso(opened + timedelta(hours=hours))

    ident = desk.ticket(at=after(0), priority="LOW")
    desk.say(ident, said_at=after(0.5), at=after(0.5))
    desk.write(ident, stage="4", at=after(2))
    sweep(desk.runtime.db)
    counted.catch_up()
    metrics = (
        "tickets_closed",
        "first_response_time",
        "first_response_compliance",
        "resolution_time",
        "resolution_calendar_time",
        "resolution_compliance",
    )
    day = {"period": f"{after(0)[:10]}..{after(28)[:10]}", "by": ["priority"]}
    before = {one: counted.rows(one, **day) for one in metrics}
    assert before["tickets_closed"] == before["first_response_compliance"] == {("LOW",): "1"}
    assert before["first_response_time"] == {("LOW",): str(HOUR // 2)}
    assert before["resolution_calendar_time"] == {("LOW",): str(2 * HOUR)}
    desk.write(ident, stage="1", at=after(80))
    desk.write(ident, priority="URGENT", at=after(81))
    desk.say(ident, said_at=after(90), at=after(90))
    desk.write(ident, stage="4", at=after(91))
    sweep(desk.runtime.db)
    counted.catch_up()
    assert {one: counted.rows(one, **day) for one in metrics} == before
    assert counted.rows("tickets_closed", by=["priority"])["URGENT",] == "1"
    assert counted.rows("first_response_time", by=["priority"])["URGENT",] == str(10 * HOUR)
    clocks = counted.explained("resolution_time", priority="URGENT")
    assert len(clocks) == 1


def test_what_is_said_of_a_later_cycle_moves_no_earlier_number(
    counted: Counted, tickets: dict[str, str], desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ("csat_average", "csat_answers", "csat_satisfied", "csat_share", "csat_asked", "csat_response_rate")
    days = [now() - timedelta(days=n) for n in (9, 8, 2, 1)]
    past = {"period": f"{iso(days[0])[:10]}..{iso(days[1])[:10]}", "by": ["owner_id"]}

    def answer(ident: str, score: str, *at: datetime) -> None:
        monkeypatch.setattr(surveys, "now", lambda: at[0])
        path = desk.asked(ident)
        monkeypatch.setattr(surveys, "now", lambda: at[1])
        assert desk.client.post(path, data={"score": score}).status_code == 200

    def told(**question: Any) -> dict[str, Any]:
        counted.catch_up()
        return {one: counted.rows(one, **question) for one in asked}

    ident, other = desk.ticket(owner_id="7"), desk.ticket(owner_id="9")
    answer(ident, "2", *days[:2])
    before = told(**past)
    one, nothing = {("7",): "1"}, {("7",): "0"}
    assert [before[name] for name in asked] == [{("7",): "2"}, one, {}, nothing, one, one]
    desk.write(ident, stage="4")
    desk.write(ident, stage="1", owner_id="8")
    answer(ident, "5", *days[2:])
    assert told(**past) == before
    assert told(by=["owner_id"])["csat_average"] == {("7",): "2", ("8",): "5"}
    (early,) = counted.explained("csat_answers", owner_id="7")
    assert early in {one["id"] for one in desk.surveys(ident)}
    desk.ask("POST", f"/api/v1/objects/tickets/{other}/merge", absorb=[ident])
    assert told(**past) == before
    desk.ask("POST", f"/api/v1/objects/tickets/{other}/unmerge")
    assert told(**past) == before
    # An erased ticket takes along what was said of it: comment, number and what explains it.
    assert desk.client.post("/crm/v3/objects/tickets/gdpr-delete", json={"objectId": ident}).status_code == 204
    assert told()["csat_asked"] == {(): "0"}
    assert counted.explained("csat_answers") == set()


def test_what_the_desk_suggests_otherwise_by_now_is_counted_anew(counted: Counted, tickets: dict[str, str]) -> None:
    by_ticket = """{"name": "csat_answers", "label": "Answers", "measure": {"kind": "count"}, "entity_type": "ticket",
        "dimensions": [{"name": "csat_agent", "attribute": "csat_agent"}], "filter": null}"""
    sql = "update metric set entity_type = 'ticket', definition = %(d)s::jsonb where name = 'csat_answers'"
    with counted.db.transaction() as connection:  # as an installation has it that was made before
        connection.run(sql, {"d": by_ticket})
    assert suggesting.define_suggested(counted.db, counted.projections) == 1
    assert suggesting.define_suggested(counted.db, counted.projections) == 0
    counted.fill()
    counted.rows("csat_answers", by=["team_id"])
    given = {"label": "Ours"}
    assert counted.client.patch(f"{PATH}/csat_answers", json=given).status_code == 200
    counted.fill()
    assert suggesting.define_suggested(counted.db, counted.projections) == 0
    assert counted.client.get(f"{PATH}/csat_answers").json["label"] == "Ours"
