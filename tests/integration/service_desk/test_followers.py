"""Following tickets, the tickets of somebody, and what they are told, once."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from services.service_desk.queues.telling import follower, news, tell
from shared.bus.consumer import apply, watermark
from shared.bus.feed import Feed
from shared.bus.ticks import tick
from shared.contracts.event import DESK_NOTICE, UPDATED, Event
from shared.kernel.clock import now
from shared.service.home import Home
from shared.service.notices import tidy
from shared.service.tokens import token_hash

TICKETS = "/api/v1/objects/tickets"
AGENTS = "/api/v1/service_desk/agents"


@pytest.fixture(scope="module")
def telling(desk: Any) -> Any:
    """The follower that tells owners and followers."""
    return follower(Home.of(desk.runtime.db))


def hear(desk: Any, telling: Any) -> None:
    """Tell what happened since."""
    from_place, first = _place(desk, telling), True
    tick(desk.runtime.db)
    while True:
        page = Feed(desk.runtime.db).read(from_place, types=("ticket", "ticket_entry")).page()
        assert apply(desk.runtime.db, telling, page, first=first and from_place is None)
        from_place, first = str(page.next), False
        if page.up_to_date:
            return


def _place(desk: Any, telling: Any) -> str | None:
    with desk.runtime.db.connect() as connection:
        found = watermark(connection, telling.name)
    return None if found is None else str(found)


def told(desk: Any, owner: int, ticket: str) -> list[tuple[str, dict[str, Any]]]:
    """What somebody was told of a ticket, the first thing first."""
    lines = desk.ask("GET", f"{AGENTS}/{owner}/notifications?limit=200")["results"]
    return [(one["kind"], one["detail"]) for one in reversed(lines) if one["ticket"] == ticket]


def test_follow_and_unfollow(desk: Any):
    ident = desk.ticket(subject="A")
    path = f"{TICKETS}/{ident}/followers"
    assert desk.ask("GET", path) == {"followers": []}
    for owner in ("12", "13", "12"):
        desk.ask("POST", path, owner=owner)
    assert desk.ask("GET", path) == {"followers": ["12", "13"]}
    assert desk.read(ident)["followers"] == "12;13"
    assert desk.ask("DELETE", f"{path}/12") == {"followers": ["13"]}
    assert desk.ask("DELETE", f"{path}/12") == {"followers": ["13"]}
    desk.ask("POST", path, 400, owner="x")
    desk.ask("POST", f"{TICKETS}/999999/followers", 404, owner="12")
    desk.write(ident, followers=" 14;14 ; 15")
    assert desk.read(ident)["followers"] == "14;15"
    desk.write(ident, 400, followers="Ada")


def test_nobody_is_lost_who_follows_at_the_same_moment(desk: Any):
    ident = desk.ticket(subject="A")

    def follow(owner: int) -> None:
        client = desk.client.application.test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = desk.client.environ_base["HTTP_AUTHORIZATION"]
        assert client.post(f"{TICKETS}/{ident}/followers", json={"owner": str(owner)}).status_code == 200

    threads = [threading.Thread(target=follow, args=(20 + n,)) for n in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(desk.ask("GET", f"{TICKETS}/{ident}/followers")["followers"]) == [str(20 + n) for n in range(6)]


def test_the_tickets_that_somebody_has_or_follows(desk: Any):
    mine, followed = desk.ticket(owner_id="41"), desk.ticket(followers="41;412")
    desk.ticket(followers="412")
    closed = desk.ticket(owner_id="41")
    desk.write(closed, stage="4")

    def ids(question: str = "") -> list[str]:
        return [one["id"] for one in desk.ask("GET", f"{AGENTS}/41/tickets{question}")["results"]]

    assert ids() == [followed, mine]
    assert ids("?owned=true") == [mine]
    assert ids("?closed=true") == [closed, followed, mine]
    page = desk.ask("GET", f"{AGENTS}/41/tickets?limit=1")
    assert [one["id"] for one in page["results"]] == [followed]
    assert ids(f"?limit=1&cursor={page['next_cursor']}") == [mine]
    desk.write(followed, followers=None)
    assert ids() == [mine]


def test_they_are_told_once_and_not_of_what_they_did(desk: Any, telling: Any):
    hear(desk, telling)
    ident = desk.ticket(owner_id="51", followers="52;53")
    desk.say(ident, "CUSTOMER")
    desk.say(ident, "AGENT", owner_id="52", visibility="INTERNAL")
    desk.write(ident, stage="4")
    desk.write(ident, owner_id="54")
    hear(desk, telling)
    hear(desk, telling)
    customer = ("entry", {"author": "CUSTOMER", "visibility": "PUBLIC"})
    agent = ("entry", {"author": "AGENT", "visibility": "INTERNAL"})
    status = ("status", {"from": "new", "to": "closed"})
    assert told(desk, 53, ident) == [customer, agent, status]
    assert told(desk, 52, ident) == [customer, status]
    assert told(desk, 51, ident) == [("assigned", {})]
    assert ("assigned", {}) in told(desk, 54, ident)


def test_what_a_trigger_has_to_say_is_told_to_whom_it_names(desk: Any):
    ident, home = int(desk.ticket(followers="57")), Home.of(desk.runtime.db)
    notice = Event(DESK_NOTICE, "ticket", now(), ident, detail={"owners": ["55", "56"], "text": "Look at this"})
    with desk.runtime.db.transaction() as connection:
        assert tell(connection, home, news(home, [notice])) == 2
    assert told(desk, 55, str(ident)) == [("notice", {"text": "Look at this"})]
    assert told(desk, 57, str(ident)) == []
    imported = Event(UPDATED, "ticket", now(), ident, source="IMPORT", changed=notice.changed)
    assert news(home, [imported]) == []


def test_what_was_read_is_read(desk: Any, telling: Any):
    hear(desk, telling)
    ident = desk.ticket(followers="61")
    for _ in range(3):
        desk.say(ident, "CUSTOMER")
    hear(desk, telling)
    path = f"{AGENTS}/61/notifications"
    found = desk.ask("GET", path)
    assert (len(found["results"]), found["unread"]) == (3, 3)
    newest, middle, oldest = [one["id"] for one in found["results"]]
    assert desk.ask("POST", f"{path}/read", ids=[newest]) == {"read": 1, "unread": 2}
    assert [one["id"] for one in desk.ask("GET", f"{path}?unread=true")["results"]] == [middle, oldest]
    assert desk.ask("POST", f"{path}/read", upto=newest) == {"read": 2, "unread": 0}
    assert desk.ask("GET", f"{path}?limit=1")["next_before"] == newest
    desk.ask("POST", f"{path}/read", 400)
    assert tidy(desk.runtime.db) == 0, "it was read just now"


def test_who_may_only_read_marks_nothing(desk: Any):
    token = "crm_only_reads_" + "0" * 48
    sql = """insert into service_token (id, name, hash, scopes, created_at, version)
    values (7001, 'reads', %(hash)s, array['crm.objects.tickets.read'], now() at time zone 'UTC', 1)"""
    with desk.runtime.db.transaction() as connection:
        connection.run(sql, {"hash": token_hash(token)})
    client = desk.client.application.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    assert client.get(f"{AGENTS}/61/notifications").status_code == 200
    refused = client.post(f"{AGENTS}/61/notifications/read", json={"upto": "1"})
    assert refused.status_code == 403
    assert "crm.objects.tickets.write" in refused.text


def test_a_write_that_leaves_followers_alone_costs_nothing(desk: Any):
    ident = desk.ticket(followers="71")
    with desk.runtime.db.counted() as statements:
        desk.write(ident, subject="Other")
    assert not any("desk_follower" in one for one in statements)
