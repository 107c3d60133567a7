"""Building anew beside what serves: a metric from the replica, the replica from its source. Reads go on throughout.

A metric's new generation is filled like any other, while events keep coming; then both are compared and it takes over
(metrics/comparing.py). The replica is gone through range by range: each entity is read at its home and compared with
the fact, and what is not the same is taken over, version by version as the log has them. Links are left as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from services.reporting import commands, verifying
from services.reporting.answering import Answers
from services.reporting.metrics import comparing, store
from services.reporting.projections import Projections
from services.reporting.readmitting import readmit
from services.reporting.sources import SOURCES
from shared.kernel.clock import now
from shared.kernel.context import Context
from shared.kernel.db import Connection, Database
from shared.kernel.errors import NotFound
from shared.service.following import asker
from shared.service.replica.checking import SPAN, Means, Outcome, check_range, damaged, last_id
from shared.service.work import ledger
from shared.service.work.ledger import Chunk, Claim, Counts, Job

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

REPLICA = "replica"
_STATE = """select state, rows, updated, created_at, updated_at, reason from work_job
where kind = 'replica' and number = %(number)s"""
_OF = "select count(*) from fact join replica_type t on t.no = type_no where t.source = %(source)s"
_FOUND = (
    "select detail, count(*) over () from repair where what = %(what)s and at >= %(since)s order by id limit %(most)s"
)


def rebuild(database: Database, projections: Projections, ctx: Context, name: str) -> comparing.Rebuild:
    """Begin a new generation of the same definition. Raises NotFound, Invalid for a ratio, Conflict while one is
    filled, Unavailable while the first one is."""
    with database.transaction() as connection:
        store.hold_name(connection, name)
        present = commands.of_entities(connection, name)
        made = commands.started(connection, projections, ctx, present.definition)
        comparing.note(connection, made, present, made.to_backfill)
        return comparing.Rebuild(made, made.to_backfill, None)


def latest(database: Database, name: str) -> comparing.Rebuild:
    """How far the latest rebuild is, and what it came to. Raises NotFound when there was none."""
    with database.connect() as connection:
        commands.found(connection, name)
        found = comparing.latest(connection, name)
    if found is None:
        raise NotFound("rebuild", [name], f"{name[:80]} was never built anew")
    return found


@dataclass(frozen=True, slots=True)
class ReplicaRebuild:
    """How far the latest rebuild of a source's replica is; `of`: entities known now."""

    source: str
    state: str
    entities: int
    of: int
    repaired: int
    differences: tuple[str, ...]
    started_at: datetime
    changed_at: datetime
    reason: str


def rebuild_replica(database: Database, projections: Projections, ctx: Context, source: str) -> bool:
    """Begin to compare every entity of a source; False while that is under way. Raises NotFound."""
    number = _number(source)
    with database.transaction() as connection:
        job = ledger.find(connection, REPLICA, number, lock=True)
        if job is not None and job.state == ledger.RUNNING:
            return False
        ledger.start(connection, REPLICA, number, entity_type="", phase=REPLICA, context=ctx)
        connection.run(
            "update work_job set created_at = clock_timestamp() at time zone 'utc' where kind = %s and number = %s",
            (REPLICA, number),
        )
        return True


def replica_rebuild(database: Database, source: str) -> ReplicaRebuild:
    """The latest one. Raises NotFound when there was none."""
    with database.connect() as connection:
        row = connection.row(_STATE, {"number": _number(source)})
        if row is None:
            raise NotFound("rebuild", [source], f"The replica of {source} was never built anew")
        state, rows, repaired, started, changed, reason = row
        of = connection.row(_OF, {"source": source})
        params = {"what": _what(source), "since": started, "most": verifying.MOST_TOLD}
        rows_told = connection.rows(_FOUND, params)
        told = tuple(verifying.told([one[0] for one in rows_told], rows_told[0][1] if rows_told else 0))
    instants = (started.replace(tzinfo=UTC), changed.replace(tzinfo=UTC))
    return ReplicaRebuild(source, state, rows, of[0] if of else 0, repaired, told, *instants, reason)


def _number(source: str) -> int:
    if source not in SOURCES:
        raise NotFound("source", [source], f"There is no source {source[:60]}; there are {', '.join(SOURCES)}")
    return SOURCES.index(source) + 1


def _what(source: str) -> str:
    return f"replica of {source}"


class Replica:
    """The kind of work: a range of one type's ids at a time, types in the order of their numbers."""

    def run(self, runtime: Runtime, claim: Claim) -> None:
        """Compare a range; its differences are told in the transaction that says that it is done. What is taken over
        is taken over before: doing it again does no harm."""
        assert isinstance(runtime.own, Answers)
        database, catalogs = runtime.db, runtime.own.projections.catalogs
        source = SOURCES[claim.job.number - 1]
        ask, outcome = asker(runtime.settings, source), Outcome()
        with database.connect() as connection:
            types = sorted((one for one in catalogs.types(connection) if one.source == source), key=lambda one: one.no)
        no, low = int(claim.spec.get("type", 0)), int(claim.spec.get("after", 0))
        known = next((one for one in types if one.no >= no), None)
        following, count = None, 0
        if known is not None:
            low = low if known.no == no else 0
            place = (low, low + SPAN)
            project = runtime.own.projections.project
            means = Means(database, ask, lambda: verifying.wait(database, source, now()), mend=True, project=project)
            count = check_range(means, known, place, outcome)
            readmit(database, runtime.settings, source, {(one.entity_type, one.id) for one in outcome.differences})
            following = (known.no, place[1]) if place[1] < last_id(database, known, ask) else (known.no + 1, 0)
        with database.transaction() as connection:
            for line in damaged(outcome.differences):
                store.note(connection, _what(source), line, repaired=line not in outcome.unproven)
            if following is not None:
                spec = {"type": following[0], "after": following[1]}
                ledger.add_chunks(connection, claim.job.id, REPLICA, [Chunk(claim.n + 1, spec=spec)])
            ledger.complete(connection, claim, Counts(rows=count, updated=outcome.repaired))
            if following is None:
                ledger.end(connection, claim.job.id, ledger.DONE)

    def failed(self, connection: Connection, job: Job) -> None:
        """What was compared before stays compared."""
