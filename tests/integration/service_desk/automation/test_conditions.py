"""Conditions that look through links: of policies, triggers, queues and rules of assignment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from services.service_desk.manifest import MANIFEST
from services.service_desk.promises.instants import ms, text
from services.service_desk.promises.sweeping import sweep
from shared.contracts.event import from_document
from shared.kernel.clock import now
from shared.service.foreign import drop_known, put_known
from shared.service.giving_out import follower
from tests.integration.service_desk.automation.conftest import ROOT, TRIGGERS, Following, declare, fired, linked
from tests.integration.service_desk.conftest import Desk

GERMAN = {"attribute": "contact.language", "operator": "EQ", "value": "de"}
HASTY = {"and": [GERMAN, {"attribute": "priority", "operator": "EQ", "value": "HIGH"}]}
ALWAYS = {day: [["00:00", "24:00"]] for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday")}
Contact = Callable[..., str]


def test_a_trigger_looks_through_links(desk: Desk, contact: Contact, follow: Following) -> None:
    declare(desk, "triggers", name="german", on=["created"], filter=GERMAN, actions=[{"note": {"text": "Hallo"}}])
    english = linked(desk, contact(email="en@conditions.example", language="en"))
    german = linked(desk, contact(email="de@conditions.example", language="de"))
    follow()
    assert ([one["outcome"] for one in fired(desk, german)], fired(desk, english)) == (["done"], [])
    tried = desk.ask("POST", f"{TRIGGERS}/try", trigger="german", tickets=[german, english])
    assert [one["ticket"] for one in tried["results"]] == [german]


def test_time_brings_a_trigger_that_looks_through_links(desk: Desk, contact: Contact, follow: Following) -> None:
    at = {"attribute": "opened_at", "after": 0}
    note = [{"note": {"text": "Hallo"}}]
    person = contact(email="late@conditions.example", language="de")
    declare(desk, "triggers", name="later", on=["time"], filter={"not": GERMAN}, at=at, actions=note)
    german, other = linked(desk, person), desk.ticket()
    follow()
    follow.acting.sweep()
    assert (len(fired(desk, other, "later")), fired(desk, german, "later")) == (1, [])


def test_a_queue_looks_through_links(desk: Desk, contact: Contact) -> None:
    owner = 771
    desk.ask("PUT", "/api/v1/types/tickets/pools/germans", members=[{"owner": str(owner)}])
    made = desk.ask(
        "POST", f"{ROOT}/queues", 201, name="German", filter=GERMAN, pool="germans", automatic=True
    )  # fmt: skip
    path = f"{ROOT}/queues/{made['id']}"
    ticket = linked(desk, contact(email="queue@conditions.example", language="de"))
    other = desk.ticket()
    assert desk.ask("GET", path)["unassigned"] >= 1
    giving = follower(MANIFEST, desk.runtime.db)
    with desk.runtime.db.transaction() as connection:
        sql = "select id, body from outbox order by id desc limit 20"
        events = [from_document({**body, "id": ident}) for ident, body in connection.rows(sql)][::-1]
        giving.handler(connection, events)
    assert (desk.read(ticket).get("owner_id"), desk.read(other).get("owner_id")) == (str(owner), None)
    desk.write(ticket, owner_id="")
    assert desk.ask("POST", f"{path}/next", owner=str(owner))["ticket"]
    desk.ask("DELETE", path, 204)


@pytest.fixture(scope="module")
def policies(desk: Desk) -> None:
    """A promise for everybody, and a better one for Germans."""
    hours = {**ALWAYS, "sunday": [["00:00", "24:00"]]}
    desk.ask("POST", "/api/v1/sla/calendars", 201, name="always", time_zone="UTC", hours=hours)
    for name, condition, seconds in (("everybody", None, 36000), ("german", GERMAN, 3600)):
        targets = {"resolution": {"otherwise": seconds}}
        desk.ask("POST", "/api/v1/sla/policies", 201, name=name, calendar="always", filter=condition, targets=targets)


def promise(desk: Desk, ticket: str, at: str = "") -> tuple[str, bool]:
    """Under which policy a ticket's resolution is, as its door and as the sweep tell."""
    path = f"/api/v1/objects/tickets/{ticket}/sla{at}"
    before = desk.ask("GET", path)["clocks"][-1]
    sweep(desk.runtime.db)
    after = desk.ask("GET", path)["clocks"][-1]
    return (after["counts_under"] or {}).get("policy"), before["due_at"] == after["due_at"]


def test_a_policy_looks_through_links_as_they_change(desk: Desk, contact: Contact, policies: None) -> None:
    person = contact(email="sla@conditions.example", language="en")
    ticket = linked(desk, person)
    assert promise(desk, ticket) == ("everybody", True)
    contact(person, language="de")
    assert promise(desk, ticket)[0] == "german"
    with desk.runtime.db.connect() as connection:
        sql = "select fits from sla_linked where ticket_id = %(id)s order by at"
        noted = [row[0] for row in connection.rows(sql, {"id": int(ticket)})]
    assert noted == [False, True]  # what counted before stays so, whenever clocks are worked out anew
    desk.write(ticket, priority="HIGH")
    assert promise(desk, ticket) == ("german", True)
    desk.ask("DELETE", f"/crm/v4/objects/tickets/{ticket}/associations/contacts/{person}", 204)
    assert promise(desk, ticket)[0] == "everybody"


def test_a_preview_looks_through_links(desk: Desk, contact: Contact, policies: None) -> None:
    past = str(text(ms(now() - timedelta(hours=2))))
    german = linked(desk, contact(email="preview@conditions.example", language="de"))
    other = desk.ticket(at=past)
    late = desk.ticket(at=past)
    desk.ask("PUT", f"/crm/v4/objects/tickets/{late}/associations/default/contacts/{_contact_of(desk, german)}")
    draft = {"name": "hasty", "calendar": "always", "filter": HASTY, "targets": {"resolution": {"otherwise": 60}}}
    desk.write(late, priority="HIGH")
    desk.write(other, priority="HIGH")
    found = desk.ask("POST", "/api/v1/sla/preview", policies=[draft])
    listed = {one["ticket"] for one in found["more"]}
    assert other not in listed
    assert found["whole"]


def test_lists_show_linked_values(desk: Desk, contact: Contact) -> None:
    ticket = linked(desk, contact(email="shown@conditions.example", last_name="Shown"), owner_id="96")
    views = "/api/v1/types/tickets/views"
    wanted = {"attribute": "contact.last_name", "operator": "EQ", "value": "shown"}
    columns = ["subject", "contact.last_name"]
    desk.ask("PUT", f"{views}/Shown", filter=wanted, attributes=columns)
    for path in (f"{views}/Shown/entities", "/api/v1/service_desk/agents/96/tickets?attributes=contact.last_name"):
        (found,) = desk.ask("GET", path)["results"]
        assert (found["id"], found["values"]["contact.last_name"]) == (ticket, "Shown")
    for wrong in ("contact.last_nam", "contact.company.name", "nothing.name"):
        answer = desk.ask("PUT", f"{views}/Wrong", 400, attributes=[wrong])
        assert wrong in str(answer["errors"])


def test_what_a_threshold_sets_is_looked_at_when_it_is_reached(desk: Desk, policies: None) -> None:
    over = {"name": "over", "target": "resolution", "moment": "at", "actions": [{"set": {"owner_id": "95"}}]}
    body = {"calendar": "always", "targets": {"resolution": {"otherwise": 60}}, "thresholds": [over]}
    tree = {"attribute": "subject", "operator": "EQ", "value": "reached"}
    desk.ask("POST", "/api/v1/sla/policies", 201, name="gone", filter=tree, **body)
    with desk.runtime.db.transaction() as connection:
        put_known(connection, "owner", [(91, 1, False)])
        connection.run("update sla_policy_version set valid_from = '2020-01-01'")
        connection.run("update sla_calendar_version set valid_from = '2020-01-01'")
        connection.run("update sla_revision set n = n + 1")
    try:
        ticket = desk.ticket(at=str(text(ms(now() - timedelta(hours=1)))), subject="reached")
        with desk.runtime.db.transaction() as connection:
            connection.run("update sla_clock set recorded_at = at where ticket_id = %(id)s", {"id": int(ticket)})
        sweep(desk.runtime.db)
        lines = desk.ask("GET", f"/api/v1/sla/actions?ticket={ticket}")["results"]
        assert [one["failed"] for one in lines] == ["95 is not the id of any owner"]
        assert desk.read(ticket).get("owner_id") is None
    finally:
        with desk.runtime.db.transaction() as connection:
            drop_known(connection, "owner", [91])


def test_what_was_reached_before_a_linked_value_changed_was_reached(
    desk: Desk, contact: Contact, policies: None
) -> None:
    over = {"name": "over", "target": "resolution", "moment": "at", "actions": []}
    tree = {"attribute": "subject", "operator": "EQ", "value": "late"}
    body = {"calendar": "always", "targets": {"resolution": {"otherwise": 60}}, "thresholds": [over]}
    desk.ask("POST", "/api/v1/sla/policies", 201, name="minute", filter=tree, **body)
    with desk.runtime.db.transaction() as connection:
        connection.run("update sla_policy_version set valid_from = '2020-01-01'")
        connection.run("update sla_calendar_version set valid_from = '2020-01-01'")
        connection.run("update sla_revision set n = n + 1")
    desk.runtime.own.books._held = None
    sweep(desk.runtime.db)
    person = contact(email="reached@conditions.example", language="en")
    ticket = linked(desk, person, at=str(text(ms(now() - timedelta(hours=1)))), subject="late")
    sweep(desk.runtime.db)
    with desk.runtime.db.transaction() as connection:
        connection.run("update sla_clock set recorded_at = at where ticket_id = %(id)s", {"id": int(ticket)})
    contact(person, language="de")
    assert promise(desk, ticket)[0] == "german"
    assert [one["threshold"] for one in desk.ask("GET", f"/api/v1/sla/actions?ticket={ticket}")["results"]] == ["over"]


def _contact_of(desk: Desk, ticket: str) -> str:
    found = desk.ask("GET", f"/crm/v4/objects/tickets/{ticket}/associations/contacts")
    return str(found["results"][0]["toObjectId"])


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("contact.company.name", "TOO_MANY_LINKS"),
        ("contact.lanuage", "PROPERTY_DOESNT_EXIST"),
        ("nothing.name", "PROPERTY_DOESNT_EXIST"),
    ],
)
def test_what_cannot_be_asked_is_told(desk: Desk, policies: None, name: str, code: str) -> None:
    tree = {"attribute": name, "operator": "EQ", "value": "x"}
    bodies: dict[str, dict[str, Any]] = {
        "/api/v1/sla/policies": {"calendar": "always", "targets": {"resolution": {"otherwise": 60}}},
        TRIGGERS: {"on": ["created"], "actions": [{"note": {"text": "x"}}]},
        f"{ROOT}/queues": {},
    }
    for path, body in bodies.items():
        answer = desk.ask("POST", path, 400, name="refused", filter=tree, **body)
        assert code in {one["code"] for one in answer["errors"]}, answer


def test_a_policy_does_not_ask_entities_of_the_desk_through_links(desk: Desk, policies: None) -> None:
    tree = {"attribute": "ticket.subject", "operator": "EQ", "value": "x"}
    body = {"calendar": "always", "targets": {"resolution": {"otherwise": 60}}, "filter": tree}
    answer = desk.ask("POST", "/api/v1/sla/policies", 400, name="refused", **body)
    assert [one["code"] for one in answer["errors"]] == ["NOT_AVAILABLE"]
