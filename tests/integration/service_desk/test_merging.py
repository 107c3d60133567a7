"""Tickets that were merged have one conversation, and parents that mean something."""

from __future__ import annotations

from services.service_desk.joining import join_earlier
from shared.kernel.context import SYSTEM, Context
from shared.service.entities import BulkItem, Ref
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


def test_what_customers_say_to_an_absorbed_id_wakes_the_survivor(desk: Desk) -> None:
    one, other = desk.ticket(subject="One"), desk.ticket(subject="Other")
    merge(desk, one, other)
    desk.write(one, stage="4")
    desk.say(other, "CUSTOMER")
    woken = desk.ask("GET", f"{TICKETS}/{other}/sla")
    assert (woken["ticket"], woken["status"], woken["cycle"]) == (one, "waiting_on_us", 2)


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


def test_a_parent_is_there_and_no_part_of_its_parts(desk: Desk) -> None:
    top = desk.ticket(subject="Top")
    middle = desk.ticket(subject="Middle", parent_id=top)
    low = desk.ticket(subject="Low", parent_id=middle)
    gone = desk.ticket(subject="Gone")
    desk.ask("DELETE", f"{TICKETS}/{gone}", 204)
    for wrong in ("99999999", gone, middle, low, top):
        refused = desk.write(top, 400, parent_id=wrong)["errors"][0]
        assert (refused["code"], refused["context"]["propertyName"]) == ("INVALID_OPTION", ["parent_id"])
    desk.ask("POST", TICKETS, 400, values={"parent_id": "99999999"})
    assert desk.read(top)["parent_id"] is None
    desk.write(low, parent_id=top)


def test_who_is_merged_with_its_parent_is_no_part_of_itself(desk: Desk) -> None:
    for parent_stays in (True, False):
        top = desk.ticket(subject="Top")
        middle = desk.ticket(subject="Middle", parent_id=top)
        other = desk.ticket(subject="Other", parent_id=middle)
        survivor, absorbed = (top, middle) if parent_stays else (middle, top)
        merge(desk, survivor, absorbed)
        assert (desk.read(survivor)["parent_id"], desk.read(other)["parent_id"]) == (None, survivor)
        desk.ask("POST", f"{TICKETS}/{survivor}/unmerge")
        assert desk.read(other)["parent_id"] == middle
    top = desk.ticket(subject="Top")
    middle = desk.ticket(subject="Middle", parent_id=top)
    low = desk.ticket(subject="Low", parent_id=middle)
    merge(desk, low, top)
    assert (desk.read(middle)["parent_id"], desk.read(low)["parent_id"]) == (low, None)


def test_followers_are_united_and_parted_again(desk: Desk) -> None:
    one, other = desk.ticket(followers="5;6"), desk.ticket(followers="6;7")
    merge(desk, one, other)
    assert desk.read(one)["followers"] == "5;6;7"
    desk.write(one, followers="5;7;8")
    desk.ask("POST", f"{TICKETS}/{one}/unmerge")
    assert (desk.read(one)["followers"], desk.read(other)["followers"]) == ("5;8", "6;7")


def test_a_survey_about_a_ticket_that_was_merged_is_about_the_survivor(desk: Desk) -> None:
    one, other, third = desk.ticket(), desk.ticket(owner_id="7"), desk.ticket()

    def ask(ticket: str) -> str:
        url = desk.ask("POST", "/api/v1/service_desk/surveys", 201, ticket=ticket)["url"]
        return str(url[url.index("/api/") :])

    links = [ask(other), ask(third)]
    merge(desk, one, other)
    assert desk.client.get(links[0]).status_code == 200
    assert desk.client.post(links[0], data={"score": "2"}).status_code == 200
    values = desk.read(one)
    assert (values["csat_score"], values["csat_agent"]) == (2, "7")
    ask(one)
    merge(desk, one, third)
    assert desk.client.post(links[1], data={"score": "5"}).status_code == 200
    assert desk.read(one).get("csat_score") is None  # asked about itself since: that answer is what is waited for


def test_what_was_said_before_merging_moved_it_is_moved_once(desk: Desk) -> None:
    one, other = desk.ticket(at=NINE), desk.ticket(at=NINE)
    entry = desk.say(other, said_at=TEN)["id"]
    merge(desk, one, other)
    live = desk.runtime.catalog.type("ticket_entry")
    column = live.attributes["ticket_id"].column
    with desk.runtime.db.transaction() as connection:  # as it was merged earlier
        params = {"ticket": int(other), "entry": int(entry)}
        connection.run(f"update eav_entity_{live.table} set {column} = %(ticket)s where id = %(entry)s", params)
        connection.run("update sla_said set ticket_id = %(ticket)s where entry_id = %(entry)s", params)
        connection.run("insert into desk_joining (after) values (0) on conflict do nothing")
    while join_earlier(desk.runtime.db):
        pass
    assert said(desk, one) == [entry]
    clocks = desk.ask("GET", f"{TICKETS}/{one}/sla")["clocks"]
    assert [clock["stopped_at"] for clock in clocks if clock["target"] == "first_response"] == [TEN]
    assert join_earlier(desk.runtime.db) == 0


def test_rows_of_a_file_name_parents_that_can_be(desk: Desk) -> None:
    top, low, other = desk.ticket(), desk.ticket(), desk.ticket()
    desk.write(low, parent_id=top)
    gone = desk.ticket()
    desk.ask("DELETE", f"{TICKETS}/{gone}", 204)
    rows = [
        (None, low, None),
        (top, low, "is a part of this one"),
        (other, top, None),
        (top, other, "is a part of this one"),  # by the row before
        (other, "", None),
        (None, gone, "there is no ticket"),
        (other, other, "is a part of this one"),
    ]
    items = [
        BulkItem({"parent_id": parent, "subject": "Row"}, None if ident is None else Ref(int(ident)))
        for ident, parent, _ in rows
    ]
    found = desk.runtime.entities.bulk(Context(SYSTEM, "IMPORT"), "ticket", items)
    for (_, _, told), one in zip(rows, found, strict=True):
        assert (told or "") in " ".join(error.message for error in one.errors), one
        assert bool(one.errors) is (told is not None), one
    assert desk.read(other).get("parent_id") is None
