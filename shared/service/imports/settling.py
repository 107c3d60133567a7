"""What follows when no chunk of a phase is left: another phase, or the end. Pure ledger work, done where it is noticed.

Phases: dry (then dry-deferred), run (then deferred), undo. The outside knows dry, run and undo.
"""

from __future__ import annotations

from shared.contracts import imports as contract
from shared.kernel.db import Connection
from shared.service.imports.telling import tell_finished
from shared.service.work import ledger
from shared.service.work.ledger import Chunk, Job

PLAN = {"step": "plan"}
UNDO_ENTITIES = 1000

_DEFERRED = {contract.DRY: contract.DRY_DEFERRED, contract.RUN: contract.DEFERRED}
_TOLD = {contract.DRY_DEFERRED: contract.DRY, contract.DEFERRED: contract.RUN}

_WAITING = "select exists (select from import_deferred where job_id = %(job)s)"
_UNDO_RANGES = """
select min(entity_id), max(entity_id) from (
    select entity_id, (row_number() over (order by entity_id) - 1) / %(size)s as nth
    from (select distinct entity_id from import_row where job_id = %(job)s and outcome <> 'unchanged'
        union select from_id from import_link where job_id = %(job)s) touched) cut
group by nth order by nth
"""
_FORGET_UNDO = "delete from work_chunk where job_id = %(job)s and phase = 'undo'"
_BEGIN_UNDO = """
update work_job set state = 'running', reason = '', rows = 0, created = 0, updated = 0, unchanged = 0, rejected = 0
where id = %(job)s
"""


def told_phase(phase: str) -> str:
    """The phase as the outside knows it."""
    return _TOLD.get(phase, phase)


def settle(connection: Connection, job: Job) -> None:
    """Go on from a phase without chunks left: to the rows that waited, if any did, else to the end."""
    later = _DEFERRED.get(job.phase)
    if later is not None and connection.row(_WAITING, {"job": job.id}) == (True,):
        ledger.enter(connection, job.id, later, [Chunk(0, spec=PLAN)])
        return
    if ledger.end(connection, job.id, ledger.DONE) is not None:
        tell_finished(connection, job, told_phase(job.phase), contract.DONE)


def begin_undo(connection: Connection, job: Job) -> bool:
    """Cut what the run touched into chunks of entities, and begin to take it back; whether there is anything."""
    ranges = connection.rows(_UNDO_RANGES, {"job": job.id, "size": UNDO_ENTITIES})
    connection.run(_FORGET_UNDO, {"job": job.id})
    connection.run(_BEGIN_UNDO, {"job": job.id})
    chunks = [Chunk(n, spec={"first": first, "last": last}) for n, (first, last) in enumerate(ranges)]
    ledger.enter(connection, job.id, contract.UNDOING, chunks)
    return bool(chunks)
