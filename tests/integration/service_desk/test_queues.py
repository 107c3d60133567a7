"""Queues: what waits in them, who takes the next one, and tickets that go to whom they are due by themselves."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from services.service_desk.manifest import MANIFEST
from shared.bus.feed import Feed
from shared.bus.ticks import tick
from shared.service.giving_out import follower

QUEUES = "/api/v1/service_desk/queues"
POOLS = "/api/v1/types/tickets/pools"
AGENTS = "/api/v1/types/tickets/agents"
_heard: dict[str, str] = {}


class Fresh:
    """A neighbour that was just asked."""

    def fresh(self) -> bool:
        return True


@pytest.fixture(scope="module")
def giving(desk: Any) -> Any:
    """The follower that gives tickets out."""
    return follower(MANIFEST, desk.runtime.db)


@pytest.fixture
def queue(desk: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """Makes queues, which are gone afterwards."""
    made: list[str] = []

    def declare(name: str, **values: Any) -> str:
        made.append(str(desk.ask("POST", QUEUES, 201, name=f"{name} {request.node.name}", **values)["id"]))
        return made[-1]

    yield declare
    for ident in made:
        for one in tickets_in(desk, ident):
            desk.write(one, queue_id=None)
        desk.ask("DELETE", f"{QUEUES}/{ident}", 204)


def tickets_in(desk: Any, ident: str) -> list[str]:
    wanted = {"attribute": "queue_id", "operator": "EQ", "value": ident}
    return [one["id"] for one in desk.ask("POST", "/api/v1/objects/tickets/query", filter=wanted, limit=100)["results"]]


def hear(desk: Any, giving: Any) -> None:
    """Give out what came since."""
    tick(desk.runtime.db)
    while True:
        page = Feed(desk.runtime.db).read(_heard.get(desk.runtime.db.url), types=("ticket",)).page()
        with desk.runtime.db.transaction() as connection:
            giving.handler(connection, page.events)
        _heard[desk.runtime.db.url] = str(page.next)
        if page.up_to_date:
            return


def pool(desk: Any, name: str, *owners: int) -> None:
    desk.ask("PUT", f"{POOLS}/{name}", members=[{"owner": str(one)} for one in owners])


def counted(desk: Any, ident: str) -> tuple[int, int, int]:
    found = desk.ask("GET", f"{QUEUES}/{ident}")
    return found["open"], found["unassigned"], found["breaching_soon"]


def test_what_waits_in_a_queue(desk: Any, queue: Any):
    named, filtered = queue("Named"), queue("Hot", filter={"attribute": "subject", "operator": "EQ", "value": "hot"})
    mine = desk.ticket(subject="one", queue_id=named, owner_id="7")
    desk.ticket(subject="hot", queue_id=named)
    desk.write(desk.ticket(subject="hot"), stage="4")
    assert (counted(desk, named), counted(desk, filtered)) == ((2, 1, 0), (1, 1, 0))
    desk.write(mine, stage="4")
    assert counted(desk, named) == (1, 1, 0)
    listed = {one["id"]: one for one in desk.ask("GET", QUEUES)["results"]}
    assert (listed[named]["open"], listed[filtered]["open"]) == (1, 1)


def test_statements_do_not_grow_with_tickets_or_queues(desk: Any, queue: Any):
    def statements() -> int:
        with desk.runtime.db.counted() as found:
            desk.ask("GET", QUEUES)
        return sum("from desk_queue" in one or "count(" in one for one in found)

    first = queue("First")
    before = statements()
    second, hot = queue("Second"), queue("Hot", filter={"attribute": "priority", "operator": "EQ", "value": "URGENT"})
    queue("Words", filter={"and": [{"attribute": "subject", "operator": "EQ", "value": "x"}, {"text": "words"}]})
    for ident in (first, second, second):
        desk.ticket(queue_id=ident, priority="URGENT")
    assert statements() == before == 2
    listed = {one["id"]: one["open"] for one in desk.ask("GET", QUEUES)["results"]}
    assert (listed[first], listed[second], listed[hot]) == (1, 2, counted(desk, hot)[0])


def test_a_queue_that_asks_for_what_is_no_more_is_listed_without_numbers(desk: Any, queue: Any):
    made = desk.ask("POST", "/api/v1/types/tickets/attributes", 201, label="Shelf", type="string")["name"]
    ident = queue("Shelved", filter={"attribute": made, "operator": "EQ", "value": "A"})
    desk.ticket(**{made: "a"})
    assert counted(desk, ident) == (1, 1, 0)
    desk.ask("DELETE", f"/api/v1/types/tickets/attributes/{made}", 204)
    assert counted(desk, ident) == (None, None, None)


def test_the_most_urgent_one_comes_next(desk: Any, queue: Any):
    ident = queue("Urgent")
    low, high, other = (desk.ticket(queue_id=ident, priority=one) for one in ("LOW", "HIGH", "HIGH"))
    desk.ticket(queue_id=ident, priority="URGENT", owner_id="5")
    desk.write(desk.ticket(queue_id=ident, priority="URGENT"), stage="4")
    taken = [desk.ask("POST", f"{QUEUES}/{ident}/next", owner="8")["ticket"]["id"] for _ in range(3)]
    assert taken == [high, other, low]
    assert desk.ask("POST", f"{QUEUES}/{ident}/next", owner="8") == {"ticket": None}
    assert str(desk.read(low)["owner_id"]) == "8"
    assert desk.read(low)["owner_assigned_at"]
    (line,) = desk.ask("GET", f"/api/v1/objects/tickets/{low}/assignments")["results"]
    assert (line["owner"], line["reason"]) == ("8", "taken")


def test_only_who_works_on_a_queue_takes_from_it(desk: Any, queue: Any):
    pool(desk, "Workers", 8)
    ident = queue("Worked", pool="Workers")
    desk.ticket(queue_id=ident)
    assert desk.ask("POST", f"{QUEUES}/{ident}/next", 400, owner="9")["errors"][0]["code"] == "INVALID_OPTION"
    assert desk.ask("POST", f"{QUEUES}/{ident}/next", owner="8")["ticket"]
    desk.ask("POST", f"{QUEUES}/{ident}/next", 400)


def test_who_is_full_takes_no_other(desk: Any, queue: Any):
    ident = queue("Full")
    desk.ask("PUT", f"{AGENTS}/33", capacity=1)
    first, _ = desk.ticket(queue_id=ident), desk.ticket(queue_id=ident)
    assert desk.ask("POST", f"{QUEUES}/{ident}/next", owner="33")["ticket"]["id"] == first
    assert "can take 1" in desk.ask("POST", f"{QUEUES}/{ident}/next", 409, owner="33")["message"]
    desk.write(first, stage="4")
    assert desk.ask("POST", f"{QUEUES}/{ident}/next", owner="33")["ticket"]


@pytest.mark.parametrize("door", ["assignments", "merges", "visits", "followers", "sla"])
def test_of_no_ticket_there_is_nothing_to_read(desk: Any, door: str):
    desk.ask("GET", f"/api/v1/objects/tickets/99999999/{door}", 404)


def test_no_ticket_is_handed_out_twice(desk: Any, queue: Any):
    ident = queue("Rush")
    made = [desk.ticket(queue_id=ident) for _ in range(12)]
    app, taken = desk.client.application, []

    def work(owner: int) -> None:
        client = app.test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = desk.client.environ_base["HTTP_AUTHORIZATION"]
        while (ticket := client.post(f"{QUEUES}/{ident}/next", json={"owner": str(owner)}).json["ticket"]) is not None:
            taken.append((ticket["id"], owner))

    threads = [threading.Thread(target=work, args=(100 + n,)) for n in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(ticket for ticket, _ in taken) == sorted(made)
    assert all(str(desk.read(ticket)["owner_id"]) == str(owner) for ticket, owner in taken)


def test_new_tickets_go_to_whose_turn_it_is(desk: Any, queue: Any, giving: Any):
    hear(desk, giving)
    pool(desk, "Line", 21, 22)
    ident = queue("Automatic", pool="Line", automatic=True, sticky_days=7)
    mine = [desk.ticket(queue_id=ident, requester_email=f"{n}@example.org") for n in range(4)]
    aside = desk.ticket()
    hear(desk, giving)
    assert Counter(str(desk.read(one)["owner_id"]) for one in mine) == {"21": 2, "22": 2}
    assert desk.read(aside)["owner_id"] is None
    again = [desk.ticket(queue_id=ident, requester_email="0@example.org") for _ in range(2)]
    hear(desk, giving)
    assert {str(desk.read(one)["owner_id"]) for one in again} == {str(desk.read(mine[0])["owner_id"])}
    story = desk.ask("GET", f"/api/v1/objects/tickets/{again[0]}/assignments")["results"]
    assert [(one["reason"], one["pool"]) for one in story] == [("sticky", "Line")]
    clock = desk.ask("GET", f"/api/v1/objects/tickets/{mine[0]}/sla")
    assert clock["ticket"] == mine[0], "clocks know what gave it out"


def test_a_ticket_that_moves_to_a_queue_is_given_out_there_unless_it_is_somebodys(desk: Any, queue: Any, giving: Any):
    hear(desk, giving)
    pool(desk, "Billing", 25)
    ident = queue("Moved", pool="Billing", automatic=True)
    moved, held, other = desk.ticket(), desk.ticket(owner_id="7"), desk.ticket(queue_id=ident, owner_id="7")
    hear(desk, giving)
    for one in (moved, held):
        desk.write(one, queue_id=ident)
    desk.write(other, owner_id=None)
    hear(desk, giving)
    assert [str(desk.read(one)["owner_id"]) for one in (moved, held)] == ["25", "7"]
    assert desk.read(other)["owner_id"] is None, "who lets it go does not get it back"


def test_who_is_full_gets_the_next_when_one_is_closed(desk: Any, queue: Any, giving: Any):
    hear(desk, giving)
    pool(desk, "One", 31)
    desk.ask("PUT", f"{AGENTS}/31", capacity=1)
    ident = queue("Narrow", pool="One", automatic=True)
    first, second = desk.ticket(queue_id=ident), desk.ticket(queue_id=ident)
    hear(desk, giving)
    assert str(desk.read(first)["owner_id"]) == "31"
    assert desk.read(second)["owner_id"] is None
    waiting = {one["id"]: one["reason"] for one in desk.ask("GET", "/api/v1/types/tickets/unassigned")["results"]}
    assert waiting[second] == "everybody_is_full"
    desk.write(first, stage="4")
    hear(desk, giving)
    assert str(desk.read(second)["owner_id"]) == "31"


@pytest.mark.parametrize(
    "values",
    [
        {"name": ""},
        {"name": "x", "pool": "Nobody"},
        {"name": "x", "automatic": True},
        {"name": "x", "filter": {"attribute": "nothing", "operator": "EQ", "value": 1}},
        {"name": "x", "position": "first"},
        {"name": "x", "sticky_days": 0},
        {"name": "x", "skills": [1]},
        {"name": "x", "skills": ["a"] * 101},
        {"name": "x", "colour": "red"},
    ],
)
def test_queues_that_cannot_be(desk: Any, values: dict[str, Any]):
    desk.ask("POST", QUEUES, 400, **values)


def test_queues_are_changed_and_go(desk: Any, queue: Any):
    ident = queue("Changing", position=3)
    assert desk.ask("PATCH", f"{QUEUES}/{ident}", name="Other", position=1)["position"] == 1
    desk.ask("POST", QUEUES, 409, name="OTHER")
    ticket = desk.ticket(queue_id=ident)
    desk.ask("DELETE", f"{QUEUES}/{ident}", 409)
    desk.write(ticket, queue_id=None)
    desk.ask("GET", f"{QUEUES}/999999", 404)


def test_a_queue_that_is_not_there_is_refused(desk: Any, queue: Any, monkeypatch: pytest.MonkeyPatch):
    """Here workspace cannot be asked; whoever can, refuses ids that nobody told of."""
    ident = queue("There")
    monkeypatch.setattr(desk.runtime.foreign, "_pulling", Fresh())
    ticket = desk.ticket(queue_id=ident)
    assert desk.write(ticket, 400, queue_id="999999")["errors"][0]["code"] == "INVALID_OPTION"
