"""Tickets that were merged have one conversation, and parents that mean something."""

from __future__ import annotations

from tests.integration.service_desk.conftest import ENTRIES, TICKETS, Desk
from tests.integration.service_desk.test_splitting import NINE, TEN, said


def merge(desk: Desk, survivor: str, *absorbed: str) -> None:
    """Make one ticket of several."""
    desk.ask("POST", f"{TICKETS}/{survivor}/merge", absorb=list(absorbed))


def test_what_was_said_about_the_absorbed_is_about_the_survivor(desk: Desk) -> None:
    one, other = desk.ticket(subject="One", at=NINE), desk.ticket(subject="Other", at=NINE)
    first = desk.say(one, "CUSTOMER", said_at=NINE)["id"]
    replied = desk.say(other, said_at=TEN)["id"]
    note = desk.say(other, visibility="INTERNAL")["id"]
    merge(desk, one, other)
    assert said(desk, one) == [first, replied, note]
    assert said(desk, other) == []
    moved = desk.ask("GET", f"{ENTRIES}/{note}?history=ticket_id")["history"]["ticket_id"]
    assert [(change["value"], change["source"]) for change in moved] == [(one, "MERGE_OBJECTS"), (other, "API")]
    shown = desk.ask("GET", f"{TICKETS}/{other}/sla")
    assert shown["ticket"] == one
    assert [clock["stopped_at"] for clock in shown["clocks"] if clock["target"] == "first_response"] == [TEN]


def test_what_is_said_to_an_absorbed_id_is_said_to_the_survivor(desk: Desk) -> None:
    one, other = desk.ticket(subject="One"), desk.ticket(subject="Other")
    merge(desk, one, other)
    made = [desk.say(other, "CUSTOMER"), desk.say(other, visibility="INTERNAL")]
    assert [entry["values"]["ticket_id"] for entry in made] == [one, one]
    assert said(desk, one) == [entry["id"] for entry in made]
    assert desk.ask("GET", f"{TICKETS}/{one}/sla")["clocks"]
    desk.ask("PATCH", f"{ENTRIES}/{made[0]['id']}", values={"body": "Corrected"})


def test_unmerging_gives_back_what_came_with_it(desk: Desk) -> None:
    one, other, third = (desk.ticket(subject=name, at=NINE) for name in ("One", "Other", "Third"))
    mine, theirs, last = (desk.say(ticket, said_at=TEN)["id"] for ticket in (one, other, third))
    merge(desk, other, third)
    merge(desk, one, other)
    assert said(desk, one) == [mine, theirs, last]
    later, named = desk.say(one)["id"], desk.say(third, "SYSTEM")["id"]
    desk.ask("POST", f"{TICKETS}/{one}/unmerge")
    assert (said(desk, one), said(desk, other)) == ([mine, later], [theirs, last, named])
    desk.ask("POST", f"{TICKETS}/{other}/unmerge")
    assert (said(desk, other), said(desk, third)) == ([theirs], [last, named])
    for ticket in (one, other, third):
        clocks = desk.ask("GET", f"{TICKETS}/{ticket}/sla")["clocks"]
        assert [clock["stopped_at"] for clock in clocks if clock["target"] == "first_response"] == [TEN]
