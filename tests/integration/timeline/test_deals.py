"""Deals on the timelines of their customers: whenever links come, and whoever says last what they are."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from threading import Thread
from typing import Any

import pytest

from shared.contracts.event import CATALOG_TYPE, CREATED, LINK, UPDATED, Event
from tests.integration.timeline.conftest import Desk

AT = datetime(2026, 7, 1, tzinfo=UTC)
PLAIN = {
    ("deal", "contact"): 3,
    ("contact", "ticket"): 15,
    ("contact", "deal"): 4,
    ("deal", "company"): 341,
    ("note", "deal"): 214,
}
_clocks = itertools.count(1)


@pytest.fixture
def ada(desk: Desk) -> int:
    return desk.make("contacts", first_name="Ada")


def said(start: tuple[str, int], end: tuple[str, int], *, live: bool = True, clock: int = 0, origin: str = "") -> Event:
    """A link as a log tells of it."""
    relation = PLAIN[start[0], end[0]]
    ends = {name: {"type": kind, "id": str(ident)} for name, (kind, ident) in (("from", start), ("to", end))}
    detail = {"relation": relation, "inverse": 0, "live": live, "clock": str(clock or next(_clocks)), **ends}
    return Event(LINK, start[0], AT, start[1], detail={**detail, "origin": origin or "opportunities"})


def tell(desk: Desk, *events: Event, source: str = "opportunities") -> None:
    with desk.db.transaction() as connection:
        desk.timeline().apply(connection, source, events)


def lines(desk: Desk, kind: str, ident: int, **asked: Any) -> list[Any]:
    return [(one["kind"], one.get("entity", {}).get("id")) for one in desk.read(kind, ident, **asked)["results"]]


def test_stage_moves_stand_with_the_customer_whenever_the_link_comes(desk: Desk, ada: int) -> None:
    deal = desk.deal(name="Big", stage="appointmentscheduled", amount=100)
    desk.change_deal(deal, stage="contractsent")
    desk.catch_up()
    assert lines(desk, "contact", ada) == [("created", None)]
    assert [one for one, _ in lines(desk, "deal", deal)] == ["stage", "created"]
    tell(desk, said(("deal", deal), ("contact", ada)))
    desk.change_deal(deal, stage="closedwon", description="not for customers")
    desk.catch_up()
    found = desk.read("contact", ada, kinds="stage")["results"]
    assert [one["changes"][0]["new"] for one in found] == ["closedwon", "contractsent"]
    assert found[0]["entity"] == {"type": "deal", "id": str(deal)}
    assert found[0]["changes"][0]["new_label"] == "Closed won"
    assert found[0]["service"] == "opportunities"
    assert "changed" in [one for one, _ in lines(desk, "deal", deal)]
    assert ("changed", str(deal)) not in lines(desk, "contact", ada)
    assert ("linked", str(deal)) in lines(desk, "contact", ada)
    assert ("linked", str(ada)) in lines(desk, "deal", deal)


def test_an_undone_link_takes_them_away(desk: Desk, ada: int) -> None:
    deal = desk.deal(name="Small")
    desk.catch_up()
    tell(desk, said(("contact", ada), ("deal", deal), origin="contacts"), source="contacts")
    assert [one for one, _ in lines(desk, "contact", ada) if one != "linked"].count("created") == 2
    tell(desk, said(("deal", deal), ("contact", ada), live=False))
    assert sorted(one for one, _ in lines(desk, "contact", ada)) == ["created", "linked", "unlinked"]


def test_the_last_word_counts_in_whatever_order_it_is_heard(desk: Desk, ada: int) -> None:
    deal = desk.deal(name="Contested")
    desk.catch_up()
    first = said(("deal", deal), ("contact", ada), clock=10, origin="contacts")
    last = said(("contact", ada), ("deal", deal), live=False, clock=10, origin="opportunities")
    for order in ((first, last), (last, first), (last, first, last, first)):
        for one in order:
            tell(desk, one)
        assert ("created", str(deal)) not in lines(desk, "contact", ada)
    tell(desk, said(("deal", deal), ("contact", ada), clock=11, origin="contacts"))
    assert ("created", str(deal)) in lines(desk, "contact", ada)


def test_activities_of_a_deal(desk: Desk) -> None:
    deal = desk.deal(name="Noted")
    note = desk.activity("notes", body="On the deal")
    desk.catch_up()
    tell(desk, said(("note", note), ("deal", deal), origin="contacts"), source="contacts")
    assert ("note", str(note)) in lines(desk, "deal", deal)
    desk.client().delete(f"/api/v1/objects/notes/{note}")
    desk.catch_up()
    assert ("note", str(note)) not in lines(desk, "deal", deal)


def test_rights_over_deals(desk: Desk, ada: int) -> None:
    deal = desk.deal(name="Secret")
    desk.catch_up()
    tell(desk, said(("deal", deal), ("contact", ada)))
    asked = {"name": "t", "scopes": ["crm.objects.contacts.read"]}
    token = desk.system.client("workspace").post("/api/v1/tokens", json=asked).get_json()["token"]
    found = desk.read("contact", ada, token=token)
    assert [one["kind"] for one in found["results"]] == ["created"]
    assert found["left_out"] == [{"type": "deal", "scope": "crm.objects.deals.read"}]
    assert desk.client(token).get(f"/api/v1/timeline/deal/{deal}").status_code == 403


def test_tickets_stand_there_in_the_same_way(desk: Desk, ada: int) -> None:
    stage = {"id": 7, "name": "stage", "label": "Stage", "kind": "enumeration", "options": []}
    named = {"name": "ticket", "plural": "tickets", "label": "Ticket", "attributes": [stage]}
    events = [
        Event(CATALOG_TYPE, "ticket", AT, detail=named),
        Event(CREATED, "ticket", AT, 5, 1, changed={"7": [None, "1"]}),
        Event(UPDATED, "ticket", AT, 5, 2, changed={"7": ["1", "4"]}),
        said(("contact", ada), ("ticket", 5)),
    ]
    tell(desk, *events, source="service_desk")
    desk.catch_up()
    assert lines(desk, "contact", ada)[1:] == [("stage", "5"), ("created", "5"), ("linked", "5")]
    assert [one for one, _ in lines(desk, "ticket", 5)] == ["stage", "created", "linked"]


def test_followers_of_two_logs_take_turns(desk: Desk, ada: int) -> None:
    """What one of them just lets stand there must not survive the other's taking it away."""
    deal = desk.deal(name="Raced")
    desk.catch_up()
    tell(desk, said(("deal", deal), ("contact", ada)))
    moved = Event(UPDATED, "deal", AT, deal, 900, changed={stage_key(desk): ["appointmentscheduled", "contractsent"]})
    undone = said(("contact", ada), ("deal", deal), live=False)
    with desk.db.transaction() as connection:
        desk.timeline().apply(connection, "contacts", [undone])
        other = Thread(target=tell, args=(desk, moved))
        other.start()
        other.join(1.0)  # without turns it is done by now; with them it waits for us
    other.join(120)
    assert not other.is_alive()
    assert ("stage", str(deal)) not in lines(desk, "contact", ada)
    assert ("stage", None) in lines(desk, "deal", deal)


def stage_key(desk: Desk) -> str:
    return desk.deals.catalog.type("deal").attribute("stage").key
