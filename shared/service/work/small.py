"""Many small jobs of one chunk each, begun together and taken out of the ledger when they are done.

For work of which something else tells what became of it, such as an outbox. Not for jobs that somebody looks at.
"""

from __future__ import annotations

from collections.abc import Collection

from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.service.work.ledger import NEWS

_BEGIN = """
with job as (
    insert into work_job (kind, number, entity_type, phase, state, final, actor, correlation)
    select %(kind)s, n, %(entity_type)s, %(phase)s, 'running', true, %(actor)s, %(correlation)s
    from unnest(%(numbers)s::bigint[]) n on conflict (kind, number) do nothing returning id)
insert into work_chunk (job_id, phase, n) select id, %(phase)s, 0 from job
"""


def begin(
    connection: Connection, kind: str, numbers: Collection[int], *, entity_type: str, phase: str, context: Context
) -> None:
    """Begin a job of one chunk for each number; those that are known stay as they are. One statement."""
    if not numbers:
        return
    told = {"kind": kind, "numbers": list(numbers), "entity_type": entity_type, "phase": phase}
    connection.run(_BEGIN, {**told, "actor": context.actor.id, "correlation": context.correlation}, prepare=True)
    connection.signal(NEWS)


def forget(connection: Connection, job_id: int) -> None:
    """Take a job that is done out of the ledger: for kinds of many small jobs, whose effect tells of them itself."""
    connection.run("delete from work_job where id = %(job)s", {"job": job_id}, prepare=True)
