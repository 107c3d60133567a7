"""Rows of what became of entities that were to be given out: the ledger of who got them and why, and who still waits.

A line of the ledger is written in the transaction that writes the owner. Lines hold ids and reasons, no values.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.kernel import json
from shared.kernel.db import Connection

_NOTE = """
insert into assignment_ledger(type_id, entity_id, owner_id, before_id, rule, pool, reason, actor, told)
select %(type)s, entity_id, owner_id, before_id, rule, pool, reason, %(actor)s, told
from json_to_recordset(%(lines)s::json) as r(entity_id bigint, owner_id bigint, before_id bigint, rule text, pool text,
    reason text, told jsonb)
"""
_LINES = """
select at, owner_id, before_id, rule, pool, reason, actor, told from assignment_ledger
where type_id = %(type)s and entity_id = %(entity)s order by id desc limit %(limit)s
"""
_WANT = """
insert into assignment_waiting(type_id, entity_id)
select %(type)s, id from unnest(%(ids)s::bigint[]) g(id) order by id on conflict do nothing
"""
_WAIT = """
insert into assignment_waiting(type_id, entity_id, pool, tried_at, reason, told)
select %(type)s, entity_id, pool, timezone('utc', clock_timestamp()), reason, told
from json_to_recordset(%(lines)s::json) as r(entity_id bigint, pool text, reason text, told jsonb) order by entity_id
on conflict (type_id, entity_id) do update set pool = excluded.pool, tried_at = excluded.tried_at,
    reason = excluded.reason, told = excluded.told
"""
_DONE = "delete from assignment_waiting where type_id = %(type)s and entity_id = any(%(ids)s::bigint[])"
_NEXT = """
select entity_id, pool from assignment_waiting
where type_id = %(type)s and (%(before)s::timestamp is null or tried_at is null or tried_at < %(before)s)
order by tried_at nulls first, since, entity_id limit %(limit)s for update skip locked
"""
_AMONG = """
select entity_id, pool from assignment_waiting
where type_id = %(type)s and entity_id = any(%(ids)s::bigint[]) order by entity_id for update skip locked
"""
_SHOWN = "select entity_id, pool, since, tried_at, reason, told from assignment_waiting where type_id = %(type)s"
_LISTED = f"{_SHOWN} and entity_id > %(after)s order by entity_id limit %(limit)s"
_ONE = f"{_SHOWN} and entity_id = %(entity)s"
_ANY = "select exists(select 1 from assignment_waiting where type_id = %(type)s)"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the ledger. before: who had it; told: what else explains the choice, as JSON."""

    entity: int
    owner: int
    before: int | None
    rule: str | None
    pool: str | None
    reason: str
    told: Mapping[str, Any] = field(default_factory=dict)
    at: datetime | None = None
    actor: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An entity that nobody could get so far. pool: the one that was asked for; None: rules choose."""

    entity: int
    pool: str | None
    reason: str | None
    told: Mapping[str, Any] = field(default_factory=dict)
    since: datetime | None = None
    tried_at: datetime | None = None


def note(connection: Connection, type_id: int, actor: str, lines: Sequence[Line]) -> None:
    """Write down who got what."""
    told = [
        {
            "entity_id": one.entity,
            "owner_id": one.owner,
            "before_id": one.before,
            "rule": one.rule,
            "pool": one.pool,
            "reason": one.reason,
            "told": one.told,
        }
        for one in lines
    ]
    if told:
        connection.run(_NOTE, {"type": type_id, "actor": actor, "lines": json.dumps(told).decode()})


def lines(connection: Connection, type_id: int, entity: int, limit: int) -> list[Line]:
    """What the ledger says of an entity, the latest first."""
    rows = connection.rows(_LINES, {"type": type_id, "entity": entity, "limit": limit})
    return [
        Line(entity, owner, before, rule, pool, reason, told, at, actor)
        for at, owner, before, rule, pool, reason, actor, told in rows
    ]


def want(connection: Connection, type_id: int, ids: Collection[int]) -> None:
    """These are to be given out."""
    if ids:
        connection.run(_WANT, {"type": type_id, "ids": sorted(ids)})


def wait(connection: Connection, type_id: int, waiting: Sequence[Waiting]) -> None:
    """These could not be given to anybody."""
    told = [{"entity_id": one.entity, "pool": one.pool, "reason": one.reason, "told": one.told} for one in waiting]
    if told:
        connection.run(_WAIT, {"type": type_id, "lines": json.dumps(told).decode()})


def done(connection: Connection, type_id: int, ids: Collection[int]) -> None:
    """These wait no more."""
    if ids:
        connection.run(_DONE, {"type": type_id, "ids": sorted(ids)})


def among(connection: Connection, type_id: int, ids: Collection[int]) -> dict[int, str | None]:
    """Those of these that wait and that nobody else is busy with, with the pool that was asked for."""
    return {row[0]: row[1] for row in connection.rows(_AMONG, {"type": type_id, "ids": sorted(ids)})}


def longest(connection: Connection, type_id: int, limit: int, before: datetime | None) -> dict[int, str | None]:
    """The same of all that wait, those whose last try is longest ago; `before`: none that were tried since."""
    rows = connection.rows(_NEXT, {"type": type_id, "limit": limit, "before": before})
    return {row[0]: row[1] for row in rows}


def any_waiting(connection: Connection, type_id: int) -> bool:
    """Whether anything waits."""
    row = connection.row(_ANY, {"type": type_id}, prepare=True)
    return bool(row and row[0])


def listed(connection: Connection, type_id: int, after: int, limit: int) -> list[Waiting]:
    """A page of what waits, by id."""
    rows = connection.rows(_LISTED, {"type": type_id, "after": after, "limit": limit})
    return [_waiting(row) for row in rows]


def waiting(connection: Connection, type_id: int, entity: int) -> Waiting | None:
    """Whether an entity waits, and what for."""
    row = connection.row(_ONE, {"type": type_id, "entity": entity})
    return None if row is None else _waiting(row)


def _waiting(row: Sequence[Any]) -> Waiting:
    entity, pool, since, tried_at, reason, told = row
    return Waiting(entity, pool, reason, told, since, tried_at)
