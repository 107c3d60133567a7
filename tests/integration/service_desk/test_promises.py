"""Promises about tickets: clocks in the write's transaction, the sweep, its ledger, and what versions mean."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.service_desk.promises import sweeping
from services.service_desk.promises.instants import aware, from_text, ms, text
from services.service_desk.promises.sweeping import Desk as Sweeping
from services.service_desk.promises.sweeping import sweep
from shared.bus.feed import Feed
from shared.kernel.clock import now
from shared.kernel.context import SYSTEM, Context
from shared.service.entities import BulkItem, Ref
from shared.service.jobs import work_off
from tests.integration.service_desk.conftest import Desk

HOUR = 3600_000
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ROUND_THE_CLOCK = {"time_zone": "UTC", "hours": {day: [["00:00", "24:00"]] for day in DAYS}}
FIRST, RESOLUTION = "first_response", "resolution"


def ago(hours: float) -> str:
    """An instant some hours ago."""
    shown = text(ms(now() - timedelta(hours=hours)))
    assert shown is not None
    return shown


@pytest.fixture(scope="module", autouse=True)
def promised(desk: Desk) -> None:
    """An hour to answer, four to solve; waiting for the customer does not count; something happens before and after."""
    desk.ask("POST", "/api/v1/sla/calendars", 201, name="always", **ROUND_THE_CLOCK)
    thresholds = [
        {"name": "soon", "target": RESOLUTION, "moment": "before", "offset": 1800, "actions": []},
        {"name": "over", "target": RESOLUTION, "moment": "at", "actions": [{"set": {"priority": "URGENT"}}]},
    ]
    targets = {
        FIRST: {"otherwise": 3600},
        "next_response": {"otherwise": 3600},
        RESOLUTION: {"by_priority": {"HIGH": 7200}, "otherwise": 14400, "pauses": ["waiting_on_customer"]},
    }
    body: dict[str, Any] = {"calendar": "always", "targets": targets, "thresholds": thresholds}
    desk.ask("POST", "/api/v1/sla/policies", 201, name="standard", **body)
    since_long_ago(desk)


def since_long_ago(desk: Desk) -> None:
    """Histories of the tests begin before now: what is promised has been there for long."""
    with desk.runtime.db.transaction() as connection:
        connection.run("update sla_policy_version set valid_from = '2020-01-01'")
        connection.run("update sla_calendar_version set valid_from = '2020-01-01'")
        connection.run("update sla_revision set n = n + 1")
    desk.runtime.own.books._held = None


def overdue(desk: Desk, hours: float = 5, **values: Any) -> str:
    """A ticket that has been watched since it was opened, some hours ago, while nobody swept."""
    ident = desk.ticket(at=ago(hours), **values)
    with desk.runtime.db.transaction() as connection:
        connection.run("update sla_clock set recorded_at = at where ticket_id = %(id)s", {"id": int(ident)})
    return ident


def clocks(desk: Desk, ident: str, at: str = "") -> dict[str, dict[str, Any]]:
    """A ticket's clocks by target, the last of each."""
    found = desk.ask("GET", f"/api/v1/objects/tickets/{ident}/sla" + (f"?at={at}" if at else ""))
    return {one["target"]: one for one in found["clocks"]}


def actions(desk: Desk, ident: str) -> list[dict[str, Any]]:
    """What was done about a ticket, the earliest first."""
    return list(reversed(desk.ask("GET", f"/api/v1/sla/actions?ticket={ident}")["results"]))


def told(desk: Desk, ident: str) -> list[dict[str, Any]]:
    """What the log tells of it."""
    found, after = [], None
    while True:
        page = Feed(desk.runtime.db).read(after, types=("sla",)).page()
        found += [one.detail for one in page.events if one.entity_id == int(ident)]
        after = str(page.next)
        if page.up_to_date:
            return [dict(one) for one in found]


def test_clocks_begin_with_the_ticket(desk: Desk) -> None:
    ident = desk.ticket(subject="Help")
    opened = from_text(desk.read(ident)["created_at"])
    found = clocks(desk, ident)
    assert {one: from_text(clock["due_at"]) - opened for one, clock in found.items()} == {
        FIRST: HOUR,
        RESOLUTION: 4 * HOUR,
    }
    assert {clock["policy"] for clock in found.values()} == {"standard"}
    later = clocks(desk, ident, str(text(opened + HOUR // 2)))
    assert (later[FIRST]["elapsed_ms"], later[FIRST]["remaining_ms"]) == (HOUR // 2, HOUR // 2)


def test_an_answer_stops_one_clock_and_waiting_pauses_the_other(desk: Desk) -> None:
    ident = desk.ticket(at=ago(3))
    desk.say(ident, at=ago(2.5), said_at=ago(2.5))
    desk.write(ident, stage="2", at=ago(2.4))
    desk.say(ident, "CUSTOMER", at=ago(1.4), said_at=ago(1.4))
    desk.write(ident, stage="3", at=ago(1.39))
    found = clocks(desk, ident)
    assert found[FIRST]["status"] == "met"
    assert abs(found[FIRST]["elapsed_ms"] - HOUR / 2) < 5000
    assert abs(found[RESOLUTION]["paused_ms"] - 1.01 * HOUR) < 5000
    # The customer has waited for longer than an hour.
    assert found["next_response"]["status"] == "breached"


def test_clocks_follow_what_a_stage_means(desk: Desk) -> None:
    body = {"label": "Meaning", "stages": [{"label": "Here", "metadata": {"ticketState": "OPEN"}}]}
    made = desk.ask("POST", "/api/v1/types/tickets/pipelines", 201, **body)
    stage = made["stages"][0]["id"]
    ident, found = desk.ticket(pipeline=made["id"], stage=stage), []
    for meant in ({"ticketState": "CLOSED"}, {"ticketState": "OPEN", "statusCategory": "waiting_on_customer"}):
        desk.ask("PATCH", f"/api/v1/types/tickets/pipelines/{made['id']}/stages/{stage}", metadata=meant)
        while work_off(desk.runtime):
            pass
        found.append(clocks(desk, ident)[RESOLUTION]["status"])
    assert found == ["met", "paused"]


def test_internal_notes_move_no_clock(desk: Desk) -> None:
    ident = desk.ticket()
    desk.say(ident, visibility="INTERNAL")
    assert clocks(desk, ident)[FIRST]["status"] == "running"
    desk.say(ident)
    assert clocks(desk, ident)[FIRST]["status"] == "met"


def test_what_is_said_about_no_ticket_is_refused(desk: Desk) -> None:
    desk.say("999999999", status=400)


def test_a_higher_priority_promises_more(desk: Desk) -> None:
    ident = desk.ticket(at=ago(1))
    desk.write(ident, priority="HIGH")
    assert clocks(desk, ident)[RESOLUTION]["promised_ms"] == 2 * HOUR


def test_state_kept_by_writes_equals_history(desk: Desk) -> None:
    ident = desk.ticket(at=ago(9))
    for hours, stage in ((8, "2"), (6, "3"), (5, "4"), (3, "3"), (2, "2"), (1, "3"), (0.5, "4")):
        desk.write(ident, stage=stage, at=ago(hours), priority="HIGH" if stage == "3" else "LOW")
        desk.say(ident, "CUSTOMER" if stage == "3" else "AGENT", said_at=ago(hours - 0.1), at=ago(hours - 0.1))
    moment = ago(0)
    kept = desk.ask("GET", f"/api/v1/objects/tickets/{ident}/sla?at={moment}")
    with desk.runtime.db.transaction() as connection:
        assert connection.row("select redo from sla_clock where ticket_id = %(id)s", {"id": int(ident)}) == (False,)
        connection.run("update sla_clock set redo = true where ticket_id = %(id)s", {"id": int(ident)})
    assert desk.ask("GET", f"/api/v1/objects/tickets/{ident}/sla?at={moment}") == kept
    sweep(desk.runtime.db)
    assert desk.ask("GET", f"/api/v1/objects/tickets/{ident}/sla?at={moment}") == kept
    assert kept["cycle"] == 2


def test_what_happened_earlier_is_worked_in(desk: Desk) -> None:
    ident = desk.ticket(at=ago(5))
    desk.write(ident, stage="3", at=ago(1))
    desk.say(ident, at=ago(4.5), said_at=ago(4.5))
    assert clocks(desk, ident)[FIRST]["status"] == "met"
    sweep(desk.runtime.db)
    assert clocks(desk, ident)[FIRST]["status"] == "met"


def test_thresholds_are_acted_on_once(desk: Desk) -> None:
    ident = overdue(desk)
    assert sweep(desk.runtime.db) > 0
    found = actions(desk, ident)
    assert [one["threshold"] for one in found] == ["soon", "over"]
    assert all(one["done_at"] for one in found)
    # Nobody was there for an hour: it says so.
    assert found[1]["late_seconds"] >= 3500
    assert desk.read(ident)["priority"] == "URGENT"
    assert len(told(desk, ident)) == 2
    version = desk.ask("GET", f"/api/v1/objects/tickets/{ident}")["version"]
    sweep(desk.runtime.db)
    assert desk.ask("GET", f"/api/v1/objects/tickets/{ident}")["version"] == version
    assert (len(actions(desk, ident)), len(told(desk, ident))) == (2, 2)
    late = desk.ask("GET", f"/api/v1/sla/actions?late=true&ticket={ident}")["results"]
    assert [one["threshold"] for one in late] == ["over", "soon"]


@pytest.mark.parametrize("phase", ["work_out_anew", "look", "act_on", "tell"])
def test_a_sweep_that_dies_loses_and_doubles_nothing(desk: Desk, phase: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each phase is undone at its very end, as by a kill before the commit; the next round does it."""
    sweep(desk.runtime.db)
    ident = overdue(desk)
    desk.say(ident, at=ago(4.6), said_at=ago(4.6))
    with monkeypatch.context() as patch:
        transaction = desk.runtime.db.transaction
        original = getattr(sweeping, phase)

        def dying(made: Sweeping) -> int:
            with transaction() as outer, pytest.MonkeyPatch.context() as inner:
                inner.setattr(made.home.database, "transaction", outer.transaction)
                original(made)
                raise KeyboardInterrupt

        patch.setattr(sweeping, phase, dying)
        with pytest.raises(KeyboardInterrupt):
            sweep(desk.runtime.db)
    sweep(desk.runtime.db)
    assert [one["threshold"] for one in actions(desk, ident)] == ["soon", "over"]
    assert len(told(desk, ident)) == 2
    values = desk.read(ident)
    assert (values["priority"], values["first_response_status"], values["resolution_status"]) == (
        "URGENT",
        "met",
        "breached",
    )


def test_a_ticket_tells_how_its_clocks_stand(desk: Desk) -> None:
    ident = desk.ticket(at=ago(3))
    desk.say(ident, at=ago(2.5), said_at=ago(2.5))
    sweep(desk.runtime.db)
    values = desk.read(ident)
    assert (values["first_response_status"], values["resolution_status"], values["cycle"]) == ("met", "running", 1)
    assert abs(values["first_response_time"] - HOUR / 2) < 5000
    assert abs(values["time_to_first_reply"] - HOUR / 2) < 5000
    assert values["resolution_due_at"] == clocks(desk, ident)[RESOLUTION]["due_at"]
    desk.write(ident, stage="4")
    sweep(desk.runtime.db)
    assert desk.read(ident)["resolution_status"] == "met"


def test_archived_tickets_rest_and_restored_ones_go_on(desk: Desk) -> None:
    ident = overdue(desk)
    desk.ask("DELETE", f"/api/v1/objects/tickets/{ident}", 204)
    sweep(desk.runtime.db)
    assert actions(desk, ident) == []
    desk.ask("GET", f"/api/v1/objects/tickets/{ident}/sla", 404)
    desk.ask("POST", f"/api/v1/objects/tickets/{ident}/restore")
    sweep(desk.runtime.db)
    assert [one["threshold"] for one in actions(desk, ident)] == ["soon", "over"]


def test_nothing_due_costs_a_few_looks(desk: Desk) -> None:
    for _ in range(20):
        desk.ticket()
    sweep(desk.runtime.db)
    made = Sweeping.of(desk.runtime.db)
    sweeping.swept(made)
    with desk.runtime.db.counted() as statements:
        assert sweeping.swept(made) == 0
    assert len([one for one in statements if one.lstrip().lower().startswith(("select", "with"))]) <= 10


def test_a_change_is_one_statement_and_folded_by_who_looks(desk: Desk) -> None:
    ident = desk.ticket(at=ago(0.5))
    desk.write(ident, stage="2", priority="LOW")
    with desk.runtime.db.counted() as statements:
        desk.write(ident, stage="1", priority="HIGH")
    assert len([one for one in statements if "sla_clock" in one]) == 1
    seen = clocks(desk, ident)
    assert (seen[RESOLUTION]["promised_ms"], seen[RESOLUTION]["status"]) == (2 * HOUR, "running")
    folded = "select pending = '[]' from sla_clock where ticket_id = %(id)s"
    with desk.runtime.db.connect() as connection:
        assert connection.row(folded, {"id": int(ident)}) == (False,)
        sweep(desk.runtime.db)
        assert connection.row(folded, {"id": int(ident)}) == (True,)
    assert clocks(desk, ident)[RESOLUTION]["due_at"] == seen[RESOLUTION]["due_at"]


def test_drafts_are_tried_on_history(desk: Desk) -> None:
    quick = desk.ticket(at="2026-03-02T09:00:00Z")
    desk.write(quick, stage="4", at="2026-03-02T09:10:00Z")
    slow = desk.ticket(at="2026-03-02T09:00:00Z")
    desk.write(slow, stage="4", at="2026-03-02T12:00:00Z")
    draft = {"name": "standard", "calendar": "always", "targets": {RESOLUTION: {"otherwise": 1800}}}
    found = desk.ask("POST", "/api/v1/sla/preview", policies=[draft])
    assert {"ticket": slow, "targets": [RESOLUTION]} in found["more"]
    assert quick not in {one["ticket"] for one in found["more"]}
    assert found["breaches"][RESOLUTION]["draft"] > found["breaches"][RESOLUTION]["today"]
    assert clocks(desk, slow)[RESOLUTION]["status"] == "met"


def test_another_version_takes_over_and_leaves_the_past_alone(desk: Desk) -> None:
    old = desk.ticket(at="2026-03-02T09:00:00Z")
    desk.write(old, stage="4", at="2026-03-02T12:00:00Z")
    before, running = clocks(desk, old), desk.ticket(at=ago(1))
    shorter = {"calendar": "always", "targets": {RESOLUTION: {"otherwise": 600}}, "filter": _category("BILLING_ISSUE")}
    desk.ask("POST", "/api/v1/sla/policies", 201, name="billing", **shorter)
    assert clocks(desk, old) == before
    desk.write(running, category=["BILLING_ISSUE"])
    sweep(desk.runtime.db)
    found = clocks(desk, running)[RESOLUTION]
    assert (found["policy"], found["promised_ms"]) == ("billing", 600_000)
    desk.ask("POST", "/api/v1/sla/policies", 400, name="billing", valid_from="2020-01-01T00:00:00Z", **shorter)


@pytest.mark.parametrize(
    ("path", "body", "name"),
    [
        ("calendars", {"time_zone": "UTC", "hours": {}}, "hours"),
        ("calendars", {"time_zone": "Mars/Olympus", "hours": {"monday": [["09:00", "17:00"]]}}, "time_zone"),
        ("calendars", {"time_zone": "UTC", "hours": {"monday": [["9", "17:00"]]}}, "hours.monday"),
        ("calendars", {"time_zone": "UTC", "hours": {"caturday": []}}, "hours.caturday"),
        ("policies", {"calendar": "nowhere", "targets": {RESOLUTION: {"otherwise": 60}}}, "calendar"),
        ("policies", {"calendar": "always", "targets": {}}, "targets"),
        ("policies", {"calendar": "always", "targets": {"happiness": {"otherwise": 60}}}, "targets"),
        (
            "policies",
            {"calendar": "always", "targets": {RESOLUTION: {"otherwise": -1}}},
            "targets.resolution.otherwise",
        ),
        (
            "policies",
            {"calendar": "always", "filter": {"text": "x"}, "targets": {RESOLUTION: {"otherwise": 9}}},
            "filter",
        ),
    ],
)
def test_what_cannot_be_promised(desk: Desk, path: str, body: dict[str, Any], name: str) -> None:
    found = desk.ask("POST", f"/api/v1/sla/{path}", 400, name="wrong", **body)
    assert name in str(found), found


def _category(value: str) -> dict[str, Any]:
    return {"attribute": "category", "operator": "EQ", "value": value}


def test_instants_go_round() -> None:
    assert ms(aware(1234567890123)) == 1234567890123


def test_a_draft_calendar_is_tried_as_well(desk: Desk) -> None:
    slow = desk.ticket(at="2026-03-07T09:00:00Z")  # a Saturday
    desk.write(slow, stage="4", at="2026-03-07T15:00:00Z")
    assert clocks(desk, slow)[RESOLUTION]["status"] == "breached"
    week = {day: [["09:00", "17:00"]] for day in DAYS[:5]}
    draft = {"name": "always", "time_zone": "UTC", "hours": week}
    found = desk.ask("POST", "/api/v1/sla/preview", calendars=[draft])
    assert slow in {one["ticket"] for one in found["fewer"]}


def test_many_at_once_keep_their_clocks(desk: Desk) -> None:
    """The way of imports: effective dates, and several writes of one entity in a call."""
    ctx = Context(SYSTEM, "IMPORT")
    opened = aware(from_text("2026-03-02T09:00:00Z"))
    drafts = [BulkItem({"subject": f"Old {n}"}, effective_at=opened) for n in range(300)]
    made = desk.runtime.entities.bulk(ctx, "ticket", drafts)
    idents = [one.id for one in made]
    ended = opened + timedelta(hours=5)
    closing = [BulkItem({"stage": "4"}, Ref(one), "update", ended) for one in idents]
    desk.runtime.entities.bulk(ctx, "ticket", closing)
    found = clocks(desk, str(idents[7]))
    assert (found[RESOLUTION]["status"], found[RESOLUTION]["elapsed_ms"]) == ("breached", 5 * HOUR)
    # What lies in the past of those who tell it now is no news: nothing is done about it.
    sweep(desk.runtime.db)
    assert actions(desk, str(idents[7])) == []


def test_what_was_over_before_it_was_recorded_is_no_news(desk: Desk) -> None:
    ident = desk.ticket(at=ago(3.6))
    long_ago = desk.ticket(at=ago(50))
    sweep(desk.runtime.db)
    assert actions(desk, ident) == actions(desk, long_ago) == []
    assert desk.read(long_ago)["resolution_status"] == "breached"
    # What it comes to from now on is.
    assert clocks(desk, ident)[RESOLUTION]["status"] == "running"
    with desk.runtime.db.connect() as connection:
        (due,) = connection.row("select next_at from sla_clock where ticket_id = %(id)s", {"id": int(ident)}) or (None,)
    assert text(ms(due)) == clocks(desk, ident)[RESOLUTION]["due_at"]


def test_what_was_reached_is_noted_before_history_changes(desk: Desk) -> None:
    ident = overdue(desk)
    desk.write(ident, stage="3")
    # Nobody has swept yet, and this happened before what is known.
    desk.write(ident, priority="LOW", at=ago(4.9))
    desk.write(ident, stage="4")
    sweep(desk.runtime.db)
    assert [one["threshold"] for one in actions(desk, ident)] == ["soon", "over"]


def test_merged_tickets_have_one_set_of_clocks(desk: Desk) -> None:
    one, other = overdue(desk, subject="Twice"), overdue(desk, 4.5, subject="Twice")
    desk.ask("POST", "/crm/v3/objects/tickets/merge", primaryObjectId=one, objectIdToMerge=other)
    sweep(desk.runtime.db)
    assert [line["threshold"] for line in actions(desk, one)] == ["soon", "over"]
    assert actions(desk, other) == []
