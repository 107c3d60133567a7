"""Promises that cannot be kept, instants that are none: told as they are declared, and contained where they are not."""

from __future__ import annotations

from typing import Any

import pytest

from services.service_desk.promises import previewing
from services.service_desk.promises.instants import from_text, text
from services.service_desk.promises.sweeping import CLOCKS, sweep
from shared.kernel.json import dumps
from shared.service.foreign import Foreign
from tests.integration.service_desk.conftest import Desk
from tests.integration.service_desk.test_promises import actions, ago, overdue

WEEK: dict[str, Any] = {"monday": [["09:00", "17:00"]]}
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
LATE = "9999-12-31T23:59:59-14:00"
EARLY = "0001-01-01T00:00:00%2B14:00"


def policy(*sets: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A policy under which something is set when a promise is over."""
    thresholds = [
        {"name": f"over{place}", "target": "resolution", "moment": "at", "actions": [{"set": one}]}
        for place, one in enumerate(sets)
    ]
    return {"calendar": "all", "targets": {"resolution": {"otherwise": 3600}}, "thresholds": thresholds, **more}


@pytest.fixture(scope="module", autouse=True)
def calendar(desk: Desk) -> None:
    """Always, since long ago."""
    hours = {day: [["00:00", "24:00"]] for day in DAYS}
    desk.ask("POST", "/api/v1/sla/calendars", 201, name="all", time_zone="UTC", hours=hours)


@pytest.mark.parametrize(
    "wanted",
    [
        {"priority": "NOPE"},
        {"priority": 5},
        {"priority": ""},
        {"owner_id": "abc"},
        {"owner_id": {}},
        {"queue_id": 10**30},
    ],
)
def test_no_ticket_can_have_such_a_value(desk: Desk, wanted: dict[str, Any]) -> None:
    found = desk.ask("POST", "/api/v1/sla/policies", 400, name="wrong", **policy({"priority": "HIGH"}, wanted))
    assert f"thresholds[1].actions[0].set.{next(iter(wanted))}" in str(found), found
    desk.ask("POST", "/api/v1/sla/preview", 400, policies=[{"name": "wrong", **policy(wanted)}])


def test_queues_and_owners_there_are_none_of(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk.runtime, "foreign", Foreign(desk.runtime.db, ("queue", "owner"), None))
    body = policy({"queue_id": "99999"}, {"owner_id": "424242"})
    found = str(desk.ask("POST", "/api/v1/sla/policies", 400, name="wrong", **body))
    assert "99999 is not the id of any queue" in found
    assert "424242 is not the id of any owner" in found


def test_one_action_that_cannot_be_done_holds_up_nothing(desk: Desk) -> None:
    sets = ({"priority": "HIGH"}, {"priority": "LOW"}, {"priority": "URGENT"})
    desk.ask("POST", "/api/v1/sla/policies", 201, name="mixed", **policy(*sets))
    # As one declared before values were judged.
    body = policy({"owner_id": "abc"}, {"queue_id": 10**18 * 9}, {"priority": "NOPE"}, {"priority": "URGENT"})
    with desk.runtime.db.transaction() as connection:
        connection.run(
            "update sla_policy_version set valid_from = '2020-01-01', body = %(body)s::jsonb",
            {"body": dumps(body).decode()},
        )
        connection.run("update sla_calendar_version set valid_from = '2020-01-01'")
        connection.run("update sla_revision set n = n + 1")
    desk.runtime.own.books._held = None
    ident = overdue(desk, 2)
    sweep(desk.runtime.db)
    found = {one["threshold"]: one for one in actions(desk, ident)}
    assert all(one["done_at"] for one in found.values()), found
    assert "abc" in found["over0"]["failed"] or "owner" in found["over0"]["failed"]
    assert "NOPE" in found["over2"]["failed"]
    assert "failed" not in found["over3"]
    assert desk.read(ident)["priority"] == "URGENT"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/api/v1/sla/actions?before=garbage", "before"),
        (f"/api/v1/sla/actions?before={EARLY}", "before"),
        (f"/api/v1/service_desk/messages?before={EARLY}", "before"),
        (f"/api/v1/objects/tickets/%s/sla?at={LATE}", "at"),
        ("/api/v1/objects/tickets/%s/sla?at=9999-12-31T00:00:00Z", "at"),
        ("/api/v1/objects/tickets/%s/sla?at=1969-12-31T00:00:00Z", "at"),
    ],
)
def test_what_is_no_instant(desk: Desk, path: str, name: str) -> None:
    found = desk.ask("GET", path % desk.ticket() if "%s" in path else path, 400)
    assert f"{name}:" in str(found), found


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        ("preview", {"policies": [{"name": "x", **policy()}], "since": "0001-01-01T00:00:00+14:00"}, "since"),
        ("policies", {**policy(), "valid_from": "9999-12-31T23:59:59Z"}, "valid_from"),
        ("policies", policy(order=10**40), "order"),
        ("policies", policy(note=10**40), "note"),
        ("policies", policy(withdrawn="yes"), "withdrawn"),
        ("policies", {**policy(), "targets": {"resolution": {"otherwise": 10**9}}}, "from 1 to 316,224,000"),
        ("policies", {**policy(), "targets": {"resolution": {"otherwise": 60, "pauses": [{}]}}}, "pauses"),
        ("calendars", {"time_zone": "UTC", "hours": {"monday": [["9" * 5000 + ":00", "17:00"]]}}, "hours.monday"),
        ("calendars", {"time_zone": "UTC", "hours": {"monday": [["09:00", "09:00"]]}}, "hours.monday"),
        ("calendars", {"time_zone": "UTC", "hours": {"monday": [["٠٩:٠٠", "17:00"]]}}, "hours.monday"),
        ("calendars", {"time_zone": "UTC", "exceptions": {"2028-01-03": [["09:00", "17:00"]]}}, "hours"),
        ("calendars", {"time_zone": "Factory", "hours": WEEK}, "time_zone"),
        ("calendars", {"time_zone": "Mars/Olympus", "hours": WEEK}, "time_zone"),
    ],
)
def test_what_cannot_be_declared(desk: Desk, path: str, body: dict[str, Any], told: str) -> None:
    found = desk.ask("POST", f"/api/v1/sla/{path}", 400, **{"name": "wrong", **body})
    assert told in str(found), found


def test_nothing_is_counted_by_a_calendar_before_it_is_valid(desk: Desk) -> None:
    soon = ago(-48)
    desk.ask("POST", "/api/v1/sla/calendars", 201, name="new_year", time_zone="UTC", hours=WEEK, valid_from=soon)
    drafted = {"name": "next_year", **policy(), "calendar": "new_year"}
    for valid_from in ({}, {"valid_from": ago(-47)}):
        (error,) = desk.ask("POST", "/api/v1/sla/policies", 400, **drafted, **valid_from)["errors"]
        assert (error["context"]["propertyName"], soon in error["message"]) == (["valid_from"], True)
    made = desk.ask("POST", "/api/v1/sla/policies", 201, **drafted, valid_from=soon)
    # Who means the same moment by another clock begins with the calendar.
    again = {**drafted, "name": "by_another_clock"}
    other = desk.ask("POST", "/api/v1/sla/policies", 201, **again, valid_from=text(from_text(soon) - 5000))
    assert made["valid_from"] == other["valid_from"] == soon
    # What is tried on history is tried as if it had always been so, the calendar too.
    assert desk.ask("POST", "/api/v1/sla/preview", policies=[{**drafted, "name": "tried"}])["whole"]


def test_a_list_that_is_cut_says_so(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        desk.write(desk.ticket(at="2026-03-02T09:00:00Z", subject="Help"), stage="4", at="2026-03-02T09:30:00Z")
    draft = {"name": "quick", **policy(), "targets": {"resolution": {"otherwise": 60}}, "filter": _CLOSED}
    for most, whole in ((1000, True), (1, False)):
        monkeypatch.setattr(previewing, "MOST_LISTED", most)
        found = desk.ask("POST", "/api/v1/sla/preview", policies=[draft])
        assert (found["whole"], len(found["more"]) >= min(most, 2)) == (whole, True)


_CLOSED = {"attribute": "subject", "operator": "HAS_PROPERTY"}


def test_nothing_is_said_in_the_future(desk: Desk) -> None:
    ident = desk.ticket(at=ago(1))
    for said in ("9999-12-31T00:00:00Z", ago(-1), "1969-12-31T00:00:00Z"):
        assert "said_at" in str(desk.say(ident, status=400, said_at=said))
    desk.say(ident, said_at=ago(0.5))


def test_what_was_said_before_the_ticket_was_opened_counts_from_its_opening(desk: Desk) -> None:
    """Somebody rang, then a ticket was opened: clocks do not run before it."""
    ident = desk.ticket(at=ago(1), subject="By phone")
    desk.say(ident, said_at=ago(100))
    for _ in range(2):
        answered = desk.ask("GET", f"/api/v1/objects/tickets/{ident}/sla")["clocks"]
        assert all(one["elapsed_ms"] >= 0 and one["started_at"] >= desk.read(ident)["created_at"] for one in answered)
        sweep(desk.runtime.db)
    assert answered


def test_a_look_for_what_is_due_is_one_statement(desk: Desk) -> None:
    """Between rounds an idle system pays for that alone; whatever a round would do is noticed by it."""
    round_of = CLOCKS.begin(desk.runtime.db)

    def due() -> bool:
        with desk.runtime.db.connect() as connection, desk.runtime.db.counted() as statements:
            found = CLOCKS.due(connection)
        assert len(statements) == 1
        return found

    def settled() -> bool:
        """What rounds do may be something for the next one to look at, but not for ever."""
        return any(not due() for _ in range(5) if round_of() >= 0)

    assert settled()
    ident = overdue(desk, 2)
    assert due(), "it does not tell of its clocks yet"
    assert settled()
    assert desk.read(ident)["resolution_status"]
    for change in ("redo = true", "revision = 0", "next_at = '2020-01-01'", "shown = seq - 1"):
        with desk.runtime.db.transaction() as connection:
            connection.run(f"update sla_clock set {change} where ticket_id = %(id)s", {"id": int(ident)})
        assert due(), change
        assert settled(), change
