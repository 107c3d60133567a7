"""Reading an uploaded file once: what it is, what its columns hold, and its rows cut into chunks.

In slices of some seconds, each a chunk of the ledger that adds the next, so that a crash costs a slice and others get
their turn. What is cut depends on the file alone: a slice done twice stores the same. A sheet, which has no place to
go on from, is one slice, however long; it holds its lease.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from services.workspace.commands.mappings import prepare, with_decimals
from services.workspace.commands.steering import begin_phase, require_filled
from services.workspace.commands.targets import find_target
from services.workspace.domain.cutting import Cutter
from services.workspace.jobs.checkpoint import Checkpoint
from services.workspace.tables import chunks, jobs, parts, reports
from services.workspace.tables.jobs import FAILED, READING, READY, ImportJob
from shared.contracts.imports import RowError
from shared.kernel.clock import monotonic
from shared.kernel.db import Connection
from shared.kernel.errors import CrmError, Invalid
from shared.service.files.reading import Found, inspect, read_rows
from shared.service.files.rows import Row, Source
from shared.service.work import ledger
from shared.service.work.ledger import Chunk, Claim, Counts, Job, Lost

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

SLICE_SECONDS = 4.0
_STORED_AT_ONCE = 8
_LONGEST_ERROR = 1000


class ReadingKind:
    """Work of the kind `import-reading`. seconds: about how long a slice takes."""

    def __init__(self, seconds: float = SLICE_SECONDS) -> None:
        self._seconds = seconds

    def run(self, runtime: Runtime, claim: Claim) -> None:
        """One slice. Raises Invalid for a file that is no table."""
        with runtime.db.connect() as connection:
            job = jobs.find(connection, claim.job.number)
            state = jobs.checkpoint(connection, job.id)
        if job.state != READING:
            raise Lost(f"import {job.id} is {job.state}")
        source = parts.source_of(runtime.db, job.id)
        found = _found(runtime, job, source)
        _Slice(runtime, claim, job, found, Checkpoint.restored(found.header, state)).work(source, self._seconds)

    def failed(self, connection: Connection, job: Job) -> None:
        """The file cannot be read, and says why."""
        found = jobs.find(connection, job.number, lock=True)
        if found.state == READING:
            parts.drop_parts(connection, found.id)
            chunks.drop_chunks(connection, found.id)
            jobs.change(connection, found.id, state=FAILED, error=job.reason[:_LONGEST_ERROR], checkpoint=None)


def _found(runtime: Runtime, job: ImportJob, source: Source) -> Found:
    """What the file is; looked at once."""
    if job.found is None:
        found = inspect(source, **job.options)
        with runtime.db.connect() as connection:
            jobs.change(connection, job.id, found=asdict(found))
        return found
    listed = {name: tuple(job.found[name]) for name in ("header", "sheets", "notes")}
    listed["keys"] = tuple(job.found.get("keys", ()))
    return Found(**{**job.found, **listed})


class _Slice:
    """Rows become chunks, chunks a profile, until time is up at the end of a chunk, or the file is."""

    def __init__(self, runtime: Runtime, claim: Claim, job: ImportJob, found: Found, reached: Checkpoint) -> None:
        self._runtime = runtime
        self._claim = claim
        self._job = job
        self._found = found
        self._reached = reached
        self._ready: list[Mapping[str, Any]] = []
        self._errors: list[RowError] = []

    def work(self, source: Source, seconds: float) -> None:
        """Read on from where the last slice stopped."""
        reached = self._reached
        rows = read_rows(source, self._found, reached.line, reached.offset)
        until = monotonic() + seconds
        cutter = Cutter()
        for row in rows:
            _take(cutter, row)
            if cutter.full:
                self._cut(cutter, rows.offset)
                cutter = Cutter()
                if rows.offset is not None and monotonic() >= until:
                    self._end(finished=False)
                    return
        if not cutter.empty:
            self._cut(cutter, rows.offset)
        self._end(finished=True)

    def _cut(self, cutter: Cutter, offset: int | None) -> None:
        self._reached.profile.add([cells for _, cells in cutter.rows])
        self._reached.advance(cutter.last, offset, len(cutter.rows), len(cutter.refused))
        self._errors.extend(
            RowError(refused, error["code"], error["message"], error["column"]) for refused, _, error in cutter.refused
        )
        self._ready.append(chunks.packed(cutter))
        if len(self._ready) >= _STORED_AT_ONCE:
            with self._runtime.db.transaction() as connection:
                self._store(connection)

    def _store(self, connection: Connection) -> None:
        """Raises Lost when the import is not read any more."""
        job = self._job.id
        if jobs.find(connection, job, lock=True).state != READING:
            raise Lost(f"import {job} was canceled")
        chunks.put_chunks(connection, job, self._reached.chunks - len(self._ready), self._ready)
        reports.put_errors(connection, job, reports.READ, self._errors)
        self._ready.clear()
        self._errors.clear()

    def _end(self, *, finished: bool) -> None:
        state = None if finished else self._reached.state()
        with self._runtime.db.transaction() as connection:
            self._store(connection)
            counted = {name: getattr(self._reached, name) for name in ("rows", "refused", "chunks")}
            jobs.change(connection, self._job.id, checkpoint=state, **counted)
            if finished:
                self._finish(connection)
            else:
                ledger.add_chunks(connection, self._claim.job.id, "read", [Chunk(self._claim.n + 1)])
            if ledger.complete(connection, self._claim, Counts()):
                ledger.end(connection, self._claim.job.id, ledger.DONE)

    def _finish(self, connection: Connection) -> None:
        """All is known: the file itself is not needed any more."""
        job = self._job.id
        summary = [one.document() for one in self._reached.profile.summary()]
        parts.drop_parts(connection, job)
        jobs.change(connection, job, profile=summary, state=READY)
        after_reading(self._runtime, connection, jobs.find(connection, job))


def after_reading(runtime: Runtime, connection: Connection, job: ImportJob) -> None:
    """An import that came with a mapping goes on by itself, if it was told to; a mapping that does not fit fails it."""
    if job.wanted is None:
        return
    try:
        mapping = with_decimals(job.wanted, jobs.profile(connection, job.id) or ())
        prepared = prepare(runtime, find_target(runtime, job.entity_type), job.header, mapping)
        if job.begins:
            require_filled(prepared.spec.model_dump(mode="json"))
    except CrmError as error:
        jobs.change(connection, job.id, state=FAILED, error=_told(error)[:_LONGEST_ERROR])
        return
    jobs.change(
        connection,
        job.id,
        spec=prepared.spec.model_dump(mode="json"),
        attributes=list(prepared.attributes),
        wanted=prepared.mapping,
    )
    if job.begins:
        begin_phase(connection, jobs.find(connection, job.id), job.begins)


def _told(error: CrmError) -> str:
    """What is wrong and where: an import that failed shows one line."""
    if not isinstance(error, Invalid):
        return error.message
    return "; ".join(f"{one.name}: {one.message}" if one.name else one.message for one in error.errors)


def _take(cutter: Cutter, row: Row) -> None:
    if row.problem is None:
        cutter.add(row.line, row.cells)
    else:
        told = {"code": row.problem.code, "message": row.problem.message, "column": row.problem.name}
        cutter.refuse(row.line, row.cells, told)
