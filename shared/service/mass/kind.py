"""Mass change as a kind of work: first the ids of what fits are cut into chunks, then each chunk is written.

What fits is decided once, in one snapshot: who is changed so as not to fit any more does not shift the others. The
`spec` of a job holds {"filter", "values"}, that of a chunk {"ids"} and, once done, {"errors"}.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from shared.contracts.imports import ChunkDone
from shared.eav import filters
from shared.eav.bulk.items import BulkItem, BulkOutcome
from shared.eav.extract import Extract
from shared.eav.requests import Ref
from shared.kernel.clock import new_id
from shared.kernel.context import SYSTEM, Actor, Context
from shared.kernel.db import Connection
from shared.kernel.json import dumps
from shared.service.imports.rows import record
from shared.service.imports.telling import chunk_done
from shared.service.imports.undo import take_back
from shared.service.work import ledger
from shared.service.work.ledger import Chunk, Claim, Counts, Job

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

KIND = "change"
SOURCE = "BATCH_UPDATE"
DRY, RUN, UNDO = "dry", "run", "undo"
IDS_A_CHUNK = 2000
ERRORS_A_CHUNK = 20

_NOTE = """
update work_chunk set spec = spec || %(told)s::jsonb where (job_id, phase, n) = (%(job)s, %(phase)s, %(n)s)
"""


def context_of(job: Job) -> Context:
    """What the job's writes are stamped with. Rights were asked at the door."""
    actor = Actor(job.actor or SYSTEM.id, "", frozenset({"*"}))
    return Context(actor, SOURCE, str(job.number), job.correlation or new_id())


class ChangeKind:
    """Work of the kind `change`."""

    def run(self, runtime: Runtime, claim: Claim) -> None:
        """Do a chunk: find ids, change a stretch of them, or take a stretch back."""
        if claim.job.phase == UNDO:
            take_back(runtime, claim, context_of(claim.job), lambda connection, done: _end(connection, claim, done))
        elif "ids" in claim.spec:
            _change(runtime, claim)
        else:
            _collect(runtime, claim)

    def failed(self, connection: Connection, job: Job) -> None:
        """Nobody waits to be told: who asks sees it."""


def _collect(runtime: Runtime, claim: Claim) -> None:
    job = claim.job
    live = runtime.catalog.type(job.entity_type)
    asked = Extract(filters.parse(job.spec["filter"]), attributes=())
    with runtime.engine.reads.stream(live.name, asked, []) as found:
        ids = [int(one) for block in found for one in block[0]]
    cuts = [ids[start : start + IDS_A_CHUNK] for start in range(0, len(ids), IDS_A_CHUNK)]
    with runtime.db.transaction() as connection:
        ledger.add_chunks(connection, job.id, job.phase, [Chunk(n, spec={"ids": cut}) for n, cut in enumerate(cuts, 1)])
        _end(connection, claim, ChunkDone(job.phase, claim.n))


def _change(runtime: Runtime, claim: Claim) -> None:
    job, ids, values = claim.job, claim.spec["ids"], claim.job.spec["values"]
    dry = job.phase == DRY
    items = [BulkItem(values, Ref(id=one), "update") for one in ids]

    def also(connection: Connection, outcomes: Sequence[BulkOutcome]) -> None:
        if not dry:
            # For undoing; entities have no lines.
            record(connection, job.id, job.entity_type, [(0, one) for one in outcomes if one.outcome == "updated"])
        errors = [told for one in outcomes if one.outcome == "rejected" for told in _errors(ids[one.place], one)]
        if errors:
            params = {"job": job.id, "phase": job.phase, "n": claim.n}
            connection.run(_NOTE, {**params, "told": dumps({"errors": errors[:ERRORS_A_CHUNK]}).decode()})
        _end(connection, claim, chunk_done(job.phase, claim.n, [one.outcome for one in outcomes]))

    runtime.engine.bulk.write(job.entity_type, items, context_of(job), dry=dry, also=also)


def _errors(ident: int, outcome: BulkOutcome) -> list[dict[str, Any]]:
    return [{"id": str(ident), "name": one.name, "code": one.code, "message": one.message} for one in outcome.errors]


def _end(connection: Connection, claim: Claim, done: ChunkDone) -> None:
    """The end of a chunk's transaction."""
    counts = Counts(done.rows, done.created, done.updated, done.unchanged, done.rejected)
    if done.kept:
        kept = [{"id": str(one.id), "name": one.attribute} for one in done.kept]
        params = {"job": claim.job.id, "phase": claim.job.phase, "n": claim.n}
        connection.run(_NOTE, {**params, "told": dumps({"kept": kept}).decode()})
    if ledger.complete(connection, claim, counts):
        ledger.end(connection, claim.job.id, ledger.DONE)
