"""What clocks came to is recorded once, by cycle, under whoever had the ticket then; later moves change none of it."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

from services.service_desk.promises import sweeping
from services.service_desk.promises.sweeping import sweep
from tests.integration.service_desk.conftest import Desk
from tests.integration.service_desk.test_promises import (
    FIRST,
    HOUR,
    RESOLUTION,
    _category,
    ago,
    clocks,
    promised,  # noqa: F401
    since_long_ago,
)

CLOCKS = "/api/v1/objects/ticket_clocks"
NAMES = """ticket_id target cycle round started_at ended_at reopened_at outcome business_time calendar_time paused_time
promised_time breached_at policy policy_version calendar calendar_version owner_id priority pipeline""".split()
_MIGRATIONS = Path(__file__).parents[3] / "services/service_desk/migrations"


def recorded(desk: Desk, ident: str) -> list[dict[str, Any]]:
    """What is recorded of a ticket, by cycle and promise."""
    sweep(desk.runtime.db)
    asked = {"attribute": "ticket_id", "operator": "EQ", "value": ident}
    found = desk.ask("POST", f"{CLOCKS}/query", filter=asked, attributes=NAMES)["results"]
    lines = [
        {"id": one["id"], "version": one["version"], **{name: one["values"][name] for name in NAMES}} for one in found
    ]
    return sorted(lines, key=lambda one: (int(one["cycle"]), one["target"], int(one["round"])))


def in_hours(line: dict[str, Any]) -> tuple[float, float]:
    """Business and calendar time."""
    return round(float(line["business_time"]) / HOUR, 2), round(float(line["calendar_time"]) / HOUR, 2)


def test_each_cycle_keeps_its_own_numbers(desk: Desk) -> None:
    ident = desk.ticket(at=ago(30), priority="HIGH")
    assert recorded(desk, ident) == []
    desk.say(ident, said_at=ago(29.5), at=ago(29.5))
    desk.write(ident, stage="4", at=ago(20))
    first = recorded(desk, ident)
    assert [(one["target"], one["outcome"]) for one in first] == [(FIRST, "met"), (RESOLUTION, "breached")]
    assert [in_hours(one) for one in first] == [(0.5, 0.5), (10, 10)]
    # Opened again, changed, answered and solved: the first cycle stays as it was, but that it was opened again.
    desk.write(ident, stage="1", at=ago(8))
    desk.write(ident, priority="LOW", at=ago(7))
    desk.say(ident, said_at=ago(6), at=ago(6))
    desk.write(ident, stage="4", at=ago(5))
    lines = recorded(desk, ident)
    assert [(one["cycle"], one["target"], one["priority"]) for one in lines] == [
        (1, FIRST, "HIGH"),
        (1, RESOLUTION, "HIGH"),
        (2, FIRST, "LOW"),
        (2, RESOLUTION, "LOW"),
    ]
    assert lines[0] == first[0]
    reopened = lines[1]["reopened_at"]
    assert reopened == lines[3]["started_at"]
    assert lines[1] == {**first[1], "reopened_at": reopened, "version": 2}
    assert [in_hours(one) for one in lines[2:]] == [(2, 2), (3, 3)]
    assert {one["policy"] for one in lines} == {"standard"}


def express(desk: Desk, minutes: int) -> None:
    """Another version of a promise for some tickets: to solve them within so many minutes."""
    targets = {RESOLUTION: {"otherwise": minutes * 60}}
    body = {"name": "express", "calendar": "always", "targets": targets, "filter": _category("PRODUCT_ISSUE")}
    desk.ask("POST", "/api/v1/sla/policies", 201, **body)


def test_a_breach_is_of_the_promise_that_was_missed(desk: Desk) -> None:
    express(desk, 30)
    since_long_ago(desk)
    late, quick = (desk.ticket(at=ago(hours), category=["PRODUCT_ISSUE"]) for hours in (1, 0.1))
    missed = clocks(desk, late)[RESOLUTION]
    assert (missed["status"], missed["policy"], missed["version"], missed["promised_ms"]) == (
        "breached",
        "express",
        1,
        HOUR // 2,
    )
    express(desk, 600)
    # Another version has taken over: what was missed is the promise of then, what counts is the one of now.
    found = {one: clocks(desk, one)[RESOLUTION] for one in (late, quick)}
    assert [(one["status"], one["version"], one["promised_ms"]) for one in found.values()] == [
        ("breached", 1, HOUR // 2),
        ("running", 2, 10 * HOUR),
    ]
    assert {(one["counts_under"]["version"], one["calendar_version"]) for one in found.values()} == {(2, 1)}
    for ident in found:
        desk.write(ident, stage="4")
    (broken,), (kept,) = (
        [one for one in recorded(desk, ident) if one["target"] == RESOLUTION] for ident in (late, quick)
    )
    assert [(one["outcome"], one["policy_version"], one["promised_time"]) for one in (broken, kept)] == [
        ("breached", 1, HOUR // 2),
        ("met", 2, 10 * HOUR),
    ]
    assert (broken["breached_at"], kept["breached_at"]) == (missed["breached_at"], None)
    assert {(one["policy"], one["calendar"], one["calendar_version"]) for one in (broken, kept)} == {
        ("express", "always", 1)
    }
    _upgraded(desk, late, broken)


def _upgraded(desk: Desk, ident: str, recorded_before: dict[str, Any]) -> None:
    """A row of an earlier release does not know what was missed: history does."""
    statements = runpy.run_path(str(_MIGRATIONS / "service_desk_0012_missed.py"))
    row = "select redo, progress @? '$[8][*][15]' from sla_clock where ticket_id = %(id)s"
    with desk.runtime.db.transaction() as connection:
        assert connection.row(row, {"id": int(ident)}) == (False, True)
        connection.run(statements["DOWNGRADE"])
        assert connection.row(row, {"id": int(ident)}) == (False, False)
        connection.run(statements["UPGRADE"])
        assert connection.row(row, {"id": int(ident)}) == (True, False)
    assert recorded_before in recorded(desk, ident)
    with desk.runtime.db.connect() as connection:
        assert connection.row(row, {"id": int(ident)}) == (False, True)


def test_clocks_of_merged_and_parted_tickets_equal_history(desk: Desk) -> None:
    one, other = (desk.ticket(at=ago(hours)) for hours in (40, 30))
    for ident, hours in ((one, 25), (other, 20)):
        desk.say(ident, "CUSTOMER", said_at=ago(hours), at=ago(hours))
        desk.write(ident, at=ago(hours - 1), stage="4")
    desk.say(one, "CUSTOMER")  # opened again
    desk.ask("POST", f"/api/v1/objects/tickets/{one}/merge", absorb=[other])
    _told_alike(desk, one)
    desk.say(other, said_at=ago(0))
    _told_alike(desk, one)
    desk.ask("POST", f"/api/v1/objects/tickets/{one}/unmerge")
    _told_alike(desk, one, other)


def _told_alike(desk: Desk, *idents: str) -> None:
    """By what is kept, once a round has passed, and by history."""
    sweep(desk.runtime.db)
    for ident in idents:
        path = f"/api/v1/objects/tickets/{ident}/sla?at={ago(0)}"
        with desk.runtime.db.transaction() as connection:
            kept = desk.ask("GET", path)
            assert connection.run(
                "update sla_clock set redo = true where ticket_id = %(id)s and not redo", {"id": int(ident)}
            )
        assert desk.ask("GET", path) == kept
        assert any(one["breached_at"] for one in kept["clocks"])


def test_nothing_is_recorded_twice_and_working_out_anew_changes_nothing(desk: Desk) -> None:
    ident = desk.ticket(at=ago(9))
    for hours, stage in ((8, "2"), (6, "3"), (5, "4"), (3, "3"), (2, "2"), (1, "3"), (0.5, "4")):
        desk.write(ident, stage=stage, at=ago(hours))
        desk.say(ident, "CUSTOMER" if stage == "3" else "AGENT", said_at=ago(hours - 0.1), at=ago(hours - 0.1))
    before = recorded(desk, ident)
    assert {one["cycle"] for one in before} == {1, 2}
    with desk.runtime.db.transaction() as connection:
        connection.run("update sla_clock set redo = true, shown = 0 where ticket_id = %(id)s", {"id": int(ident)})
    assert recorded(desk, ident) == before


def test_what_history_tells_late_is_put_right(desk: Desk) -> None:
    ident = desk.ticket(at=ago(5))
    desk.write(ident, stage="4", at=ago(1))
    (dropped, solved) = recorded(desk, ident)
    assert (dropped["target"], dropped["outcome"], dropped["calendar_time"]) == (FIRST, "breached", None)
    desk.say(ident, said_at=ago(4.5), at=ago(4.5))
    first, same = recorded(desk, ident)
    assert (first["id"], first["outcome"], in_hours(first)) == (dropped["id"], "met", (0.5, 0.5))
    assert same == solved


def test_whoever_had_it_when_it_ended(desk: Desk) -> None:
    ident = desk.ticket(at=ago(3), priority="LOW")
    desk.say(ident, said_at=ago(2.5), at=ago(2.5))
    desk.write(ident, at=ago(2), priority="URGENT")
    desk.write(ident, at=ago(1.5), stage="4")
    desk.write(ident, priority="MEDIUM")
    assert [one["priority"] for one in recorded(desk, ident)] == ["LOW", "URGENT"]


def test_a_ticket_that_was_closed_when_it_came(desk: Desk) -> None:
    ident = desk.ticket(at=ago(3), stage="4")
    (line,) = recorded(desk, ident)
    assert (line["target"], line["outcome"], line["calendar_time"]) == (RESOLUTION, "dropped", None)
    assert line["started_at"] == line["ended_at"]


def test_a_round_that_is_killed_records_nothing_and_the_next_all(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    ident = desk.ticket(at=ago(3))
    desk.write(ident, stage="4", at=ago(1))
    desk_of = sweeping.Desk.of(desk.runtime.db)
    with monkeypatch.context() as patched:
        patched.setattr(sweeping, "act_on", lambda _: (_ for _ in ()).throw(RuntimeError))
        with pytest.raises(RuntimeError):
            sweeping.swept(desk_of)
    assert len(recorded(desk, ident)) == 2


def test_nobody_else_writes_them(desk: Desk) -> None:
    ident = desk.ticket(at=ago(3), stage="4")
    (line,) = recorded(desk, ident)
    desk.ask("POST", CLOCKS, 400, values={})
    desk.ask("POST", CLOCKS, 400, values={"ticket_id": ident, "target": RESOLUTION})
    desk.ask("PATCH", f"{CLOCKS}/{line['id']}", 400, values={"outcome": "met"})
    assert desk.client.delete(f"{CLOCKS}/{line['id']}").status_code == 400
    # They are there when the ticket is archived: what was done was done. They go when it is erased.
    assert desk.client.delete(f"/api/v1/objects/tickets/{ident}").status_code == 204
    assert recorded(desk, ident) == [line]
    erased = desk.client.post("/crm/v3/objects/tickets/gdpr-delete", json={"objectId": ident})
    assert erased.status_code == 204, erased.text
    assert recorded(desk, ident) == []
    with desk.runtime.db.connect() as connection:
        assert connection.rows("select 1 from sla_told where ticket_id = %(id)s", {"id": int(ident)}) == []


def test_what_was_closed_and_archived_between_two_rounds_was_closed(desk: Desk) -> None:
    """Each counts, though its ticket never told of it; an archived one that is still open has nothing to tell."""
    ident, still_open, absorbed, other = (desk.ticket(at=ago(9)) for _ in range(4))
    desk.write(ident, stage="4")
    desk.write(absorbed, stage="4")
    desk.ask("POST", f"/api/v1/objects/tickets/{other}/merge", absorb=[absorbed])
    for one in (ident, still_open):
        assert desk.client.delete(f"/api/v1/objects/tickets/{one}").status_code == 204
    lines = recorded(desk, ident)
    assert [(one["target"], one["outcome"]) for one in lines] == [(FIRST, "breached"), (RESOLUTION, "breached")]
    assert (recorded(desk, still_open), recorded(desk, absorbed), recorded(desk, ident)) == ([], [], lines)
    # It is told once, also when the ticket comes back and tells of itself.
    desk.ask("POST", f"/api/v1/objects/tickets/{ident}/restore")
    assert recorded(desk, ident) == lines
    assert desk.read(ident)["resolution_status"] == "breached"
