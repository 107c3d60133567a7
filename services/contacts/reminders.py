"""Reminders of tasks: when one is due, its owner is told, and an event says so. Once.

Which task reminds when stands in a table of its own, kept in the transaction of every write to a task; a look into its
index finds what is due. A round of upkeep takes due ones out, in the transaction that tells of them: after a stop, the
first round tells everything that came due meanwhile. What a file brings that was due before it came reminds nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from services.contacts.domain.activities import is_open, title
from shared.contracts.event import REMINDER, Event
from shared.kernel.clock import iso, now
from shared.kernel.context import Context
from shared.kernel.db import Connection, Database
from shared.service import notices
from shared.service.home import Home
from shared.service.notices import Notice
from shared.service.steps import LiveType, State, Steps, Written, tell

TASK = "task"
KIND = "reminder"
IMPORT = "IMPORT"
_AT_ONCE = 500
_MOVING = ("reminder_at", "status")
_GONE = frozenset({"archived", "absorbed", "erased"})
_BACK = frozenset({"restored", "released"})
_KEEP = """
with gone as (
    delete from task_reminder r using unnest(%(ids)s::bigint[], %(dues)s::timestamp[]) g(id, due)
    where r.task_id = g.id and g.due is null)
insert into task_reminder (task_id, due)
select * from unnest(%(ids)s::bigint[], %(dues)s::timestamp[]) g(id, due) where due is not null order by id
on conflict (task_id) do update set due = excluded.due
"""
_TAKE = """
delete from task_reminder where task_id in (
    select task_id from task_reminder where due <= %(now)s order by due limit %(limit)s for update skip locked)
returning task_id, due
"""


def create_statements() -> list[str]:
    """DDL."""
    return [
        "create table task_reminder (task_id bigint primary key, due timestamp not null)",
        "create index task_reminder_due on task_reminder (due)",
    ]


DROP = "drop table if exists task_reminder"


def steps(_type_of: Callable[[str], LiveType]) -> Steps:
    """The step in every write: which task reminds when. A write that moves no reminder costs nothing."""
    return Steps(turns=(keep,))


def keep(connection: Connection, live: LiveType, written: Sequence[Written], context: Context) -> None:
    """Note when these tasks remind, where that may be another time now."""
    if live.name != TASK:
        return
    keys = [live.attributes[name].key for name in _MOVING]
    moved = [one for one in written if one.kind in _GONE | _BACK or any(key in one.changed for key in keys)]
    if moved:
        at = now()
        dues = {one.state.id: _due(live, one, context, at) for one in moved}
        connection.run(_KEEP, {"ids": list(dues), "dues": list(dues.values())}, prepare=True)


def _due(live: LiveType, one: Written, context: Context, at: datetime) -> datetime | None:
    """When a task reminds from now on. What is over reminds nobody unless somebody has just said that it should."""
    due = _instant(live, one.state)
    if due is None or one.kind in _GONE:
        return None
    said = live.attributes["reminder_at"].key in one.changed and context.source != IMPORT
    return due if said or due > at.astimezone(UTC).replace(tzinfo=None) else None


def _instant(live: LiveType, state: State) -> datetime | None:
    """When a task that is open reminds, as it is kept; None for any other."""
    values = {name: state.values.get(live.attributes[name].key) for name in _MOVING}
    if values["reminder_at"] is None or not is_open(values["status"]):
        return None
    return datetime.fromisoformat(values["reminder_at"]).astimezone(UTC).replace(tzinfo=None)


def remind(database: Database) -> int:
    """Upkeep: tell of what is due; how many tasks."""
    home, count = Home.of(database), 0
    while True:
        with database.transaction() as connection:
            done = _round(connection, home)
        count += done
        if done < _AT_ONCE:
            return count


def _round(connection: Connection, home: Home) -> int:
    at = now()
    params = {"now": at.astimezone(UTC).replace(tzinfo=None), "limit": _AT_ONCE}
    taken: Mapping[int, datetime] = dict(connection.rows(_TAKE, params))
    if not taken:
        return 0
    live = home.type(TASK)
    states = home.states(connection, TASK, sorted(taken))
    due = [one for one in states.values() if _instant(live, one) == taken[one.id]]
    found = [_told(live, one, taken[one.id].replace(tzinfo=UTC)) for one in due]
    notices.tell(
        connection,
        [Notice(int(owner), at, KIND, TASK, ident, {"due": iso(when), **more}) for ident, owner, when, more in found
         if owner is not None],
    )  # fmt: skip
    tell(
        connection,
        [
            Event(REMINDER, TASK, at, ident, detail={"owner": owner, "due": iso(when)})
            for ident, owner, when, _ in found
        ],
    )
    return len(taken)


def _told(live: LiveType, one: State, when: datetime) -> tuple[int, str | None, datetime, dict[str, Any]]:
    """(task, its owner, when it was due, what its notice quotes)."""
    owner = one.values.get(live.attributes["owner_id"].key)
    subject = title({"subject": one.values.get(live.attributes["subject"].key)})
    return one.id, None if owner is None else str(owner), when, {} if subject is None else {"subject": subject}
