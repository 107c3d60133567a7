"""What owners are told: one line each about an entity of a service, to be read at a door.

Lines are written in the transaction of what they tell of, so that nothing is told twice and nothing is left out. They
hold ids and words of our own; where `detail` quotes an entity, the line goes with it when that is erased (`forget`).
Not for telling other services: those hear events.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from shared.kernel.db import Connection, Database
from shared.kernel.json import dumps

KEPT_DAYS = 90
"""After they were read."""
_AT_ONCE = 5000
_TELL = """
insert into notice (owner_id, at, kind, entity_type, entity_id, detail)
select owner_id, at, kind, entity_type, entity_id, detail from json_to_recordset(%(rows)s::json) as r(owner_id bigint,
    at timestamp, kind text, entity_type text, entity_id bigint, detail jsonb)
"""
_LISTED = """
select id, owner_id, at, kind, entity_type, entity_id, detail, read_at from notice
where owner_id = %(owner)s and id < %(before)s and (not %(unread)s or read_at is null) order by id desc limit %(limit)s
"""
_UNREAD = "select count(*) from notice where owner_id = %(owner)s and read_at is null"
_READ = """
update notice set read_at = timezone('utc', clock_timestamp())
where owner_id = %(owner)s and read_at is null and id <= %(upto)s and (%(ids)s::bigint[] is null or id = any(%(ids)s))
"""
_FORGET = "delete from notice where entity_type = %(type)s and entity_id = any(%(ids)s::bigint[])"
_TIDY = """
delete from notice where id in (select id from notice
    where read_at < timezone('utc', clock_timestamp()) - %(days)s * interval '1 day' limit %(limit)s)
"""


@dataclass(frozen=True, slots=True)
class Notice:
    """One line for one owner: what (`kind`) happened to an entity, and when."""

    owner: int
    at: datetime
    kind: str
    entity_type: str
    entity: int
    detail: Mapping[str, Any] = field(default_factory=dict)
    read_at: datetime | None = None
    id: int = 0


def create_statements() -> list[str]:
    """DDL."""
    return [
        """create table notice (
            id bigint generated always as identity primary key, owner_id bigint not null, at timestamp not null,
            kind text not null, entity_type text not null, entity_id bigint not null, detail jsonb not null,
            read_at timestamp)""",
        "create index notice_owner on notice (owner_id, id)",
        "create index notice_unread on notice (owner_id, id) where read_at is null",
        "create index notice_entity on notice (entity_id, entity_type)",
        "create index notice_read on notice (read_at) where read_at is not null",
    ]


DROP = "drop table if exists notice"


def tell(connection: Connection, several: Sequence[Notice]) -> int:
    """Write lines down; how many. One statement, none without."""
    rows = [
        {
            "owner_id": one.owner,
            "at": one.at.astimezone(UTC).replace(tzinfo=None).isoformat(),
            "kind": one.kind,
            "entity_type": one.entity_type,
            "entity_id": one.entity,
            "detail": one.detail,
        }
        for one in several
    ]
    return connection.run(_TELL, {"rows": dumps(rows).decode()}) if rows else 0


def listed(connection: Connection, owner: int, before: int, limit: int, *, unread: bool = False) -> list[Notice]:
    """An owner's lines, the latest first. before: only those with a smaller id."""
    params = {"owner": owner, "before": before, "limit": limit, "unread": unread}
    return [_notice(*row) for row in connection.rows(_LISTED, params)]


def unread(connection: Connection, owner: int) -> int:
    """How many lines an owner has not read."""
    row = connection.row(_UNREAD, {"owner": owner})
    return int(row[0]) if row else 0


def read(connection: Connection, owner: int, upto: int, ids: Sequence[int] | None) -> int:
    """Mark lines as read: up to one, or these; how many were not."""
    return connection.run(_READ, {"owner": owner, "upto": upto, "ids": None if ids is None else list(ids)})


def forget(connection: Connection, entity_type: str, ids: Collection[int]) -> None:
    """Take out what was told of erased entities."""
    connection.run(_FORGET, {"type": entity_type, "ids": list(ids)})


def tidy(database: Database) -> int:
    """Let go what was read long ago; how many lines."""
    with database.connect() as connection:
        return connection.run(_TIDY, {"days": KEPT_DAYS, "limit": _AT_ONCE})


def _notice(
    ident: int,
    owner: int,
    at: datetime,
    kind: str,
    entity_type: str,
    entity: int,
    detail: Mapping[str, Any],
    read_at: datetime | None,
) -> Notice:
    known = None if read_at is None else read_at.replace(tzinfo=UTC)
    return Notice(owner, at.replace(tzinfo=UTC), kind, entity_type, entity, detail, known, ident)
