"""Rows of the log of visits: who came to which stage when. Set-wise, inside the caller's transaction.

A row is a move, and begins a visit that lasts until the next one of the same entity; where it led to no stage, nothing
begins. Rows are only ever added, so that a move costs one of them, however many there are; when a visit ended is worked
out when it is read. Entities that are archived or absorbed keep their rows; those of erased ones go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from shared.bus.outbox import Rider
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.kernel.listed import Listed

MOST_LISTED = 1000


@dataclass(frozen=True, slots=True)
class Move:
    """An entity came to another stage, or to none, with its `version`."""

    entity: int
    version: int
    pipeline: str | None
    stage: str | None
    came_from: str | None
    entered: datetime


@dataclass(frozen=True, slots=True)
class Visit:
    """One stay in a stage. `left` None: it is there now. seconds: how long, None while it is there."""

    pipeline: str | None
    stage: str
    came_from: str | None
    entered: datetime
    left: datetime | None
    seconds: Decimal | None
    version: int
    actor: str
    source: str
    source_id: str | None
    recorded: datetime


# It rides along with the events, so that a move costs no statement more than any other change.
_ADD = Listed(
    """
insert into stage_visit(entity_id, version, type_id, pipeline, stage, came_from, entered_at, actor, source, source_id,
    recorded_at)
select id, version, %(type)s, pipeline, stage, came_from, entered, %(actor)s, %(source)s, %(source_id)s,
    timezone('utc', clock_timestamp())
from {given} m
""",
    "move",
    {
        "id": "bigint", "version": "int", "pipeline": "text", "stage": "text", "came_from": "text",
        "entered": "timestamp",
    },
)  # fmt: skip
# An instant before that of an earlier move counts as that one: a visit never begins before the one ahead of it, and
# none overlap, however late something is told.
_LISTED = """
select pipeline, stage, came_from, since, until, extract(epoch from until - since), version, actor, source, source_id,
    recorded_at
from (
    select *, lead(since) over (order by version) as until
    from (
        select *, max(entered_at) over (order by version) as since from stage_visit where entity_id = %(id)s) as begun
    ) as visit
where stage is not null and version > %(after)s order by version limit %(limit)s
"""
# As it was first made: a row then knew its end, which the next move had to write.
FIRST = (
    """create table stage_visit (
        entity_id bigint not null, version int not null, type_id int not null, pipeline text, stage text not null,
        came_from text, entered_at timestamp not null, left_at timestamp,
        seconds numeric generated always as (extract(epoch from left_at - entered_at)) stored,
        actor text not null, source text not null, source_id text, recorded_at timestamp not null,
        primary key (entity_id, version), check (left_at >= entered_at))""",
    "create unique index on stage_visit(entity_id) where left_at is null",
)
# A visit that ended without another one beginning ended by a move to no stage, which had no row: its version is not
# known, but there was one between those two, so that the next number is free.
ONLY_ADDED = (
    "alter table stage_visit alter column stage drop not null",
    """insert into stage_visit (entity_id, version, type_id, pipeline, came_from, entered_at, left_at, actor, source,
        source_id, recorded_at)
    select entity_id, version + 1, type_id, pipeline, stage, left_at, left_at, actor, source, source_id, recorded_at
    from (
        select *, lead(entered_at) over (partition by entity_id order by version) as next_at,
            lead(version) over (partition by entity_id order by version) as next_version
        from stage_visit) as visit
    where left_at is not null and (next_at is null or next_at > left_at and next_version > version + 1)""",
    "alter table stage_visit drop column seconds, drop column left_at",
)
NOT_ONLY_ADDED = (
    """alter table stage_visit add column left_at timestamp,
        add column seconds numeric generated always as (extract(epoch from left_at - entered_at)) stored""",
    """update stage_visit v set entered_at = found.since, left_at = found.until
    from (
        select entity_id, version, since, lead(since) over (partition by entity_id order by version) as until
        from (
            select *, max(entered_at) over (partition by entity_id order by version) as since from stage_visit) as begun
        ) as found
    where v.entity_id = found.entity_id and v.version = found.version""",
    "delete from stage_visit where stage is null",
    "alter table stage_visit alter column stage set not null, add check (left_at >= entered_at)",
    "create unique index on stage_visit(entity_id) where left_at is null",
)
DROP = "drop table if exists stage_visit"


def added(type_id: int, moves: Sequence[Move], context: Context) -> Rider:
    """What adds moves, each once."""
    rows = [
        {
            "id": one.entity,
            "version": one.version,
            "pipeline": one.pipeline,
            "stage": one.stage,
            "came_from": one.came_from,
            "entered": _naive(one.entered),
        }
        for one in moves
    ]
    sql, params = _ADD.of(rows)
    common = {"type": type_id, "actor": context.actor.id, "source": context.source, "source_id": context.source_id}
    return Rider(sql, params | common)


def listed(connection: Connection, entity: int, after: int = 0, limit: int = MOST_LISTED) -> list[Visit]:
    """An entity's visits in the order in which they were made, from the version after `after` on."""
    rows = connection.rows(_LISTED, {"id": entity, "after": after, "limit": limit})
    return [Visit(*map(_aware, row)) for row in rows]


def forget(connection: Connection, entities: Sequence[int]) -> None:
    """Entities are erased: their visits go with them."""
    connection.run("delete from stage_visit where entity_id = any(%(ids)s::bigint[])", {"ids": list(entities)})


def _aware(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


def _naive(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(tzinfo=None)
