"""Submitting and steering imports: which state follows which, and what is ordered of the service that imports.

Every command is idempotent: asked for what is under way or done already, it changes nothing. State and order are one
transaction, under the import's row lock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from services.workspace.commands.proposals import header_of
from services.workspace.commands.rights import require_run, require_undo
from services.workspace.commands.targets import find_target, require_write
from services.workspace.tables import chunks, jobs, mappings, parts, reports
from services.workspace.tables.jobs import (
    CANCELED,
    CANCELING,
    CHECKING,
    DONE,
    DRY,
    FAILED,
    PAUSED,
    READING,
    READY,
    RUN,
    RUNNING,
    UNDO,
    UNDOING,
    UNDONE,
    UPLOADING,
    ImportJob,
)
from shared.contracts import imports as contract
from shared.contracts.imports import JobOrder
from shared.kernel.context import Actor, Context
from shared.kernel.db import Connection
from shared.kernel.errors import Conflict, Invalid
from shared.service.imports.ordering import tell_order
from shared.service.work import ledger

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

READ_KIND = "import-reading"
CUT_KIND = "import-cutting"
_ENDED = frozenset({DONE, CANCELED, FAILED})

Step = Callable[[Connection, ImportJob], None]
Rights = Callable[["Runtime", Actor, ImportJob], None]


def visible(service: Runtime, actor: Actor, job: int) -> ImportJob:
    """An import that the actor may see. Raises NotFound, Forbidden."""
    with service.db.connect() as connection:
        found = jobs.find(connection, job)
    require_write(actor, find_target(service, found.entity_type))
    return found


def begin_reading(connection: Connection, job: ImportJob) -> None:
    """The upload is complete: let a worker look into it."""
    jobs.change(connection, job.id, state=READING)
    ledger.start(connection, READ_KIND, job.id, entity_type=job.entity_type, phase="read", context=job.context)


def require_filled(spec: Mapping[str, Any]) -> None:
    """Refuse what would only make empty entities, or nothing. Raises Invalid."""
    links_by_id = spec.get("id_column") is not None and spec.get("links")
    if not (spec.get("columns") or spec.get("key") or spec.get("set") or links_by_id):
        message = "Nothing is mapped: no column, no key and no set value fills any attribute"
        raise Invalid.one("columns", "NOTHING_MAPPED", message)


def begin_phase(connection: Connection, job: ImportJob, phase: str) -> None:
    """A dry run or a run begins: a worker orders chunks, those who import do them. A run's columns are remembered."""
    if phase == RUN and job.wanted is not None:
        mappings.remember(connection, job.entity_type, header_of(job), job.wanted)
    reports.forget(connection, job.id, phase)
    jobs.begin_phase(connection, job, phase, job.rows)
    jobs.change(connection, job.id, state=CHECKING if phase == DRY else RUNNING, phase=phase, error="")
    ledger.start(connection, CUT_KIND, job.id, entity_type=job.entity_type, phase=phase, context=job.context)


def dry_run(service: Runtime, ctx: Context, job: int) -> ImportJob:
    """Foresee what a run would do, with the rights that it needs: it looks at the same. Raises Conflict, Forbidden;
    Invalid when nothing is mapped."""
    return _steer(service, ctx, job, _BY_STATE_DRY, "checked", require_run)


def start(service: Runtime, ctx: Context, job: int) -> ImportJob:
    """Run. Raises Conflict; Forbidden without every right that its mapping needs; Invalid when nothing is mapped."""
    return _steer(service, ctx, job, _BY_STATE_START, "started", require_run)


def pause(service: Runtime, ctx: Context, job: int) -> ImportJob:
    """Let no further chunk begin. Raises Conflict."""
    return _steer(service, ctx, job, _BY_STATE_PAUSE, "paused")


def resume(service: Runtime, ctx: Context, job: int) -> ImportJob:
    """Go on after a pause, or try again after a failure. Raises Conflict, Forbidden as for `start`."""
    return _steer(service, ctx, job, _BY_STATE_RESUME, "resumed", require_run)


def cancel(service: Runtime, ctx: Context, job: int) -> ImportJob:
    """End it where it stands; what was written stays. Raises Conflict."""
    return _steer(service, ctx, job, _BY_STATE_CANCEL, "canceled")


def undo(service: Runtime, ctx: Context, job: int) -> ImportJob:
    """Take back what the run did. Raises Conflict; Forbidden without the right to write what it linked to."""
    return _steer(service, ctx, job, _BY_STATE_UNDO, "undone", require_undo)


def order(connection: Connection, job: ImportJob, state: str, phase: str, **more: Any) -> None:
    """Tell the service that imports."""
    told = JobOrder(service=job.service, state=state, phase=phase, **more)
    tell_order(connection, job.id, job.entity_type, told, job.context)


def _steer(
    service: Runtime, ctx: Context, ident: int, steps: Mapping[str, Step], verb: str, rights: Rights | None = None
) -> ImportJob:
    seen = visible(service, ctx.actor, ident)
    if rights is not None:
        rights(service, ctx.actor, seen)
    with service.db.transaction() as connection:
        job = jobs.find(connection, ident, lock=True)
        if rights is not None and (job.spec, job.attributes) != (seen.spec, seen.attributes):
            raise Conflict("The columns were mapped anew meanwhile: look again")
        step = steps.get(job.state)
        if step is None:
            raise Conflict(f"The import is {job.state} and cannot be {verb}")
        step(connection, job)
        return jobs.find(connection, ident)


def _nothing(_connection: Connection, _job: ImportJob) -> None:
    """It is so already."""


def _dry(connection: Connection, job: ImportJob) -> None:
    _require_mapping(job)
    begin_phase(connection, job, DRY)


def _start(connection: Connection, job: ImportJob) -> None:
    _require_mapping(job)
    begin_phase(connection, job, RUN)


def _require_mapping(job: ImportJob) -> None:
    if job.spec is None:
        raise Conflict("The import has no mapping yet: say which column goes where first")
    require_filled(job.spec)
    if job.dropped:
        raise Conflict("The file is no longer kept: upload it again")


def _pause(connection: Connection, job: ImportJob) -> None:
    jobs.change(connection, job.id, state=PAUSED)
    jobs.change_phase(connection, job.id, RUN, state=PAUSED)
    if job.phases[RUN].announced >= 0:
        order(connection, job, contract.PAUSED, RUN)


def _resume(connection: Connection, job: ImportJob) -> None:
    jobs.change(connection, job.id, state=RUNNING, error="")
    jobs.change_phase(connection, job.id, RUN, state="running", reason="")
    if job.phases[RUN].announced >= 0:
        order(connection, job, contract.RUNNING, RUN)


def _try_again(connection: Connection, job: ImportJob) -> None:
    if job.phase != RUN or RUN not in job.phases:
        raise Conflict(f"The import has failed for good: {job.error}")
    _resume(connection, job)
    if job.phases[RUN].announced < job.chunks:
        context = job.context
        ledger.start(connection, CUT_KIND, job.id, entity_type=job.entity_type, phase=RUN, context=context)


def _give_up(connection: Connection, job: ImportJob) -> None:
    """Nothing has been ordered yet: there is nothing to wait for."""
    for kind in (READ_KIND, CUT_KIND):
        found = ledger.find(connection, kind, job.id, lock=True)
        if found is not None:
            ledger.end(connection, found.id, ledger.CANCELED)
    parts.drop_parts(connection, job.id)
    chunks.drop_chunks(connection, job.id)
    jobs.change(connection, job.id, state=CANCELED, dropped=True)


def _cancel(connection: Connection, job: ImportJob) -> None:
    phase = job.phases[job.phase]
    found = ledger.find(connection, CUT_KIND, job.id, lock=True)
    if found is not None:
        ledger.end(connection, found.id, ledger.CANCELED)
    if phase.announced < 0:
        end_phase(connection, job, CANCELED, "")
        return
    jobs.change(connection, job.id, state=CANCELING)
    order(connection, job, contract.CANCELED, job.phase)


def end_phase(connection: Connection, job: ImportJob, outcome: str, reason: str) -> None:
    """A phase has come to its end: what the import is now. A dry run leaves it ready for another, or for the run."""
    phase = job.phases[job.phase]
    if outcome == DONE and phase.phase != UNDO and phase.done != phase.rows:
        outcome, reason = FAILED, f"{phase.done} of {phase.rows} rows are accounted for"
    now = {DRY: READY, RUN: outcome, UNDO: {DONE: UNDONE}.get(outcome, FAILED)}[job.phase]
    connection.run(
        "update import_phase set state = %(state)s, reason = %(reason)s, "
        "finished_at = clock_timestamp() at time zone 'utc' where job_id = %(job)s and phase = %(phase)s",
        {"job": job.id, "phase": job.phase, "state": outcome, "reason": reason},
    )
    jobs.change(connection, job.id, state=now, error=reason if now == FAILED else "")


def _undo(connection: Connection, job: ImportJob) -> None:
    run = job.phases.get(RUN)
    if run is None or run.announced < 0:
        raise Conflict("The import has not written anything")
    reports.forget(connection, job.id, UNDO)
    jobs.begin_phase(connection, job, UNDO, run.created + run.updated)
    jobs.change(connection, job.id, state=UNDOING, phase=UNDO, error="")
    order(connection, job, contract.UNDO, RUN)


_BY_STATE_DRY: Mapping[str, Step] = {READY: _dry, CHECKING: _nothing}
_BY_STATE_START: Mapping[str, Step] = {
    READY: _start, RUNNING: _nothing, PAUSED: _nothing, DONE: _nothing,
}  # fmt: skip
_BY_STATE_PAUSE: Mapping[str, Step] = {RUNNING: _pause, PAUSED: _nothing}
_BY_STATE_RESUME: Mapping[str, Step] = {PAUSED: _resume, RUNNING: _nothing, FAILED: _try_again}
_BY_STATE_CANCEL: Mapping[str, Step] = {
    UPLOADING: _give_up, READING: _give_up, READY: _give_up, CHECKING: _cancel, RUNNING: _cancel, PAUSED: _cancel,
    CANCELING: _nothing, CANCELED: _nothing,
}  # fmt: skip
_BY_STATE_UNDO: Mapping[str, Step] = {**dict.fromkeys(_ENDED, _undo), UNDOING: _nothing, UNDONE: _nothing}
