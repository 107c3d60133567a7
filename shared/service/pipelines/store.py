"""Rows of pipelines, stages and their audit. Every function runs inside the caller's transaction.

The options of the two attributes are derived from these rows by whoever changes them, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef
from shared.eav.tables import table_name
from shared.kernel import json
from shared.kernel.db import Connection
from shared.service.pipelines.values import Audit, Pipeline, Stage, in_order

MOST_AUDITS = 1000
_PIPELINES = """
select id, label, display_order, created_at, updated_at, archived_at, metadata from pipeline where type_id = %(type)s
"""
_STAGES = """
select pipeline, id, label, display_order, metadata, created_at, updated_at, archived_at from pipeline_stage
where type_id = %(type)s
"""
_PUT_PIPELINE = """
insert into pipeline(type_id, id, label, display_order, metadata, created_at, updated_at, archived_at)
values (%(type)s, %(id)s, %(label)s, %(display_order)s, %(metadata)s::jsonb, %(created_at)s, %(updated_at)s,
    %(archived_at)s)
on conflict (type_id, id) do update set label = excluded.label, display_order = excluded.display_order,
    metadata = excluded.metadata, updated_at = excluded.updated_at, archived_at = excluded.archived_at
"""
_PUT_STAGES = """
insert into pipeline_stage(type_id, pipeline, id, label, display_order, metadata, created_at, updated_at, archived_at)
select %(type)s, %(pipeline)s, * from unnest(%(id)s::text[], %(label)s::text[], %(display_order)s::int[],
    %(metadata)s::jsonb[], %(created_at)s::timestamp[], %(updated_at)s::timestamp[], %(archived_at)s::timestamp[])
on conflict (type_id, id) do update set label = excluded.label, display_order = excluded.display_order,
    metadata = excluded.metadata, updated_at = excluded.updated_at, archived_at = excluded.archived_at
"""
_NOTE = """
insert into pipeline_audit(type_id, pipeline, stage, action, at, actor, after)
select %(type)s, * from unnest(%(pipeline)s::text[], %(stage)s::text[], %(action)s::text[], %(at)s::timestamp[],
    %(actor)s::text[], %(after)s::jsonb[])
"""
_AUDITS = f"""
select pipeline, stage, action, at, actor, after from pipeline_audit
where type_id = %(type)s and pipeline = %(pipeline)s and (%(stage)s::text is null or stage = %(stage)s)
order by id desc limit {MOST_AUDITS}
"""


def create_statements() -> list[str]:
    """DDL. Rows belong to the type's row, since names of custom types may be used again."""
    owned = "type_id int not null references eav_type on delete cascade"
    shown = "label text not null, display_order int not null"
    stamps = "created_at timestamp not null, updated_at timestamp not null, archived_at timestamp"
    return [
        "create sequence pipeline_number start 100001",
        f"create table pipeline({owned}, id text not null, {shown}, {stamps}, primary key(type_id, id))",
        f"""create table pipeline_stage({owned}, id text not null, pipeline text not null, {shown},
            metadata jsonb not null, {stamps}, primary key(type_id, id),
            foreign key(type_id, pipeline) references pipeline on delete cascade)""",
        f"""create table pipeline_audit(id bigint generated always as identity primary key, {owned},
            pipeline text not null, stage text, action text not null, at timestamp not null, actor text not null,
            after jsonb not null)""",
        "create index on pipeline_audit(type_id, pipeline, id)",
    ]


def load(connection: Connection, type_id: int) -> tuple[Pipeline, ...]:
    """All pipelines of a type with all their stages, put away ones too, in the order in which they are shown."""
    stages: dict[str, list[Stage]] = {}
    for pipeline, *rest in connection.rows(_STAGES, {"type": type_id}):
        stages.setdefault(pipeline, []).append(Stage(*map(_aware, rest)))
    rows = connection.rows(_PIPELINES, {"type": type_id})
    return in_order(
        Pipeline(ident, label, order, in_order(stages.get(ident, ())), *map(_aware, rest))
        for ident, label, order, *rest in rows
    )


def _aware(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


def _naive(value: datetime | None) -> datetime | None:
    return None if value is None else value.astimezone(UTC).replace(tzinfo=None)


def save(connection: Connection, type_id: int, after: Pipeline) -> None:
    """Store a pipeline and its stages as they are now."""
    params = {"type": type_id, "id": after.id, "label": after.label, "display_order": after.display_order}
    params["metadata"] = json.dumps(dict(after.metadata)).decode()
    connection.run(_PUT_PIPELINE, params | _stamps(after))
    if after.stages:
        columns: dict[str, list[Any]] = {
            name: [getattr(one, name) for one in after.stages] for name in ("id", "label", "display_order")
        }
        columns["metadata"] = [json.dumps(dict(one.metadata)).decode() for one in after.stages]
        for name in ("created_at", "updated_at", "archived_at"):
            columns[name] = [_naive(getattr(one, name)) for one in after.stages]
        connection.run(_PUT_STAGES, {"type": type_id, "pipeline": after.id, **columns})


def _stamps(one: Pipeline) -> dict[str, Any]:
    return {name: _naive(getattr(one, name)) for name in ("created_at", "updated_at", "archived_at")}


def new_number(connection: Connection) -> str:
    """An id nobody had: digits, but callers take it for text."""
    row = connection.row("select nextval('pipeline_number')")
    assert row is not None
    return str(row[0])


def note(connection: Connection, type_id: int, added: Sequence[Audit]) -> None:
    """Add audit rows, in this order. One statement."""
    columns: dict[str, list[Any]] = {
        name: [getattr(one, name) for one in added] for name in ("pipeline", "stage", "action", "actor")
    }
    columns["at"] = [_naive(one.at) for one in added]
    columns["after"] = [json.dumps(dict(one.after)).decode() for one in added]
    connection.run(_NOTE, {"type": type_id, **columns})


def audits(connection: Connection, type_id: int, pipeline: str, stage: str | None) -> list[Audit]:
    """The changes of a pipeline (its stages' too) or of one stage, newest first."""
    rows = connection.rows(_AUDITS, {"type": type_id, "pipeline": pipeline, "stage": stage})
    return [Audit(*map(_aware, row)) for row in rows]


def stages_in_use(
    connection: Connection, live: LiveType, attribute: AttributeDef, stages: Mapping[int, str]
) -> dict[str, int]:
    """How many live entities stand in those of these stages (option id -> stage id) in which some do. Hold writers off
    before asking."""
    if attribute.column is None or not stages:
        return {}
    rows = connection.rows(
        f"""select e.{attribute.column}, count(*) from {table_name(live.table, attribute.bank)} e
        where e.{attribute.column} = any(%(ids)s::bigint[]) group by 1 order by 2 desc""",
        {"ids": list(stages)},
    )
    return {stages[option]: count for option, count in rows}
