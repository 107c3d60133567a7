"""Rows of queues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.kernel.db import Connection
from shared.kernel.json import dumps

_COLUMNS = "id, name, description, position, filter, pool, automatic, sticky_days, skills"
_ALL = f"select {_COLUMNS} from desk_queue order by position, lower(name)"
_ONE = f"select {_COLUMNS} from desk_queue where id = %(id)s"
_NEW = """
insert into desk_queue (name, description, position, filter, pool, automatic, sticky_days, skills)
values (%(name)s, %(description)s, %(position)s, %(filter)s::jsonb, %(pool)s, %(automatic)s, %(sticky_days)s,
    %(skills)s::text[]) returning id
"""
_CHANGE = """
update desk_queue set name = %(name)s, description = %(description)s, position = %(position)s,
    filter = %(filter)s::jsonb, pool = %(pool)s, automatic = %(automatic)s, sticky_days = %(sticky_days)s,
    skills = %(skills)s::text[] where id = %(id)s
"""


@dataclass(frozen=True, slots=True)
class Queue:
    """Where tickets wait. filter: which ones, in the grammar of searches; None: those that name the queue.

    pool: who works on it. automatic: new tickets go to whose turn it is there, to those who have the skills, and within
    `sticky_days` to who had the requester's last one.
    """

    name: str
    description: str = ""
    position: int = 0
    filter: Mapping[str, Any] | None = None
    pool: str | None = None
    automatic: bool = False
    sticky_days: int | None = None
    skills: tuple[str, ...] = ()
    id: int = 0

    @property
    def tickets(self) -> Mapping[str, Any]:
        """Which tickets are in it, whatever became of them."""
        return self.filter or {"attribute": "queue_id", "operator": "EQ", "value": str(self.id)}


def every(connection: Connection) -> list[Queue]:
    """All queues in order."""
    return [_queue(row) for row in connection.rows(_ALL)]


def find(connection: Connection, ident: int, *, lock: bool = False) -> Queue | None:
    """One queue; `lock` holds it until the transaction ends."""
    row = connection.row(f"{_ONE} for update" if lock else _ONE, {"id": ident})
    return None if row is None else _queue(row)


def add(connection: Connection, queue: Queue) -> int:
    """A new queue's id. Raises UniqueViolation (psycopg) when the name is taken."""
    row = connection.row(_NEW, _params(queue))
    assert row is not None
    return int(row[0])


def change(connection: Connection, queue: Queue) -> None:
    """Another of it. Raises UniqueViolation."""
    connection.run(_CHANGE, _params(queue))


def drop(connection: Connection, ident: int) -> None:
    """Do away with it."""
    connection.run("delete from desk_queue where id = %(id)s", {"id": ident})


def _params(queue: Queue) -> dict[str, Any]:
    return {
        "id": queue.id,
        "name": queue.name,
        "description": queue.description,
        "position": queue.position,
        "filter": None if queue.filter is None else dumps(queue.filter).decode(),
        "pool": queue.pool,
        "automatic": queue.automatic,
        "sticky_days": queue.sticky_days,
        "skills": list(queue.skills),
    }


def _queue(row: Sequence[Any]) -> Queue:
    ident, name, description, position, wanted, pool, automatic, sticky, skills = row
    return Queue(name, description, position, wanted, pool, automatic, sticky, tuple(skills), ident)
