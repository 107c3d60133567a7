"""Reminders of tasks: told to their owners once, when they are due, whatever was down at that instant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.contacts import reminders
from shared.contracts.event import REMINDER
from shared.kernel.context import SYSTEM, Context
from shared.service import notices
from shared.service.entities import BulkItem, Draft, View
from tests.integration.timeline.conftest import Desk

OWNER = 4711
PATH = f"/api/v1/contacts/owners/{OWNER}/notices"


def at(hours: float) -> str:
    """An instant from now on, as callers write it."""
    moment = datetime.now(UTC) + timedelta(hours=hours)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def task(desk: Desk, **values: Any) -> int:
    """A task of the owner, who need not be anybody here."""
    given = {"occurs_at": at(24), "owner_id": OWNER, **values}
    (made,) = desk.runtime.engine.writes.create("task", [Draft(given)], Context(SYSTEM), View("json"))
    return int(made.id)


def told(desk: Desk) -> list[tuple[int, str | None]]:
    """Whom of the owner's tasks was reminded, the earliest first, with what is quoted."""
    assert desk.runtime is not None
    answer = desk.client().get(PATH + "?limit=200").get_json()
    return [(int(one["entity"]["id"]), one["detail"].get("subject")) for one in reversed(answer["results"])]


def due(desk: Desk, ident: int) -> None:
    """Let the instant come at which a task reminds."""
    past = datetime.now(UTC).replace(tzinfo=None, microsecond=0) - timedelta(hours=1)
    live = desk.runtime.catalog.type("task")
    column = live.attributes["reminder_at"].column
    with desk.db.transaction() as connection:
        params = {"due": past, "id": ident}
        assert connection.run("update task_reminder set due = %(due)s where task_id = %(id)s", params) == 1
        connection.run(f"update eav_entity_{live.table} set {column} = %(due)s where id = %(id)s", params)


def test_what_is_due_is_told_once(desk: Desk) -> None:
    before = len(told(desk))
    first, done, moved, gone, later = (task(desk, subject=f"T{n}", reminder_at=at(2)) for n in range(5))
    for one in (first, done, moved, gone):
        due(desk, one)
    desk.change("tasks", done, status="COMPLETED")
    desk.change("tasks", moved, reminder_at=at(5))
    assert desk.client().delete(f"/api/v1/objects/tasks/{gone}").status_code == 204
    assert reminders.remind(desk.db) == 1
    assert reminders.remind(desk.db) == 0
    assert told(desk)[before:] == [(first, "T0")]
    with desk.db.connect() as connection:
        rows = connection.rows("select body->'detail' from outbox where kind = %(k)s and entity_id = %(i)s",
                               {"k": REMINDER, "i": first})  # fmt: skip
        left = {row[0] for row in connection.rows("select task_id from task_reminder", {})}
    assert [row[0]["owner"] for row in rows] == [str(OWNER)]
    assert {moved, later} <= left
    assert not {first, done, gone} & left


def test_what_a_file_brings_that_is_over_reminds_nobody(desk: Desk) -> None:
    items = [BulkItem({"subject": "I", "occurs_at": at(-9), "reminder_at": at(hours), "owner_id": OWNER})
             for hours in (-8, 8)]  # fmt: skip
    context = Context(SYSTEM, source="IMPORT")
    ids = [one.id for one in desk.runtime.engine.bulk.write("task", items, context)]
    said = task(desk, reminder_at=at(-1))
    with desk.db.connect() as connection:
        kept = {row[0] for row in connection.rows("select task_id from task_reminder", {})}
    assert {ids[1], said} <= kept
    assert ids[0] not in kept
    reminders.remind(desk.db)


@pytest.mark.parametrize("body", [{}, {"upto": "1", "ids": []}, {"ids": 3}])
def test_notices_are_marked_as_read_and_go_with_the_erased(desk: Desk, body: dict[str, Any]) -> None:
    ident = task(desk, subject="secret", reminder_at=at(-1))
    reminders.remind(desk.db)
    assert (ident, "secret") in told(desk)
    assert desk.client().post(f"{PATH}/read", json=body).status_code == 400
    newest = desk.client().get(f"{PATH}?unread=true&limit=1").get_json()
    answer = desk.client().post(f"{PATH}/read", json={"ids": [newest["results"][0]["id"]]}).get_json()
    assert answer == {"read": 1, "unread": newest["unread"] - 1}
    with desk.db.transaction() as connection:
        notices.forget(connection, "task", [ident])
    assert (ident, "secret") not in told(desk)
