"""Imports and their phases as rows: what is known of an import, and the changes of its state.

States: uploading, reading, ready, checking (a dry run), running, paused, canceling, done, canceled, failed, undoing,
undone. Which may follow which is decided by commands; here is only how it is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from shared.kernel.context import Actor, Context
from shared.kernel.db import Connection
from shared.kernel.errors import NotFound
from shared.kernel.json import dumps

UPLOADING, READING, READY, CHECKING, RUNNING, PAUSED = "uploading", "reading", "ready", "checking", "running", "paused"
CANCELING, DONE, CANCELED, FAILED, UNDOING, UNDONE = "canceling", "done", "canceled", "failed", "undoing", "undone"
DRY, RUN, UNDO = "dry", "run", "undo"

_NOW = "(clock_timestamp() at time zone 'utc')"
_FIELDS = (
    "id, name, entity_type, service, state, origin, actor, correlation, file_name, file_size, options, found, rows, "
    "refused, chunks, request, wanted, spec, attributes, begins, phase, error, dropped, created_at, updated_at"
)
_PUT = """
insert into import_job (name, entity_type, service, state, origin, actor, correlation, file_name, options, request,
    wanted, begins)
values (%(name)s, %(entity_type)s, %(service)s, 'uploading', %(origin)s, %(actor)s, %(correlation)s, %(file_name)s,
    %(options)s, %(request)s, %(wanted)s, %(begins)s) returning id
"""
_JSON = frozenset({"options", "found", "profile", "request", "wanted", "spec", "attributes"})
_PHASE_FIELDS = (
    "phase, state, rows, done, created, updated, unchanged, rejected, errors, "
    "announced, reason, started_at, finished_at"
)
_BEGIN = f"""
insert into import_phase (job_id, phase, state, rows, done, rejected, announced)
values (%(job)s, %(phase)s, 'running', %(rows)s, %(refused)s, %(refused)s, -1)
on conflict (job_id, phase) do update set state = 'running', rows = excluded.rows, done = excluded.done,
    created = 0, updated = 0, unchanged = 0, rejected = excluded.rejected, errors = 0, announced = -1, reason = '',
    started_at = {_NOW}, finished_at = null
"""


@dataclass(frozen=True, slots=True)
class Phase:
    """What a dry run, a run or an undo has come to. rows: to be done; done: the sum of the four after it.

    announced: chunks that were ordered; -1 before anything was.
    """

    phase: str
    state: str
    rows: int
    done: int
    created: int
    updated: int
    unchanged: int
    rejected: int
    errors: int
    announced: int
    reason: str
    started_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class ImportJob:
    """An import. wanted: the mapping as it was asked for; spec: the same, made ready; begins: what follows reading."""

    id: int
    name: str
    entity_type: str
    service: str
    state: str
    origin: str
    actor: str
    correlation: str
    file_name: str
    file_size: int
    options: Mapping[str, Any]
    found: Mapping[str, Any] | None
    rows: int
    refused: int
    chunks: int
    request: Mapping[str, Any] | None
    wanted: Mapping[str, Any] | None
    spec: Mapping[str, Any] | None
    attributes: Sequence[Mapping[str, Any]]
    begins: str
    phase: str
    error: str
    dropped: bool
    created_at: datetime
    updated_at: datetime
    phases: Mapping[str, Phase] = field(default_factory=dict)

    @property
    def header(self) -> tuple[str, ...]:
        """The names of its columns; none before it was read."""
        return tuple(self.found["header"]) if self.found else ()

    @property
    def context(self) -> Context:
        """On whose behalf everything about it happens."""
        return Context(Actor(self.actor), "IMPORT", str(self.id), correlation=self.correlation)


def create(connection: Connection, **columns: Any) -> int:
    """A new import, uploading; its id."""
    row = connection.row(_PUT, {name: _stored(name, value) for name, value in columns.items()})
    assert row is not None
    return int(row[0])


def find(connection: Connection, job: int, *, lock: bool = False) -> ImportJob:
    """An import with its phases; raises NotFound."""
    sql = f"select {_FIELDS} from import_job where id = %(job)s{' for update' if lock else ''}"
    row = connection.row(sql, {"job": job})
    if row is None:
        raise NotFound("import", [str(job)])
    return replace(ImportJob(*row), phases=_phases(connection, [job]).get(job, {}))


def listed(
    connection: Connection, *, after: int | None, before: int | None, types: Sequence[str] | None, limit: int
) -> list[ImportJob]:
    """Imports by id: rising behind `after`, else falling below `before` (all without). types: None is every type."""
    rising = after is not None
    where = ["id > %(after)s" if rising else "id < %(before)s"]
    if types is not None:
        where.append("entity_type = any(%(types)s)")
    sql = f"select {_FIELDS} from import_job where {' and '.join(where)}"
    sql += f" order by id {'asc' if rising else 'desc'} limit %(limit)s"
    most = 2**62 if before is None else before
    rows = connection.rows(sql, {"after": after, "before": most, "types": types and list(types), "limit": limit})
    phases = _phases(connection, [row[0] for row in rows])
    return [replace(ImportJob(*row), phases=phases.get(row[0], {})) for row in rows]


def change(connection: Connection, job: int, **columns: Any) -> None:
    """Set columns, and when that happened."""
    named = ", ".join(f"{name} = %({name})s" for name in columns)
    values = {name: _stored(name, value) for name, value in columns.items()}
    connection.run(f"update import_job set {named}, updated_at = {_NOW} where id = %(job)s", {**values, "job": job})


def begin_phase(connection: Connection, job: ImportJob, phase: str, rows: int) -> None:
    """A phase starts, over again if it was there. Rows that could not be read are rejected at once."""
    refused = 0 if phase == UNDO else job.refused
    connection.run(_BEGIN, {"job": job.id, "phase": phase, "rows": rows, "refused": refused})


def change_phase(connection: Connection, job: int, phase: str, **columns: Any) -> None:
    """Set columns of a phase."""
    named = ", ".join(f"{name} = %({name})s" for name in columns)
    connection.run(
        f"update import_phase set {named} where job_id = %(job)s and phase = %(phase)s",
        {**columns, "job": job, "phase": phase},
    )


def profile(connection: Connection, job: int) -> list[dict[str, Any]] | None:
    """What was found about the columns."""
    row = connection.row("select profile from import_job where id = %(job)s", {"job": job})
    return None if row is None else row[0]


def having_rows(connection: Connection) -> list[tuple[int, str]]:
    """Imports of which rows are kept, read or about to run too: (number, entity type)."""
    sql = "select id, entity_type from import_job where not dropped order by id"
    return [(row[0], row[1]) for row in connection.rows(sql)]


def wishes(connection: Connection) -> Iterator[tuple[int, datetime, dict[str, Any]]]:
    """What every import was asked for, in all forms of it that are kept: (number, since when it is, {column:
    document})."""
    names = ("request", "wanted", "spec")
    sql = f"select id, created_at, {', '.join(names)} from import_job order by id"
    for ident, created_at, *documents in connection.rows(sql):
        yield ident, created_at, dict(zip(names, documents, strict=True))


def checkpoint(connection: Connection, job: int) -> bytes | None:
    """Where reading stands."""
    row = connection.row("select checkpoint from import_job where id = %(job)s", {"job": job})
    return None if row is None or row[0] is None else bytes(row[0])


def _phases(connection: Connection, jobs: Sequence[int]) -> dict[int, dict[str, Phase]]:
    found: dict[int, dict[str, Phase]] = {}
    sql = f"select job_id, {_PHASE_FIELDS} from import_phase where job_id = any(%(jobs)s)"
    for job, *row in connection.rows(sql, {"jobs": list(jobs)}):
        found.setdefault(job, {})[row[0]] = Phase(*row)
    return found


def _stored(name: str, value: Any) -> Any:
    return dumps(value).decode() if name in _JSON and value is not None else value
