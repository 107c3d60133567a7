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
# ride along, so that a move costs no statement more than any other change. Arrays come through sub-selects, so that
# PostgreSQL does not see how long they are and plans the statement once (see `shared.service.matching.store`).
_LISTS = ", ".join(
    f"(select %({name})s::{kind}[])"
    for name, kind in (
        ("ids", "bigint"),
        ("versions", "int"),
        ("pipelines", "text"),
        ("stages", "text"),
        ("from", "text"),
        ("entered", "timestamp"),
        ("left", "timestamp"),
        ("first", "bool"),
    )
)
_ADD = f"""
with g as materialized (
    select * from unnest({_LISTS}) listed(id, version, pipeline, stage, came_from, entered, left_at, first)),
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
    params: dict[str, Any] = {
        "type": type_id,
        "ids": [one.entity for one in moves],
        "versions": [one.version for one in moves],
        "pipelines": [one.pipeline for one in moves],
        "stages": [one.stage for one in moves],
        "from": [one.came_from for one in moves],
        "entered": [_naive(one.entered) for one in moves],
        "left": [None if one.left is None else _naive(one.left) for one in moves],
        "first": [one.first for one in moves],
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
