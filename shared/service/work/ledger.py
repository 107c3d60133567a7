"""The ledger: jobs, their chunks, and who works on which. The one truth about slow work; tasks are only a nudge.

A chunk is claimed under a lease and done in the very transaction of its effect (`complete`), which holds only while
the lease and the job are still the claimer's: whoever was thought dead, paused too late or started over finds `Lost`
and rolls back. So every chunk counts exactly once, whatever dies. Not for what chunks do: see `running.Kind`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from shared.kernel.clock import new_id
from shared.kernel.context import Context
from shared.kernel.db import Connection, Database
from shared.kernel.json import dumps

NEWS = "work"
"""The signal (`Connection.signal`) that there may be something to do."""

RUNNING, PAUSED, CANCELED, DONE, FAILED = "running", "paused", "canceled", "done", "failed"
LEASE_SECONDS = 10
MAX_FAILURES = 10
# Kills are not the chunk's fault, until they are: memory that runs out kills, too.
MAX_ATTEMPTS = 30
_ERROR_LENGTH = 500

_NOW = "(clock_timestamp() at time zone 'utc')"
_JOB = "id, kind, number, entity_type, phase, state, spec, actor, correlation, final, reason"
_COUNTED = "rows = {t}rows + %(rows)s, created = {t}created + %(created)s, updated = {t}updated + %(updated)s, " \
    "unchanged = {t}unchanged + %(unchanged)s, rejected = {t}rejected + %(rejected)s"  # fmt: skip
_RUNNABLE = f"""
    c.phase = j.phase and c.state = 'pending' and (c.leased_until is null or c.leased_until < {_NOW})
    and (c.after is null or not exists (
        select from work_chunk b where (b.job_id, b.phase) = (c.job_id, c.phase) and b.n <= c.after
        and b.state <> 'done'))
"""
_WAITING_JOBS = f"""
select j.id from work_job j where j.state = 'running'
and exists (select from work_chunk c where c.job_id = j.id and {_RUNNABLE}) order by j.served_at, j.id
limit 20
"""
_CLAIM = f"""
with job as (
    update work_job set served_at = {_NOW} where id = %(job)s and state = 'running' returning {_JOB}),
chosen as (
    select c.job_id, c.phase, c.n from work_chunk c join job j on c.job_id = j.id where {_RUNNABLE}
    order by c.n limit 1 for update of c skip locked),
claimed as (
    update work_chunk c set lease = %(lease)s, leased_until = {_NOW} + {LEASE_SECONDS} * interval '1 second',
        attempts = attempts + 1
    from chosen where (c.job_id, c.phase, c.n) = (chosen.job_id, chosen.phase, chosen.n)
    returning c.n, c.spec, c.attempts, c.failures)
select claimed.*, job.* from claimed, job
"""
_RENEW = f"""
update work_chunk set leased_until = {_NOW} + {LEASE_SECONDS} * interval '1 second'
where (job_id, phase, n) = (%(job)s, %(phase)s, %(n)s) and lease = %(lease)s and state = 'pending'
"""
_RELEASE = f"""
update work_chunk set lease = null, leased_until = {_NOW} + %(pause)s * interval '1 second', error = %(error)s,
    failures = failures + %(failed)s, attempts = attempts - 1
where (job_id, phase, n) = (%(job)s, %(phase)s, %(n)s) and lease = %(lease)s and state = 'pending'
"""
_COUNT_JOB = f"""
update work_job set {_COUNTED.format(t="")}, updated_at = {_NOW}
where id = %(job)s and phase = %(phase)s and state in ('running', 'paused') returning final
"""
_COMPLETE = f"""
update work_chunk set state = 'done', lease = null, leased_until = null, error = '', {_COUNTED.format(t="")}
where (job_id, phase, n) = (%(job)s, %(phase)s, %(n)s) and lease = %(lease)s and state = 'pending'
"""
_FAIL_CHUNK = """
update work_chunk set state = 'failed', lease = null, leased_until = null, error = %(error)s
where (job_id, phase, n) = (%(job)s, %(phase)s, %(n)s) and lease = %(lease)s and state = 'pending'
"""
_END = f"""
update work_job set state = %(state)s, reason = %(reason)s, updated_at = {_NOW}
where id = %(job)s and state in ('running', 'paused') returning {_JOB}
"""
_LEFT = "select exists (select from work_chunk where job_id = %(job)s and phase = %(phase)s and state <> 'done')"
_START = f"""
insert into work_job (kind, number, entity_type, phase, state, final, actor, correlation, spec)
values (%(kind)s, %(number)s, %(entity_type)s, %(phase)s, 'running', true, %(actor)s, %(correlation)s,
    coalesce(%(spec)s::jsonb, '{{}}'))
on conflict (kind, number) do update set entity_type = excluded.entity_type, phase = excluded.phase,
    state = 'running', final = true, actor = excluded.actor, correlation = excluded.correlation,
    spec = coalesce(%(spec)s::jsonb, work_job.spec),
    rows = 0, created = 0, updated = 0, unchanged = 0, rejected = 0, reason = '', updated_at = {_NOW}
returning id
"""
_ADD_CHUNKS = """
insert into work_chunk (job_id, phase, n, after, spec)
select %(job)s, %(phase)s, (one->>'n')::int, (one->>'after')::int, coalesce(one->'spec', '{}')
from jsonb_array_elements(%(chunks)s::jsonb) as listed(one) on conflict do nothing
"""
_LOAD = f"""
select count(*) filter (where c.lease is not null and c.leased_until > {_NOW}),
    count(*) filter (where {_RUNNABLE})
from work_job j join work_chunk c on c.job_id = j.id and c.phase = j.phase and c.state <> 'done'
where j.state = 'running'
"""


class Lost(Exception):
    """The chunk is no longer the claimer's: its effect must not stand."""


@dataclass(frozen=True, slots=True)
class Job:
    """One job as the ledger has it. number: its id where it was ordered."""

    id: int
    kind: str
    number: int
    entity_type: str
    phase: str
    state: str
    spec: Mapping[str, Any]
    actor: str | None
    correlation: str | None
    final: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A chunk that this process works on, under a lease."""

    job: Job
    n: int
    spec: Mapping[str, Any]
    attempts: int
    failures: int
    lease: str

    @property
    def place(self) -> dict[str, Any]:
        """The parameters that name the chunk and prove the claim."""
        return {"job": self.job.id, "phase": self.job.phase, "n": self.n, "lease": self.lease}


@dataclass(frozen=True, slots=True)
class Counts:
    """What a chunk came to: rows = created + updated + unchanged + rejected."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk to add. after: it and all chunks of the phase before it must be done first, since a chunk may go on with
    what several earlier ones did. spec: for the kind's own use."""

    n: int
    after: int | None = None
    spec: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Load:
    """How many chunks are being worked on right now, and how many more could be."""

    leased: int
    runnable: int


def claim(database: Database) -> Claim | None:
    """The next runnable chunk of the job that was served longest ago; None when there is none."""
    with database.connect() as connection:
        for (job,) in connection.rows(_WAITING_JOBS):
            lease = new_id()
            row = connection.row(_CLAIM, {"job": job, "lease": lease})
            if row is not None:
                n, spec, attempts, failures = row[:4]
                return Claim(Job(*row[4:]), n, spec, attempts, failures, lease)
    return None


def load(connection: Connection) -> Load:
    """How busy the ledger is."""
    row = connection.row(_LOAD)
    assert row is not None
    return Load(*row)


def renew(database: Database, held: Claim) -> bool:
    """Keep a lease alive; False when it is somebody else's by now."""
    with database.connect() as connection:
        return connection.run(_RENEW, held.place) == 1


def release(database: Database, held: Claim, error: str, *, pause: float, failed: bool) -> None:
    """Give a chunk back, to be tried again after `pause` seconds. failed: it is the chunk's own fault, and counts as a
    failure. What is left in `attempts` are claims that nobody gave back: deaths."""
    values = {**held.place, "error": error[:_ERROR_LENGTH], "pause": pause, "failed": int(failed)}
    with database.connect() as connection:
        connection.run(_RELEASE, values)


def complete(connection: Connection, held: Claim, counts: Counts) -> bool:
    """Mark a chunk done in the transaction of its effect, as its last statements; whether it was the phase's last.

    Raises Lost, and the transaction must roll back, when lease, phase or job are no longer what they were.
    """
    values = {**held.place, **asdict(counts)}
    # The job's row first: of two last chunks one then sees the other done.
    counted = connection.row(_COUNT_JOB, values)
    if counted is None or connection.run(_COMPLETE, values) != 1:
        raise Lost(f"chunk {held.n} of job {held.job.id}")
    return bool(counted[0]) and settled(connection, held.job.id, held.job.phase)


def settled(connection: Connection, job_id: int, phase: str) -> bool:
    """Whether no chunk of the phase is left to do."""
    row = connection.row(_LEFT, {"job": job_id, "phase": phase})
    return row == (False,)


def fail(connection: Connection, held: Claim, error: str) -> Job | None:
    """Mark a chunk failed and its job with it; the job, or None when neither is the claimer's any more."""
    reason = error[:_ERROR_LENGTH]
    if connection.run(_FAIL_CHUNK, {**held.place, "error": reason}) != 1:
        return None
    return end(connection, held.job.id, FAILED, reason)


def end(connection: Connection, job_id: int, state: str, reason: str = "") -> Job | None:
    """End a job that runs or pauses; None when it has ended before."""
    row = connection.row(_END, {"job": job_id, "state": state, "reason": reason})
    return None if row is None else Job(*row)


def start(
    connection: Connection,
    kind: str,
    number: int,
    *,
    entity_type: str,
    phase: str,
    context: Context,
    spec: Mapping[str, Any] | None = None,
) -> None:
    """Begin a job of one chunk, which may add others as it goes on; an earlier one of that number is forgotten, but for
    its spec where none is given."""
    told = {"kind": kind, "number": number, "entity_type": entity_type, "phase": phase}
    stamp = {"actor": context.actor.id, "correlation": context.correlation}
    row = connection.row(_START, {**told, **stamp, "spec": None if spec is None else dumps(spec).decode()})
    assert row is not None
    connection.run("delete from work_chunk where job_id = %(job)s", {"job": row[0]})
    add_chunks(connection, row[0], phase, [Chunk(0)])


def enter(connection: Connection, job_id: int, phase: str, chunks: Iterable[Chunk]) -> None:
    """Let a job go on with another phase of these chunks, all there will be."""
    connection.run(
        f"update work_job set phase = %(phase)s, final = true, updated_at = {_NOW} where id = %(job)s",
        {"job": job_id, "phase": phase},
    )
    add_chunks(connection, job_id, phase, chunks)


def add_chunks(connection: Connection, job_id: int, phase: str, chunks: Iterable[Chunk]) -> None:
    """Announce chunks; those that are known stay as they are."""
    listed = [{"n": one.n, "after": one.after, "spec": one.spec} for one in chunks]
    if listed:
        connection.run(_ADD_CHUNKS, {"job": job_id, "phase": phase, "chunks": dumps(listed).decode()})
        connection.signal(NEWS)


def find(connection: Connection, kind: str, number: int, *, lock: bool = False) -> Job | None:
    """A job by the number it was ordered under."""
    sql = f"select {_JOB} from work_job where kind = %(kind)s and number = %(number)s"
    row = connection.row(sql + (" for update" if lock else ""), {"kind": kind, "number": number})
    return None if row is None else Job(*row)


def by_id(connection: Connection, job_id: int) -> Job | None:
    """A job by its id here."""
    row = connection.row(f"select {_JOB} from work_job where id = %(job)s", {"job": job_id})
    return None if row is None else Job(*row)
