"""What contacts and companies show of their activities: counts and dates, kept current by events and by time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.contacts.timeline import turning
from shared.contracts.event import UPDATED
from shared.service.home import Home
from tests.factories.counting import own
from tests.integration.timeline.conftest import Desk, events

SHOWN = ("activity_count", "last_contacted_at", "last_activity_at", "next_activity_at")


def day(n: int) -> str:
    return f"2026-01-{n:02d}T00:00:00.000Z"


def ahead(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@pytest.fixture
def ada(desk: Desk) -> int:
    return desk.make("contacts", first_name="Ada")


def shown(desk: Desk, ident: int, kind: str = "contacts") -> list[Any]:
    desk.catch_up()
    return desk.values(kind, ident, *SHOWN)


def test_they_follow_activities(desk: Desk, ada: int) -> None:
    assert shown(desk, ada) == [None] * 4
    to = ("contacts", ada)
    call = desk.activity("calls", to, occurs_at=day(2))
    assert shown(desk, ada) == [1, day(2), day(2), None]
    desk.activity("notes", to, occurs_at=day(5))
    assert shown(desk, ada) == [2, day(2), day(5), None]
    task = desk.activity("tasks", to, occurs_at=day(20), subject="Ring")
    later = ahead(3)
    desk.activity("meetings", to, occurs_at=later)
    assert shown(desk, ada) == [4, day(2), day(5), day(20)]
    desk.change("tasks", task, status="COMPLETED", completed_at=day(21))
    assert shown(desk, ada) == [4, day(2), day(21), later]
    desk.change("calls", call, occurs_at=day(1))
    assert shown(desk, ada)[1] == day(1)
    desk.client().delete(f"/api/v1/objects/calls/{call}")
    assert shown(desk, ada) == [3, None, day(21), later]


def test_a_meeting_called_off_is_neither_past_nor_to_come(desk: Desk, ada: int) -> None:
    meeting = desk.activity("meetings", ("contacts", ada), occurs_at=ahead(1))
    desk.change("meetings", meeting, outcome="CANCELED")
    assert shown(desk, ada) == [1, None, None, None]


def test_both_ends_of_an_activity_and_both_sides_of_a_merge(desk: Desk, ada: int) -> None:
    firm, other = desk.make("companies", name="Engines"), desk.make("contacts", first_name="A.")
    desk.activity("calls", ("contacts", ada), ("companies", firm), occurs_at=day(3))
    desk.activity("notes", ("contacts", other), occurs_at=day(4))
    assert shown(desk, firm, "companies") == [1, day(3), day(3), None]
    desk.post(f"/api/v1/objects/contacts/{ada}/merge", {"absorb": [str(other)]})
    assert shown(desk, ada) == [2, day(3), day(4), None]
    desk.client().post(f"/api/v1/objects/contacts/{ada}/unmerge", json={})
    assert shown(desk, ada) == [1, day(3), day(3), None]
    assert shown(desk, other) == [1, None, day(4), None]


def test_what_went_on_while_a_contact_was_archived_is_caught_up(desk: Desk, ada: int) -> None:
    note = desk.activity("notes", ("contacts", ada), occurs_at=day(3))
    desk.catch_up()
    desk.client().delete(f"/api/v1/objects/contacts/{ada}")
    desk.change("notes", note, occurs_at=day(9))
    desk.catch_up()
    desk.client().post(f"/api/v1/objects/contacts/{ada}/restore")
    assert shown(desk, ada) == [1, None, day(9), None]


def test_a_batch_is_one_write_each_by_the_system_with_its_cause(desk: Desk, ada: int) -> None:
    desk.catch_up()
    version = desk.client().get(f"/api/v1/objects/contacts/{ada}").get_json()["version"]
    notes = [desk.activity("notes", ("contacts", ada), occurs_at=day(n + 1)) for n in range(5)]
    desk.catch_up()
    assert desk.client().get(f"/api/v1/objects/contacts/{ada}").get_json()["version"] == version + 1
    (told,) = [
        one
        for one in events(desk.runtime.feed, "contact")
        if one.entity_id == ada and one.source == turning.SOURCE and one.kind == UPDATED
    ]
    assert (told.actor, told.source) == ("system", "ACTIVITIES")
    assert told.cause is not None
    assert told.cause.startswith(f"contacts/note/{notes[-1]}/")
    before = len(events(desk.runtime.feed))
    desk.catch_up()
    assert len(events(desk.runtime.feed)) == before, "nobody hears what the system writes of activities"
    assert desk.kinds("contact", ada).count("changed") == 0


def test_told_again_nothing_is_written(desk: Desk, ada: int) -> None:
    desk.activity("notes", ("contacts", ada))
    desk.catch_up()
    before = len(events(desk.runtime.feed))
    with desk.db.transaction() as connection:
        desk.timeline().apply(connection, "contacts", events(desk.runtime.feed, "entity", "link")[-300:])
    assert len(events(desk.runtime.feed)) == before


def test_callers_cannot_write_them(desk: Desk, ada: int) -> None:
    answer = desk.client().patch(f"/api/v1/objects/contacts/{ada}", json={"values": {"activity_count": 5}})
    assert answer.status_code == 400
    assert "READ_ONLY_VALUE" in answer.text


def test_time_turns_what_is_to_come_into_what_was(desk: Desk, ada: int) -> None:
    soon, later = ahead(1), ahead(2)
    desk.activity("calls", ("contacts", ada), occurs_at=soon)
    desk.activity("notes", ("contacts", ada), occurs_at=later)
    assert shown(desk, ada) == [2, None, None, soon]
    home, moment = Home.of(desk.db), datetime.now(UTC)
    with desk.db.transaction() as connection:
        assert turning.turn(connection, home, moment) == 0
        assert turning.turn(connection, home, moment + timedelta(days=1, hours=1)) == 1
    assert desk.values("contacts", ada, *SHOWN) == [2, soon, soon, None]
    with desk.db.transaction() as connection:
        assert turning.turn(connection, home, moment + timedelta(days=1, hours=1)) == 0
        assert turning.turn(connection, home, moment + timedelta(days=2, hours=1)) == 1
        assert turning.turn(connection, home, moment + timedelta(days=2, hours=1)) == 0
    assert desk.values("contacts", ada, *SHOWN) == [2, soon, later, None]


def test_the_queue_of_a_person(desk: Desk) -> None:
    owner = int(
        desk.post("/api/v1/objects/owners", {"values": {"email": "q@example.com"}}, desk.system.client("workspace"))[
            "id"
        ]
    )
    other = desk.activity("tasks", subject="nobody's")
    ids = [desk.activity("tasks", subject=f"{n}", owner_id=str(owner), occurs_at=day(9 - n)) for n in range(4)]
    coming = desk.activity("tasks", subject="later", owner_id=str(owner), occurs_at=ahead(5))
    desk.change("tasks", ids[2], status="COMPLETED")
    desk.change("tasks", ids[1], status="WAITING")
    found = desk.client().get(f"/api/v1/tasks/queue?owner={owner}").get_json()["results"]
    assert [int(one["id"]) for one in found] == [ids[3], ids[1], ids[0], coming]
    assert [one["overdue"] for one in found] == [True, True, True, False]
    assert other not in {int(one["id"]) for one in found}
    pages, cursor = [], ""
    while True:
        path = f"/api/v1/tasks/queue?owner={owner}&limit=2&overdue=true&cursor={cursor}"
        page = desk.client().get(path).get_json()
        pages.append([int(one["id"]) for one in page["results"]])
        cursor = page.get("next_cursor", "")
        if not cursor:
            break
    assert pages == [[ids[3], ids[1]], [ids[0]]]
    assert desk.client().get("/api/v1/tasks/queue").status_code == 400


def test_queues_have_names_and_an_order(desk: Desk) -> None:
    path, client = "/api/v1/tasks/queues", desk.client()
    made = desk.post(path, {"name": "Renewals"})
    assert (made["name"], made["open"]) == ("Renewals", 0)
    assert client.post(path, json={"name": "renewals"}).status_code == 409
    assert client.post(path, json={"name": " "}).status_code == 400
    ids = [desk.activity("tasks", subject=f"{n}", queue=made["id"], occurs_at=day(9 - n // 2)) for n in range(4)]
    desk.activity("tasks", subject="elsewhere", occurs_at=day(1))
    wire = {"properties": {"hs_queue_membership_ids": "none", "hs_timestamp": day(1)}}
    assert client.post("/crm/v3/objects/tasks", json=wire).status_code == 400
    walked, after = [], ""
    while task := client.get(f"/api/v1/tasks/queue/next?queue={made['id']}{after}").get_json()["task"]:
        walked.append(int(task["id"]))
        after = f"&after={task['id']}"
    listed = client.get(f"/api/v1/tasks/queue?queue={made['id']}").get_json()["results"]
    assert walked == [int(one["id"]) for one in listed] == [ids[2], ids[3], ids[0], ids[1]]
    assert client.patch(f"{path}/Renewals", json={"name": "Contracts"}).get_json()["id"] == made["id"]
    assert [one["open"] for one in client.get(path).get_json()["results"]] == [4]
    assert client.delete(f"{path}/Contracts").status_code == 409
    for one in ids:
        desk.change("tasks", one, status="COMPLETED")
    assert client.get(f"/api/v1/tasks/queue/next?queue={made['id']}").get_json() == {"task": None}
    assert client.delete(f"{path}/Contracts").status_code == 204
    assert client.get(path).get_json()["results"] == []
    assert desk.post(path, {"name": "Renewals"})["id"] == "Renewals 2"


def test_queues_are_counted_together(desk: Desk) -> None:
    path, client, asked = "/api/v1/tasks/queues", desk.client(), []
    for several in (["Calls"], ["Letters", "Visits", "Mails"]):
        for name in several:
            desk.activity("tasks", subject=name, queue=desk.post(path, {"name": name})["id"], occurs_at=day(9))
        client.get(path)  # statements are known, and so is the catalog
        with desk.db.counted() as statements:
            assert {one["open"] for one in client.get(path).get_json()["results"]} <= {0, 1}
        asked.append(len(own(statements)))
    assert asked[0] == asked[1] > 0
