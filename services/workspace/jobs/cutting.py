"""Ordering the chunks of an import: which there are, and which must wait for which.

Rows of one entity are applied in the file's order, so a chunk waits for the last one before it that has one of its
keys (and with it for all before that). In slices that grow, so that the first rows are imported at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from services.workspace.commands.steering import end_phase, order
from services.workspace.domain.cutting import order_key
from services.workspace.tables import chunks, jobs
from services.workspace.tables.chunks import Line
from services.workspace.tables.jobs import CHECKING, FAILED, PAUSED, RUNNING, ImportJob
from shared.contracts import imports as contract
from shared.kernel.db import Connection
from shared.service.imports.spec import ImportSpec
from shared.service.work import ledger
from shared.service.work.ledger import Chunk, Claim, Counts, Job

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

_FIRST, _MOST = 2, 32
# A join, not `key = any(...)`: that, prepared, looks through all keys of the chunk for each one of the file.
_KEYS = """
with last as (
    select max(i.chunk) as chunk from unnest(%(keys)s::bigint[]) as k(key)
    join import_key i on i.job_id = %(job)s and i.key = k.key),
put as (
    insert into import_key (job_id, key, chunk) select %(job)s, key, %(chunk)s from unnest(%(keys)s::bigint[]) as k(key)
    on conflict (job_id, key) do update set chunk = excluded.chunk)
select chunk from last
"""
_FORGET = "delete from import_key where job_id = %(job)s"
_ACTIVE = frozenset({CHECKING, RUNNING, PAUSED})


class CuttingKind:
    """Work of the kind `import-cutting`."""

    def run(self, runtime: Runtime, claim: Claim) -> None:
        """Order some chunks, in one transaction with what is noted about them."""
        with runtime.db.transaction() as connection:
            job = jobs.find(connection, claim.job.number, lock=True)
            if job.state in _ACTIVE and job.phase == claim.job.phase:
                self._announce(connection, claim, job)
            if ledger.complete(connection, claim, Counts()):
                ledger.end(connection, claim.job.id, ledger.DONE)

    def failed(self, connection: Connection, job: Job) -> None:
        """Without further orders the phase cannot end well."""
        found = jobs.find(connection, job.number, lock=True)
        if found.state in _ACTIVE and found.phase == job.phase:
            if found.phases[job.phase].announced >= 0:
                order(connection, found, contract.CANCELED, job.phase)
            end_phase(connection, found, FAILED, job.reason)

    def _announce(self, connection: Connection, claim: Claim, job: ImportJob) -> None:
        spec = ImportSpec.model_validate(job.spec)
        done = job.phases[job.phase].announced
        begin = max(0, done)
        limit = min(_MOST, _FIRST * 2 ** min(claim.n, 10))
        if _ordered(spec):
            waiting = _in_order(connection, job, spec, begin, limit)
            reached = min(job.chunks, begin + limit)
        else:
            waiting = _in_any_order(connection, job, begin)
            reached = job.chunks
        final = reached >= job.chunks
        first = {"spec": job.spec, "attributes": tuple(job.attributes)} if done < 0 else {}
        state = contract.PAUSED if job.state == PAUSED and done >= 0 else contract.RUNNING
        order(connection, job, state, job.phase, chunks=tuple(waiting), final=final, **first)
        if job.state == PAUSED and done < 0:
            order(connection, job, contract.PAUSED, job.phase)
        jobs.change_phase(connection, job.id, job.phase, announced=reached)
        if final:
            connection.run(_FORGET, {"job": job.id})
        else:
            ledger.add_chunks(connection, claim.job.id, job.phase, [Chunk(claim.n + 1)])


def _ordered(spec: ImportSpec) -> bool:
    """Whether rows may be about the same entity."""
    return spec.id_column is not None or (spec.key is not None and spec.mode != "create")


def _in_any_order(connection: Connection, job: ImportJob, begin: int) -> list[tuple[int, int | None]]:
    return [(n, None) for n, _ in chunks.sizes(connection, job.id, begin)]


def _in_order(
    connection: Connection, job: ImportJob, spec: ImportSpec, begin: int, limit: int
) -> list[tuple[int, int | None]]:
    column = spec.id_column if spec.key is None else spec.key.column
    assert column is not None
    found: list[tuple[int, int | None]] = []
    for n in range(begin, min(job.chunks, begin + limit)):
        if lines := chunks.rows_of(connection, job.id, n):
            row = connection.row(_KEYS, {"job": job.id, "keys": _keys(lines, column), "chunk": n}, prepare=True)
            found.append((n, None if row is None else row[0]))
    return found


def _keys(lines: Sequence[Line], column: int) -> list[int]:
    """Sorted, so that two who write the same keys never wait for each other in a circle."""
    return sorted({key for _, cells in lines if (key := order_key(cells[column])) is not None})
