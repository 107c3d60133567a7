"""Tickets on the timelines of their customers, and what an erasure over there takes along here. Three real services."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from services.service_desk.manifest import MANIFEST as SERVICE_DESK
from shared.bus.client import DirectSource
from shared.bus.consumer import pull
from shared.contracts.event import CATALOG_TYPE, CREATED, UPDATED, Event
from shared.kernel.errors import Unavailable
from shared.service.erasure.secret import Secret
from tests.factories.searching import tables_with
from tests.integration.service.conftest import ADMIN, application
from tests.integration.timeline.conftest import Desk, events
from tests.integration.timeline.test_any_order import in_pieces
from tests.integration.timeline.test_deals import AT, PLAIN, said, tell

TICKETS, ENTRIES = "/api/v1/objects/tickets", "/api/v1/objects/ticket_entries"
FOLLOWED = ("contacts.timeline.of.service_desk", "contacts.mirrors.service_desk", "contacts.timeline")
CLOCK = ("target", "cycle", "round", "status", "started_at", "stopped_at")
HOLDER = 16
"""A ticket's contact."""


class Side:
    """The service desk beside contacts."""

    def __init__(self, desk: Desk, app: Any) -> None:
        self.desk = desk
        self.app = app
        self.runtime = app.extensions["crm"]
        self.client = app.test_client()
        self.client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {ADMIN}"

    def post(self, path: str, **body: Any) -> int:
        answer = self.client.post(path, json=body)
        assert answer.status_code in (200, 201), answer.text
        return int(answer.get_json().get("id", 0))

    def ticket(self, *contacts: int, **values: Any) -> int:
        links = [{"type": "contact", "id": str(one)} for one in contacts]
        return self.post(TICKETS, values={"pipeline": "0", **values}, links=links)

    def say(self, ticket: int, body: str, visibility: str = "PUBLIC", **values: Any) -> int:
        told = {"ticket_id": str(ticket), "body": body, "visibility": visibility, "author": "AGENT", **values}
        return self.post(ENTRIES, values=told)

    def change(self, path: str, ident: int, **values: Any) -> None:
        answer = self.client.patch(f"{path}/{ident}", json={"values": values})
        assert answer.status_code == 200, answer.text

    def clocks(self, ticket: int) -> list[dict[str, Any]]:
        answer = self.client.get(f"{TICKETS}/{ticket}/sla")
        return [{name: one[name] for name in CLOCK} for one in answer.get_json()["clocks"]]

    def there(self, path: str, ident: int) -> bool:
        return any(self.client.get(f"{path}/{ident}?archived={one}").status_code == 200 for one in ("false", "true"))

    def hear(self) -> None:
        """The desk takes in what contacts told; once more where its catalog has moved on, as followers do."""
        feeds = DirectSource({"contacts": self.desk.runtime.feed})
        again = True
        while again:
            try:
                again = pull(self.runtime.db, feeds, self.runtime.follows["service_desk.mirrors.contacts"]).behind
            except Unavailable:
                continue

    def tell(self) -> None:
        """Contacts takes in what the desk told."""
        feeds = DirectSource({"service_desk": self.runtime.feed, "contacts": self.desk.runtime.feed})
        for name in FOLLOWED:
            while pull(self.desk.db, feeds, self.desk.runtime.follows[name]).behind:
                pass

    def settle(self) -> None:
        for _ in range(2):
            self.hear()
            self.tell()

    def reviews(self) -> set[tuple[str, str, str]]:
        page = self.client.get("/api/v1/service_desk/erasures/review?limit=500").get_json()["results"]
        return {(one["erased"]["id"], one["entity"]["type"], one["entity"]["id"]) for one in page}


@pytest.fixture(scope="module")
def side(desk: Desk, new_database: Any, redis_url: str) -> Iterator[Side]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        made = Side(desk, application(SERVICE_DESK, new_database(SERVICE_DESK), redis_url, monkeypatch))
        for one in (desk.runtime, made.runtime):
            monkeypatch.setattr(one.erasure, "_secrets", lambda: [Secret.of("secret of tests")])
        monkeypatch.setattr("shared.service.bereft.secrets_of", lambda _settings: [Secret.of("secret of tests")])
        yield made
        made.runtime.db.dispose()


@pytest.fixture
def word() -> str:
    return f"w{uuid.uuid4().hex[:12]}"


@pytest.fixture
def ada(desk: Desk, side: Side, word: str) -> int:
    made = desk.make("contacts", first_name=word, email=f"{word}@example.com")
    side.hear()
    return made


def erase(desk: Desk, ident: int) -> None:
    answer = desk.client().post("/crm/v3/objects/contacts/gdpr-delete", json={"objectId": str(ident)})
    assert answer.status_code == 204, answer.text


def kinds(desk: Desk, ident: int, **asked: Any) -> list[tuple[str, str | None]]:
    return [(one["kind"], one.get("data", {}).get("title")) for one in desk.read("contact", ident, **asked)["results"]]


def token(desk: Desk, *scopes: str) -> str:
    body = {"name": "t", "scopes": [f"crm.objects.{one}.read" for one in scopes]}
    return str(desk.system.client("workspace").post("/api/v1/tokens", json=body).get_json()["token"])


def test_what_is_said_stands_with_ticket_and_customer(desk: Desk, side: Side, ada: int) -> None:
    ticket = side.ticket(ada, subject="It burns")
    reply = side.say(ticket, "Use <b>water</b>", said_at="2026-03-01T10:00:00Z")
    side.say(ticket, "Do not tell them", "INTERNAL", said_at="2026-03-02T10:00:00Z")
    side.change(TICKETS, ticket, stage="4")
    side.settle()
    found = kinds(desk, ada)
    assert ("public_reply", "Use water") in found
    assert ("internal_note", "Do not tell them") in found
    (line,) = desk.read("contact", ada, kinds="public_reply")["results"]
    assert line["entity"] == {"type": "ticket_entry", "id": str(reply)}
    assert line["data"] == {"ticket": str(ticket), "author": "AGENT", "title": "Use water"}
    assert (line["at"], line["service"]) == ("2026-03-01T10:00:00.000Z", "service_desk")
    (moved,) = desk.read("contact", ada, kinds="stage")["results"]
    assert {one["attribute"]: one["new"] for one in moved["changes"]} == {"stage": "4", "status": "closed"}
    assert [one["kind"] for one in desk.read("ticket", ticket, kinds="public_reply,internal_note")["results"]] == [
        "internal_note",
        "public_reply",
    ]
    side.change(ENTRIES, reply, body="Use sand")
    side.settle()
    assert kinds(desk, ada, kinds="public_reply") == [("public_reply", "Use sand")]
    assert side.client.delete(f"{ENTRIES}/{reply}").status_code == 204
    side.settle()
    assert kinds(desk, ada, kinds="public_reply") == []
    side.post(f"{ENTRIES}/{reply}/restore")
    side.settle()
    assert kinds(desk, ada, kinds="public_reply") == [("public_reply", "Use sand")]


def test_lines_follow_the_links_of_their_ticket(desk: Desk, side: Side, ada: int) -> None:
    ticket = side.ticket(subject="Whose")
    side.say(ticket, "Hello")
    side.settle()
    assert kinds(desk, ada) == [("created", None)]
    assert side.client.put(f"/crm/v4/objects/tickets/{ticket}/associations/default/contacts/{ada}").status_code == 200
    side.settle()
    assert ("public_reply", "Hello") in kinds(desk, ada)
    assert side.client.delete(f"/crm/v4/objects/tickets/{ticket}/associations/contacts/{ada}").status_code == 204
    side.settle()
    assert ("public_reply", "Hello") not in kinds(desk, ada)


def test_rights(desk: Desk, side: Side, ada: int) -> None:
    ticket = side.ticket(ada, subject="Secret")
    for visibility in ("PUBLIC", "INTERNAL"):
        side.say(ticket, visibility, visibility)
    side.settle()
    spoken = {"kinds": "public_reply,internal_note"}
    every = token(desk, "contacts", "tickets", "ticket_entries")
    assert [one for one, _ in kinds(desk, ada, token=every, **spoken)] == ["internal_note", "public_reply"]
    said_only = token(desk, "contacts", "ticket_entries")
    assert [one for one, _ in kinds(desk, ada, token=said_only, **spoken)] == ["public_reply"]
    few = desk.read("contact", ada, token=token(desk, "contacts"))
    assert {one["kind"] for one in few["results"]} == {"created"}
    assert {"type": "ticket_entry", "scope": "crm.objects.ticket_entries.read"} in few["left_out"]
    assert {"type": "ticket", "scope": "crm.objects.tickets.read"} in few["left_out"]


def test_what_the_customer_thought_stands_there(desk: Desk, ada: int) -> None:
    """As told by the attributes that answers are kept in."""
    attributes = [
        {"id": 7, "name": "csat_score", "label": "Score", "kind": "number", "read_only": True},
        {"id": 8, "name": "reply_count", "label": "Replies", "kind": "number", "read_only": True},
    ]
    told = {"name": "ticket", "plural": "tickets", "label": "Ticket", "builtin": True, "attributes": attributes}
    rated = Event(UPDATED, "ticket", AT, 900_005, 2, changed={"7": [None, "5"], "8": ["1", "2"]})
    merged = Event(UPDATED, "ticket", AT, 900_005, 3, changed={"7": ["5", "1"]}, source="MERGE_OBJECTS")
    anew = Event(UPDATED, "ticket", AT, 900_005, 4, changed={"7": ["1", None]})
    with desk.db.connect() as connection:
        kept = connection.rows("select source, name, detail::text from replica_type where name = 'ticket'")
    tell(desk, Event(CATALOG_TYPE, "ticket", AT, detail=told), rated, merged, anew, source="service_desk")
    tell(desk, said(("contact", ada), ("ticket", 900_005)))
    (line,) = desk.read("contact", ada, kinds="satisfaction")["results"]
    assert [(one["attribute"], one["new"]) for one in line["changes"]] == [("csat_score", "5")]
    with desk.db.connect() as connection:
        for _, _, detail in kept:
            connection.run(
                "update replica_type set detail = %(d)s::jsonb, version = nextval('replica_version')"
                " where name = 'ticket'",
                {"d": detail},
            )


def test_in_any_order_and_any_number_of_times(desk: Desk, side: Side, ada: int) -> None:
    draw = random.Random(5)
    tickets = [side.ticket(*((ada,) if n else ()), subject=f"T{n}") for n in range(3)]
    entries = [side.say(draw.choice(tickets), f"Text {n}", draw.choice(("PUBLIC", "INTERNAL"))) for n in range(12)]
    for one in entries[:6]:
        side.change(ENTRIES, one, body=f"Better {one}")
    for one in entries[3:8]:
        side.client.delete(f"{ENTRIES}/{one}")
    for one in entries[5:7]:
        side.post(f"{ENTRIES}/{one}/restore")
    side.settle()

    def lines() -> list[Any]:
        return [row for row in desk.rows() if row[6] in entries]

    expected = lines()
    assert len(expected) > 9
    told = events(side.runtime.feed, "ticket", "ticket_entry", "link")
    for times in (1, 2):
        with desk.db.connect() as connection:
            connection.run("delete from timeline_entry where ref_type = 'ticket_entry'")
            connection.run("truncate timeline_said")
        shuffled = told * times
        draw.shuffle(shuffled)
        for piece in in_pieces(shuffled, draw):
            tell(desk, *piece, source="service_desk")
        assert lines() == expected


def test_an_erasure_takes_tickets_along_when_the_desk_comes_back(desk: Desk, side: Side, ada: int, word: str) -> None:
    """The desk hears nothing until it is back; then nothing of them is left here or there, mirrors included."""
    mine = side.ticket(ada, subject=f"of {word}", content=f"says {word}", requester_email=f"{word}@example.com")
    unlinked = side.ticket(subject="Only named", requester_email=f"{word}@example.com")
    entries = [side.say(mine, f"Dear {word}", one) for one in ("PUBLIC", "INTERNAL")]
    archived = side.say(unlinked, f"Gone, {word}", author="CUSTOMER", author_email=f"{word}@example.com")
    assert side.client.delete(f"{ENTRIES}/{archived}").status_code == 204
    side.settle()
    assert "eav_entity_2" in " ".join(found(side.runtime, word)) or found(side.runtime, word)
    assert found(desk.runtime, word) != {}
    erase(desk, ada)
    assert side.there(TICKETS, mine), "the desk is down"
    assert found(side.runtime, word) != {}
    side.settle()
    assert not any(side.there(TICKETS, one) for one in (mine, unlinked))
    assert not any(side.there(ENTRIES, one) for one in (*entries, archived))
    assert found(side.runtime, word) == {}, "tickets, entries, log, clocks and the mirror of contacts"
    assert found(desk.runtime, word) == {}, "lines, what was said and the mirror of tickets"
    assert desk.client().get(f"/api/v1/timeline/ticket/{mine}").status_code == 404
    before = found(side.runtime, word), len(events(side.runtime.feed))
    side.settle()
    assert (found(side.runtime, word), len(events(side.runtime.feed))) == before, "heard twice, it changes nothing"


def test_what_is_others_too_is_listed(desk: Desk, side: Side, ada: int, word: str) -> None:
    other = desk.make("contacts", first_name="Other")
    side.hear()
    address = f"{word}@example.com"
    both = side.ticket(ada, other, subject="Both", requester_email=address, requester_name=f"Ada {word}")
    theirs = side.ticket(other, subject="Theirs")
    said = {"author": "CUSTOMER", "author_email": address, "author_name": word}
    wrote = [side.say(one, f"By {word}", **said) for one in (both, theirs)]
    reply = side.say(both, "Dear both of you")
    asked = side.client.post("/api/v1/service_desk/surveys", json={"ticket": str(both)}).get_json()["url"]
    page = asked[asked.index("/api/") :]
    assert side.client.post(page, json={"score": 2, "comment": f"Said {word}"}).status_code == 200
    with side.runtime.db.connect() as connection:
        connection.run("update mail_out set to_email = %(to)s where entry_id = %(id)s", {"to": address, "id": reply})
    side.change(TICKETS, both, requester_name=f"Ada Mary {word}")
    side.settle()
    clocks = side.clocks(both)
    assert set(found(side.runtime, word)) >= {"mail_out", "outbox", "eav_history"}
    assert found(desk.runtime, word) != {}
    erase(desk, ada)
    side.settle()
    assert side.there(TICKETS, both)
    assert side.there(ENTRIES, reply)
    assert not any(side.there(ENTRIES, one) for one in wrote), "what they wrote was theirs alone"
    values = side.client.get(f"{TICKETS}/{both}?attributes=subject,requester_email,requester_name").get_json()["values"]
    assert (values["subject"], values["requester_email"], values["requester_name"]) == ("Both", None, None)
    assert found(side.runtime, word) == {}, "requester, history, log, mail"
    assert found(desk.runtime, word) == {}, "lines, what was said and the mirror of tickets"
    # When somebody wrote says nothing about anybody: clocks are as they were, worked out anew as well.
    with side.runtime.db.connect() as connection:
        assert side.clocks(both) == clocks
        connection.run("update sla_clock set redo = true where ticket_id = %(id)s", {"id": both})
        assert side.clocks(both) == clocks
    listed = side.reviews()
    assert (str(ada), "ticket", str(both)) in listed
    assert not {one for one in listed if one[1] in ("ticket_entry", "ticket_survey")}
    # What they thought stays as a number, which reports can explain; what they wrote does not.
    assert "2 - bad" in side.client.get(page).get_data(as_text=True)
    before = len(events(side.runtime.feed))
    side.settle()
    assert (side.reviews(), len(events(side.runtime.feed))) == (listed, before), "heard twice, it changes nothing"
    erase(desk, other)
    side.settle()
    assert not side.there(TICKETS, both), "now it was theirs alone"
    assert not {one for one in side.reviews() if one[2] == str(both)}


def test_what_was_said_late_brings_nothing_back(desk: Desk, side: Side, ada: int, word: str) -> None:
    ticket = side.ticket(ada, subject="Late")
    side.say(ticket, f"Dear {word}")
    side.settle()
    before = events(side.runtime.feed, "ticket", "ticket_entry")
    erase(desk, ada)
    side.settle()
    tell(desk, *[one for one in before if one.kind == CREATED], source="service_desk")
    assert found(desk.runtime, word) == {}
    assert [row for row in desk.rows() if ("ticket", ticket) in ((row[0], row[1]), (row[5], row[6]))] == []


def found(runtime: Any, word: str) -> dict[str, list[str]]:
    with runtime.db.connect() as connection:
        return tables_with(connection, [word])


def test_relations_are_the_systems() -> None:
    assert PLAIN["contact", "ticket"] + 1 == HOLDER
