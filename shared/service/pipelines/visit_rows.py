"""Rows of the log of visits: who stood in which stage from when to when. Set-wise, inside the caller's transaction.

A row is a visit: coming back to a stage is another one. Of an entity at most one visit is open. Entities that are
archived or absorbed keep theirs as they are; those of erased ones go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from shared.bus import outbox
from shared.contracts.event import Event
from shared.kernel import json
from shared.kernel.context import Context
from shared.kernel.db import Connection

MOST_LISTED = 1000


@dataclass(frozen=True, slots=True)
class Move:
    """An entity came to another stage, or to none, with its `version`. left: when it went on, within the same call.
    first: whether nothing in the call came before, so that a visit may be open from earlier."""

    entity: int
    version: int
    pipeline: str | None
    stage: str | None
    came_from: str | None
    entered: datetime
    left: datetime | None = None
    first: bool = True


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


# The join makes the visit under way end before the next begins: there is one open visit at most, also half way through.
# An instant before that of the visit under way counts as that one: a visit never ends before it began. The events
# ride along, so that a move costs no statement more than any other change. Moves travel as one JSON parameter: an array
# per column would cost the driver more than the server takes to read them. The limit takes nothing away: of such a
# function PostgreSQL expects a hundred rows, and would read the whole log for them; of a limit it cannot see, ten.
_ADD = f"""
with g as materialized (
    select * from json_to_recordset(%(moves)s::json) as listed(id bigint, version int, pipeline text, stage text,
        came_from text, entered timestamp, left_at timestamp, first bool)
    limit (select %(count)s::bigint)),
closed as (
    update stage_visit v set left_at = greatest(g.entered, v.entered_at) from g
    where g.first and v.entity_id = g.id and v.left_at is null returning v.entity_id, v.entered_at),
added as (
    insert into stage_visit(entity_id, version, type_id, pipeline, stage, came_from, entered_at, left_at, actor, source,
        source_id, recorded_at)
    select g.id, g.version, %(type)s, g.pipeline, g.stage, g.came_from, greatest(g.entered, c.entered_at), g.left_at,
        %(actor)s, %(source)s, %(source_id)s, timezone('utc', clock_timestamp())
    from g left join closed c on g.first and c.entity_id = g.id
    where g.stage is not null)
{outbox.STATEMENT}
"""
_LISTED = """
select pipeline, stage, came_from, entered_at, left_at, seconds, version, actor, source, source_id, recorded_at
from stage_visit where entity_id = %(id)s and version > %(after)s order by version limit %(limit)s
"""


def create_statements() -> list[str]:
    """DDL."""
    return [
        """create table stage_visit (
            entity_id bigint not null, version int not null, type_id int not null, pipeline text, stage text not null,
            came_from text, entered_at timestamp not null, left_at timestamp,
            seconds numeric generated always as (extract(epoch from left_at - entered_at)) stored,
            actor text not null, source text not null, source_id text, recorded_at timestamp not null,
            primary key (entity_id, version), check (left_at >= entered_at))""",
        "create unique index on stage_visit(entity_id) where left_at is null",
    ]


DROP = "drop table if exists stage_visit"


def add(connection: Connection, type_id: int, moves: Sequence[Move], context: Context, events: Sequence[Event]) -> None:
    """End the visits under way, begin others, and tell of it: one statement."""
    rows = [
        {
            "id": one.entity,
            "version": one.version,
            "pipeline": one.pipeline,
            "stage": one.stage,
            "came_from": one.came_from,
            "entered": _naive(one.entered),
            "left_at": None if one.left is None else _naive(one.left),
            "first": one.first,
        }
        for one in moves
    ]
    params: dict[str, Any] = {
        "type": type_id,
        "moves": json.dumps(rows).decode(),
        "count": len(rows),
        "actor": context.actor.id,
        "source": context.source,
        "source_id": context.source_id,
    }
    connection.run(_ADD, params | outbox.parameters(events), prepare=True)


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
