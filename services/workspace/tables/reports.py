"""What the services that import told of a phase: counters, errors, samples. Every report counts once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shared.contracts.imports import DEFERRED, DRY_DEFERRED, ChunkDone, RowError
from shared.kernel.db import Connection
from shared.kernel.json import dumps

READ = "read"
MAX_SAMPLES = 200
_TOLD_AS = {DEFERRED: "run", DRY_DEFERRED: "dry"}

_REPORT = """
insert into import_report (job_id, phase, chunk, rows, created, updated, unchanged, rejected)
values (%(job)s, %(told)s, %(chunk)s, %(rows)s, %(created)s, %(updated)s, %(unchanged)s, %(rejected)s)
on conflict do nothing
"""
_COUNT = """
update import_phase set done = done + %(rows)s, created = created + %(created)s, updated = updated + %(updated)s,
    unchanged = unchanged + %(unchanged)s, rejected = rejected + %(rejected)s, errors = errors + %(errors)s
where job_id = %(job)s and phase = %(phase)s
"""
_TOUCH = "update import_job set updated_at = clock_timestamp() at time zone 'utc' where id = %(job)s"
_ERRORS = """
insert into import_error (job_id, phase, line, place, "column", attribute, code, message)
select %(job)s, %(phase)s, (one->>'line')::int, (one->>'place')::int, one->>'column', one->>'attribute', one->>'code',
    one->>'message'
from jsonb_array_elements(%(listed)s::jsonb) as listed(one) on conflict do nothing
"""
_SAMPLES = """
insert into import_sample (job_id, line, outcome, entity_id, changed)
select %(job)s, (one->>'line')::int, one->>'outcome', (one->>'id')::bigint, one->'changed'
from jsonb_array_elements(%(listed)s::jsonb) as listed(one)
where (select count(*) from import_sample where job_id = %(job)s) < %(most)s on conflict do nothing
"""
_KEPT = """
insert into import_kept (job_id, entity_id, attribute)
select %(job)s, (one->>'id')::bigint, one->>'attribute'
from jsonb_array_elements(%(listed)s::jsonb) as listed(one) on conflict do nothing
"""
_FORGET = (
    "delete from import_report where job_id = %(job)s and phase = any(%(phases)s)",
    "delete from import_error where job_id = %(job)s and phase = any(%(phases)s)",
    "delete from import_key where job_id = %(job)s",
)
_ERRORS_PAGE = """
select line, phase, place, "column", attribute, code, message from import_error
where job_id = %(job)s and phase = any(%(phases)s)
and (line, phase, place) > (%(line)s, %(after)s, %(place)s) order by line, phase, place limit %(limit)s
"""


def count(connection: Connection, job: int, report: ChunkDone) -> bool:
    """Add a report to its phase; False when it was counted before."""
    phase = _TOLD_AS.get(report.phase, report.phase)
    counts = {name: getattr(report, name) for name in ("rows", "created", "updated", "unchanged", "rejected")}
    values = {"job": job, "told": report.phase, "phase": phase, "chunk": report.chunk, **counts}
    if connection.run(_REPORT, values, prepare=True) != 1:
        return False
    connection.run(_COUNT, {**values, "errors": len(report.errors)}, prepare=True)
    connection.run(_TOUCH, {"job": job}, prepare=True)
    put_errors(connection, job, phase, report.errors)
    if report.samples:
        listed = [{"line": s.line, "outcome": s.outcome, "id": s.id, "changed": s.changed} for s in report.samples]
        connection.run(_SAMPLES, {"job": job, "listed": dumps(listed).decode(), "most": MAX_SAMPLES})
    if report.kept:
        kept = [{"id": one.id, "attribute": one.attribute} for one in report.kept]
        connection.run(_KEPT, {"job": job, "listed": dumps(kept).decode()})
    return True


def put_errors(connection: Connection, job: int, phase: str, errors: Sequence[RowError]) -> None:
    """Keep errors of rows. Several of one row are told apart by their place."""
    if not errors:
        return
    places: dict[int, int] = {}
    listed: list[dict[str, Any]] = []
    for one in errors:
        place = places[one.line] = places.get(one.line, -1) + 1
        told = {"line": one.line, "place": place, "code": one.code, "message": one.message}
        listed.append({**told, "column": one.column, "attribute": one.attribute})
    connection.run(_ERRORS, {"job": job, "phase": phase, "listed": dumps(listed).decode()})


def forget(connection: Connection, job: int, phase: str) -> None:
    """What an earlier attempt at a phase told does not count for the next."""
    told = [phase, *(name for name, shown in _TOLD_AS.items() if shown == phase)]
    for statement in _FORGET:
        connection.run(statement, {"job": job, "phases": told})
    if phase == "dry":
        connection.run("delete from import_sample where job_id = %(job)s", {"job": job})
    if phase == "undo":
        connection.run("delete from import_kept where job_id = %(job)s", {"job": job})


Place = tuple[int, str, int]
"""Where an error stands among an import's: line, phase, place."""
FIRST: Place = (-1, "", -1)


def errors(connection: Connection, job: int, phase: str, after: Place, limit: int) -> list[tuple[Place, RowError]]:
    """Errors of a phase, and of reading, by line."""
    line, after_phase, place = after
    values = {"job": job, "phases": [READ, phase], "line": line, "after": after_phase, "place": place, "limit": limit}
    return [
        ((row[0], row[1], row[2]), RowError(row[0], row[5], row[6], row[3], row[4]))
        for row in connection.rows(_ERRORS_PAGE, values)
    ]


def samples(connection: Connection, job: int) -> list[dict[str, Any]]:
    """What a dry run foresees for some rows."""
    sql = "select line, outcome, entity_id, changed from import_sample where job_id = %(job)s order by line"
    return [
        {"line": line, "outcome": outcome, "id": None if ident is None else str(ident), "changed": changed}
        for line, outcome, ident, changed in connection.rows(sql, {"job": job})
    ]


def forget_samples(connection: Connection, job: int, lines: Sequence[int]) -> None:
    """What a dry run foresaw for these rows."""
    sql = "delete from import_sample where job_id = %(job)s and line = any(%(lines)s)"
    connection.run(sql, {"job": job, "lines": list(lines)})


def samples_of(connection: Connection, service: str, entity_type: str, entity: int) -> list[tuple[int, int]]:
    """Where dry runs foresaw something for an entity: (import, line)."""
    sql = """select s.job_id, s.line from import_sample s join import_job j on j.id = s.job_id
        where s.entity_id = %(entity)s and j.service = %(service)s and j.entity_type = %(type)s order by 1, 2"""
    values = {"service": service, "type": entity_type, "entity": entity}
    return [(row[0], row[1]) for row in connection.rows(sql, values)]


def kept(connection: Connection, job: int, after: tuple[int, str], limit: int) -> list[tuple[int, str]]:
    """What an undo left alone: (entity, attribute), by entity."""
    sql = """select entity_id, attribute from import_kept where job_id = %(job)s
        and (entity_id, attribute) > (%(ident)s, %(name)s) order by entity_id, attribute limit %(limit)s"""
    values = {"job": job, "ident": after[0], "name": after[1], "limit": limit}
    return [(row[0], row[1]) for row in connection.rows(sql, values)]
