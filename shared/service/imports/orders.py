"""Orders from the service that took the file: `import.job` events become jobs and chunks of this service's ledger.

A handler of the bus: it writes to this database only, and each order once. Work itself is done by whoever looks into
the ledger next.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from shared.bus.consumer import Handler, Subscription
from shared.contracts import imports as contract
from shared.contracts.event import Event
from shared.contracts.imports import JobOrder
from shared.kernel.db import Connection, Database
from shared.kernel.json import dumps
from shared.kernel.telemetry import logger
from shared.service.imports import settling
from shared.service.imports.telling import tell_finished
from shared.service.work import ledger
from shared.service.work.ledger import Chunk, Job

IMPORT = "import"
WORKSPACE = "workspace"
_log = logger("imports")

_PUT = """
insert into work_job (kind, number, entity_type, phase, state, spec, actor, correlation)
values ('import', %(number)s, %(entity_type)s, %(phase)s, 'running', %(spec)s, %(actor)s, %(correlation)s)
on conflict (kind, number) do update set entity_type = excluded.entity_type, phase = excluded.phase,
    state = 'running', spec = excluded.spec, actor = excluded.actor, correlation = excluded.correlation, final = false,
    rows = 0, created = 0, updated = 0, unchanged = 0, rejected = 0, reason = '',
    updated_at = clock_timestamp() at time zone 'utc'
returning id
"""
_FORGET = (
    "delete from work_chunk where job_id = %(job)s and phase = any(%(phases)s)",
    "delete from import_seen where job_id = %(job)s",
    "delete from import_deferred where job_id = %(job)s",
)
_FORGET_ROWS = (
    "delete from import_row where job_id = %(job)s",
    "delete from import_link where job_id = %(job)s",
    "delete from work_chunk where job_id = %(job)s and phase = 'undo'",
)
_STATE = """
update work_job set state = %(state)s, final = final or %(final)s, updated_at = clock_timestamp() at time zone 'utc'
where id = %(job)s and state = any(%(from)s)
"""
_AGAIN = """
update work_chunk set state = 'pending', attempts = 0, failures = 0, leased_until = null
where job_id = %(job)s and phase = %(phase)s and state = 'failed'
"""
_PHASES = {
    contract.DRY: [contract.DRY, contract.DRY_DEFERRED],
    contract.RUN: [contract.RUN, contract.DEFERRED],
}
_ALIVE = [ledger.RUNNING, ledger.PAUSED, ledger.FAILED]


def import_orders(service: str) -> Subscription:
    """Follow workspace's orders for this service. What its log no longer has is not ordered again."""
    return Subscription(
        name=f"{service}.imports",
        source=WORKSPACE,
        handler=apply_orders(service),
        types=frozenset({contract.JOB}),
        begin="start",
        rebuild=_nothing_to_take_over,
    )


def _nothing_to_take_over(database: Database) -> None:
    _log.warning("orders were lost with the log; what is in the ledger goes on")


def apply_orders(service: str) -> Handler:
    """A handler that obeys orders meant for this service."""

    def handle(connection: Connection, events: Sequence[Event]) -> None:
        for event in events:
            if event.kind == contract.JOB and event.entity_id is not None:
                order = JobOrder.from_document(event.detail)
                if order.service == service:
                    _OBEY[order.state](connection, event, order)

    return handle


def _run(connection: Connection, event: Event, order: JobOrder) -> None:
    """Begin a phase (with a specification), go on, or learn of more chunks."""
    assert event.entity_id is not None
    job = ledger.find(connection, IMPORT, event.entity_id, lock=True)
    if order.spec is not None:
        _steer(connection, _begin(connection, event, order), order, ledger.RUNNING)
    elif job is None or job.state not in _ALIVE:
        return
    elif order.chunks and job.state == ledger.FAILED:
        # Cutting goes on beside a failure; only an order without chunks means: try again.
        _steer(connection, job.id, order, ledger.FAILED)
    else:
        connection.run(_AGAIN, {"job": job.id, "phase": job.phase})
        _steer(connection, job.id, order, ledger.RUNNING)


def _begin(connection: Connection, event: Event, order: JobOrder) -> int:
    """A phase starts anew: whatever an earlier attempt at it left is forgotten."""
    values = {
        "number": event.entity_id,
        "entity_type": event.entity_type,
        "phase": order.phase,
        "spec": dumps({"spec": order.spec, "attributes": order.attributes}).decode(),
        "actor": event.actor,
        "correlation": event.correlation,
    }
    row = connection.row(_PUT, values)
    assert row is not None
    ident = int(row[0])
    statements = _FORGET + (_FORGET_ROWS if order.phase == contract.RUN else ())
    for statement in statements:
        connection.run(statement, {"job": ident, "phases": _PHASES[order.phase]})
    return ident


def _steer(connection: Connection, ident: int, order: JobOrder, state: str) -> None:
    """Add what was announced, set the state, and end the phase if nothing is left to do.

    Chunks of a dry run follow each other: each foresees what the ones before it would leave.
    """
    one_by_one = order.phase == contract.DRY
    chunks = [Chunk(n, (n - 1 if n else None) if one_by_one else after) for n, after in order.chunks]
    ledger.add_chunks(connection, ident, order.phase, chunks)
    connection.run(_STATE, {"job": ident, "state": state, "final": order.final, "from": _ALIVE})
    job = ledger.by_id(connection, ident)
    if job is not None and job.final and job.state == ledger.RUNNING and ledger.settled(connection, ident, job.phase):
        settling.settle(connection, job)


def _pause(connection: Connection, event: Event, order: JobOrder) -> None:
    job = _known(connection, event)
    if job is not None and job.state in (ledger.RUNNING, ledger.PAUSED):
        _steer(connection, job.id, order, ledger.PAUSED)


def _cancel(connection: Connection, event: Event, order: JobOrder) -> None:
    """Nothing is written after this is told: a chunk under way finds that the job has ended, and rolls back."""
    job = _known(connection, event)
    if job is None:
        return
    connection.run(_STATE, {"job": job.id, "state": ledger.CANCELED, "final": False, "from": _ALIVE})
    if job.state in _ALIVE:
        tell_finished(connection, job, settling.told_phase(job.phase), ledger.CANCELED)


def _undo(connection: Connection, event: Event, order: JobOrder) -> None:
    """Take back what the run did, entity by entity."""
    job = _known(connection, event)
    if job is not None and (job.phase != contract.UNDOING or job.state in (ledger.FAILED, ledger.CANCELED)):
        begun = settling.begin_undo(connection, job)
        fresh = ledger.by_id(connection, job.id)
        if fresh is not None and not begun:
            settling.settle(connection, fresh)


def _known(connection: Connection, event: Event) -> Job | None:
    assert event.entity_id is not None
    return ledger.find(connection, IMPORT, event.entity_id, lock=True)


_OBEY: Mapping[str, Callable[[Connection, Event, JobOrder], None]] = {
    contract.RUNNING: _run,
    contract.PAUSED: _pause,
    contract.CANCELED: _cancel,
    contract.UNDO: _undo,
}
