"""How far jobs are whose chunks hold ids: the first one finds them, the others look at some of them each.

For doors that show it. Not for imports and mass changes, which have more to tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from shared.kernel.db import Connection

_JOBS = """
select j.kind, j.state, j.reason, j.rows, j.updated, j.rejected, j.spec, j.created_at, j.updated_at,
    (select coalesce(sum(jsonb_array_length(c.spec->'ids')), 0)::bigint from work_chunk c
        where c.job_id = j.id and c.phase = j.phase),
    exists (select from work_chunk c where (c.job_id, c.phase, c.n, c.state) = (j.id, j.phase, 0, 'done'))
from work_job j where j.kind = any(%(kinds)s) and {which} order by j.updated_at desc, j.id desc limit %(limit)s
"""
_NUMBERED = _JOBS.format(which="j.number = %(number)s")
_ABOUT = _JOBS.format(which="j.entity_type = %(type)s and j.spec @> %(spec)s::jsonb")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is. total: how many entities it looks at, None while they are being found."""

    kind: str
    state: str
    reason: str
    looked_at: int
    changed: int
    refused: int
    spec: Mapping[str, Any]
    begun: datetime
    last: datetime
    total: int | None


def of(connection: Connection, kind: str, number: int) -> Progress | None:
    """The job that was ordered under a number, None where there never was one."""
    rows = connection.rows(_NUMBERED, {"kinds": [kind], "number": number, "limit": 1})
    return _progress(*rows[0]) if rows else None


def about(connection: Connection, kinds: list[str], entity_type: str, spec: str, limit: int = 100) -> list[Progress]:
    """Jobs of some kinds whose spec holds this (JSON), those that moved last first."""
    params = {"kinds": kinds, "type": entity_type, "spec": spec, "limit": limit}
    return [_progress(*row) for row in connection.rows(_ABOUT, params)]


def _progress(
    kind: str, state: str, reason: str, looked_at: int, changed: int, refused: int, spec: Mapping[str, Any],
    begun: datetime, last: datetime, total: int, found: bool,
) -> Progress:  # fmt: skip
    return Progress(
        kind, state, reason, looked_at, changed, refused, spec, begun.replace(tzinfo=UTC), last.replace(tzinfo=UTC),
        total if found else None,
    )  # fmt: skip
