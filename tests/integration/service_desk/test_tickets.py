"""Tickets by both doors: stages and what they mean, closing and reopening, what is said."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from services.service_desk.promises.sweeping import sweep
from shared.kernel.clock import iso, now
from shared.kernel.context import SYSTEM, Context
from shared.service.entities import BulkItem, Draft, Ref, Update, View
from shared.service.jobs import work_off
from tests.integration.service_desk.conftest import ENTRIES, Desk


def days_ago(days: float) -> str:
    """An instant."""
    return iso(now() - timedelta(days=days))


def test_a_ticket_begins_in_the_first_stage(desk: Desk) -> None:
    values = desk.read(desk.ticket(subject="Printer on fire", at="2026-03-02T09:00:00Z"))
    assert (values["pipeline"], values["stage"], values["status"]) == ("0", "1", "new")
    assert values["opened_at"] == values["created_at"] == "2026-03-02T09:00:00.000Z"


def test_the_wire_dialect(desk: Desk) -> None:
    properties = {"subject": "Hello", "hs_ticket_priority": "HIGH", "hs_ticket_category": "PRODUCT_ISSUE;BILLING_ISSUE"}
    made = desk.ask("POST", "/crm/v3/objects/tickets", 201, properties={**properties, "hs_pipeline_stage": "3"})
    assert made["properties"].items() >= {**properties, "hs_pipeline": "0"}.items()
    assert desk.read(made["id"])["status"] == "waiting_on_us"
    found = desk.ask("GET", "/crm/v3/pipelines/tickets")["results"][0]
    assert [one["metadata"]["ticketState"] for one in found["stages"]] == ["OPEN", "OPEN", "OPEN", "CLOSED"]


def sla(desk: Desk, ident: str, at: str = "") -> dict[str, Any]:
    """A ticket's clocks."""
    return dict(desk.ask("GET", f"/api/v1/objects/tickets/{ident}/sla" + (f"?at={at}" if at else "")))


def test_a_customers_word_wakes_a_ticket(desk: Desk) -> None:
    """The first that is ever opened again: what is counted of tickets has no place yet when an entry is written."""
    ident = desk.ticket(subject="Still broken")
    desk.write(ident, stage="2")
    desk.say(ident, "CUSTOMER")
    assert desk.read(ident)["status"] == "waiting_on_us"
    desk.write(ident, stage="4")
    desk.say(ident)
    desk.say(ident, "CUSTOMER", visibility="INTERNAL")
    # What was said before it was closed, and history that is told, wakes nothing.
    desk.say(ident, "CUSTOMER", said_at=days_ago(1))
    desk.say(ident, "CUSTOMER", at=iso(now()))
    assert desk.read(ident)["status"] == "closed"
    desk.say(ident, "CUSTOMER")
    woken = desk.read(ident)
    assert (woken["status"], woken["reopened_count"], woken.get("closed_at")) == ("waiting_on_us", 1, None)
    visits = desk.ask("GET", f"/api/v1/objects/tickets/{ident}/visits")["results"]
    assert [one["stage"] for one in visits] == ["1", "2", "3", "4", "3"]
    moment = iso(now())
    clocks = sla(desk, ident, moment)
    assert clocks["cycle"] == 2
    assert {(one["target"], one["cycle"]) for one in clocks["clocks"] if one["stopped_at"] is None} == {
        ("first_response", 2),
        ("resolution", 2),
    }
    with desk.runtime.db.transaction() as connection:
        connection.run("update sla_clock set redo = true where ticket_id = %(id)s", {"id": int(ident)})
    assert sla(desk, ident, moment) == clocks


def test_a_ticket_that_was_closed_long_ago_stays_closed(desk: Desk) -> None:
    ident = desk.ticket(subject="Long solved", at=days_ago(40))
    desk.write(ident, stage="4", at=days_ago(15))
    (error,) = desk.say(ident, "CUSTOMER", 400)["errors"]
    assert f"parent_id {ident}" in error["message"]
    assert (error["context"]["propertyName"], desk.read(ident)["status"]) == (["ticket_id"], "closed")
    mail = "From: c@example.org\nSubject: Again\nMessage-ID: <late@x>\n\nAgain."
    desk.write(ident, thread_id="<long@x>")
    made = desk.ask("POST", "/api/v1/service_desk/messages", raw=f"In-Reply-To: <long@x>\n{mail}")
    assert (made["outcome"], desk.read(made["ticket"])["parent_id"]) == ("opened", ident)
    # How long is for the pipeline to say.
    desk.ask("PATCH", "/api/v1/types/tickets/pipelines/0", metadata={"reopenDays": "20"})
    desk.say(ident, "CUSTOMER")
    assert desk.read(ident)["status"] == "waiting_on_us"
    desk.ask("PATCH", "/api/v1/types/tickets/pipelines/0", metadata={"reopenDays": None})


def test_closing_and_reopening(desk: Desk) -> None:
    ident = desk.ticket(subject="Slow", at="2026-03-02T09:00:00Z")
    desk.write(ident, stage="4", at="2026-03-02T10:00:00Z")
    closed = desk.read(ident)
    assert (closed["status"], closed["closed_at"]) == ("closed", "2026-03-02T10:00:00.000Z")
    assert closed["time_to_close"] == 3600_000
    desk.write(ident, stage="3", at="2026-03-03T10:00:00Z")
    again = desk.read(ident)
    assert (again["status"], again["reopened_count"]) == ("waiting_on_us", 1)
    assert again.get("closed_at") is None


def test_a_pipeline_may_keep_closed_what_was_closed_long_ago(desk: Desk) -> None:
    stages = [
        {"label": "Open", "metadata": {"ticketState": "OPEN"}},
        {"label": "Done", "metadata": {"ticketState": "CLOSED"}},
    ]
    body = {"label": "Short", "metadata": {"reopenDays": "7"}, "stages": stages}
    made = desk.ask("POST", "/api/v1/types/tickets/pipelines", 201, **body)
    opened, done = (one["id"] for one in made["stages"])
    ident = desk.ticket(pipeline=made["id"], stage=opened, at="2026-03-02T09:00:00Z")
    assert desk.read(ident)["status"] == "open"
    desk.write(ident, stage=done, at="2026-03-03T09:00:00Z")
    error = desk.write(ident, 400, stage=opened, at="2026-03-10T09:00:01Z")
    assert "parent_id" in error["errors"][0]["message"]
    desk.write(ident, stage=opened, at="2026-03-10T09:00:00Z")


def test_what_is_said_stays_as_it_was_said(desk: Desk) -> None:
    ident = desk.ticket(subject="Quiet")
    made = desk.say(ident)
    found = desk.ask("GET", f"{ENTRIES}/{made['id']}")["values"]
    assert (found["visibility"], found["author"], found["ticket_id"]) == ("PUBLIC", "AGENT", ident)
    desk.ask("PATCH", f"{ENTRIES}/{made['id']}", values={"body": "Corrected"})
    desk.ask("PATCH", f"{ENTRIES}/{made['id']}", 400, values={"visibility": "INTERNAL"})


def test_nothing_is_no_answer(desk: Desk) -> None:
    ident = desk.ticket(subject="Silence")
    for values in ({"body": ""}, {"body": "<p>&nbsp;</p>"}, {"body": None, "author": "CUSTOMER"}):
        (error,) = desk.say(ident, status=400, **values)["errors"]
        assert (error["context"]["propertyName"], "say something" in error["message"]) == (["body"], True)
    assert {one["stopped_at"] for one in sla(desk, ident)["clocks"]} == {None}
    said = desk.say(ident)
    desk.ask("PATCH", f"{ENTRIES}/{said['id']}", 400, values={"body": " "})
    # Customers send empty e-mails: that they wrote is known.
    raw = "From: c@example.org\nSubject: Nothing\nMessage-ID: <nothing@x>\n\n"
    assert desk.ask("POST", "/api/v1/service_desk/messages", raw=raw)["outcome"] == "opened"


def test_what_is_said_to_be_said_before_there_was_anything(desk: Desk) -> None:
    early = "0001-01-02T00:00:00Z"
    desk.ask("POST", "/api/v1/objects/tickets", 400, values={"subject": "x"}, effective_at=early)
    ident = desk.ticket(subject="Old", at="2026-03-02T09:00:00Z")
    desk.say(ident, status=400, said_at=early)
    # Since 1970 it may be: what was said before the ticket was opened counts from its opening.
    desk.say(ident, said_at="2025-03-02T09:00:00Z", at="2026-03-02T10:00:00Z")
    sweep(desk.runtime.db)
    found = desk.read(ident)
    assert found["first_reply_at"] == found["last_reply_at"] == found["opened_at"] == "2026-03-02T09:00:00.000Z"
    assert found["time_to_first_reply"] == 0


def test_tickets_are_linked_and_have_parents(desk: Desk) -> None:
    parent = desk.ticket(subject="Outage")
    child = desk.ticket(subject="No mail", parent_id=parent)
    assert desk.read(child)["parent_id"] == parent
    desk.write(child, 400, parent_id=child)


def test_stage_visits(desk: Desk) -> None:
    ident = desk.ticket(at="2026-03-02T09:00:00Z")
    desk.write(ident, stage="2", at="2026-03-02T11:00:00Z")
    visits = desk.ask("GET", f"/api/v1/objects/tickets/{ident}/visits")["results"]
    assert [one["stage"] for one in visits] == ["1", "2"]


def test_merging(desk: Desk) -> None:
    one, other = desk.ticket(subject="Twice"), desk.ticket(subject="Twice", priority="HIGH")
    body = {"primaryObjectId": one, "objectIdToMerge": other}
    merged = desk.ask("POST", "/crm/v3/objects/tickets/merge", **body)
    assert desk.read(merged["id"])["priority"] == "HIGH"


def test_tickets_follow_what_their_stage_means(desk: Desk) -> None:
    stages = [{"label": name, "metadata": {"ticketState": "OPEN"}} for name in ("In", "Parked")]
    body = {"label": "Turning", "metadata": {"reopenDays": "7"}, "stages": stages}
    made = desk.ask("POST", "/api/v1/types/tickets/pipelines", 201, **body)
    parked = made["stages"][1]["id"]
    ident = desk.ticket(pipeline=made["id"], stage=parked, at="2026-03-02T09:00:00Z")
    other = desk.ticket(pipeline=made["id"], stage=made["stages"][0]["id"])
    path = f"/api/v1/types/tickets/pipelines/{made['id']}/stages/{parked}"

    def says(**metadata: str) -> dict[str, Any]:
        desk.ask("PATCH", path, metadata=metadata)
        while work_off(desk.runtime):
            pass
        return desk.read(ident)

    assert says(statusCategory="waiting_on_customer")["status"] == "waiting_on_customer"
    closed = says(ticketState="CLOSED")
    assert (closed["status"], closed["closed_at"] > "2026-03-02", closed["time_to_close"] > 0) == ("closed", True, True)
    again = says(statusCategory="waiting_on_customer", rottingDays="2")
    assert (again["status"], again.get("closed_at"), again["rotting_at"]) == (
        "waiting_on_customer",
        None,
        "2026-03-04T09:00:00.000Z",
    )
    assert not again.get("reopened_count")
    assert len(desk.ask("GET", f"/api/v1/objects/tickets/{ident}/visits")["results"]) == 1
    assert desk.read(other)["status"] == "open"


def statements_of(desk: Desk, write: Callable[[], Any]) -> int:
    """How many a write takes; whether what is promised has changed is asked once a second, whoever writes."""
    with desk.runtime.db.counted() as found:
        write()
    return len([one for one in found if "sla_revision" not in one])


def test_clocks_and_visits_cost_no_statement(desk: Desk) -> None:
    """They ride along with the event of the write: for one ticket and for many."""
    entities, context, nothing = desk.runtime.entities, Context(SYSTEM), View(attributes=())

    def created(count: int) -> list[int]:
        return [one.id for one in entities.create(context, "ticket", [Draft({"subject": "Hello"})] * count, nothing)]

    def changed(ids: list[int], **values: str) -> int:
        updates = [Update(Ref(one), values) for one in ids]
        return statements_of(desk, lambda: entities.update(context, "ticket", updates, nothing))

    one, many = created(1), created(20)
    for stage in ("2", "3", "4", "1"):  # every attribute gets its slot
        changed(one, stage=stage, priority="HIGH")
    assert statements_of(desk, lambda: created(1)) == statements_of(desk, lambda: created(20)) == 2
    for ids in (one, many):
        assert changed(ids, subject="Hello there") == 3
        assert changed(ids, priority="LOW") == 3
        assert [changed(ids, stage=stage) for stage in ("2", "3")] == [3, 3]
        assert changed(ids, stage="1", priority="URGENT") == 3


def test_what_is_made_and_changed_in_one_call_has_both_on_its_clock(desk: Desk) -> None:
    day = now() - timedelta(days=2)
    items = [
        BulkItem({"thread_id": "<made-and-moved@example.test>", **values}, ref, effective_at=day + timedelta(hours=n))
        for n, (values, ref) in enumerate(
            [
                ({"subject": "Hello"}, None),
                ({"stage": "2"}, Ref(attribute="thread_id", value="<made-and-moved@example.test>")),
            ]
        )
    ]
    made, moved = desk.runtime.entities.bulk(Context(SYSTEM, "IMPORT"), "ticket", items)
    assert (made.outcome, moved.outcome, moved.id) == ("created", "updated", made.id)
    with desk.runtime.db.connect() as connection:
        row = connection.row(
            "select jsonb_array_length(pending) from sla_clock where ticket_id = %(id)s", {"id": made.id}
        )
    assert row == (1,)
