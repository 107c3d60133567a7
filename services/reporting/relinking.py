"""The job that moves entities to what they lead to by now, where one page of events changed more links than it should
work on itself. Piece by piece, each under the lock of the type; see `linking`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from services.reporting import linking
from services.reporting.answering import Answers
from services.reporting.metrics import store
from services.reporting.projections import Projections, ways
from shared.kernel.db import Connection, Database
from shared.service.replica.linkages import leads
from shared.service.work import ledger
from shared.service.work.ledger import Chunk, Claim, Counts, Job

if TYPE_CHECKING:
    from shared.service.runtime import Runtime


def relink(connection: Connection, projections: Projections, relation: int) -> bool:
    """One piece, in the caller's transaction; False when nothing is left."""
    linked = projections.linked(connection)
    mine = next((one for one in ways(linked) if one[1].relation == relation), None)
    if mine is None:  # the metrics that asked for it are gone
        linking.forget(connection, relation)
        return False
    known, linkage = mine
    linking.hold(connection, [known])
    ids = linking.next_piece(connection, linkage)
    if not ids:
        return False
    others = [one for one in ways(linked) if one[0].no == known.no]
    starts = linking.begin(connection, others, {known.name: ids}, {})
    start = next(one for one in starts if one.linkage.relation == relation)
    changes = linking.moved_to(connection, start, leads(connection, linkage, ids), starts)
    linking.settle(connection, linkage, ids)
    projections.keep(connection, changes, linked, [])
    return True


def left(connection: Connection, projections: Projections, metrics: Iterable[store.Metric]) -> dict[int, int]:
    """How many entities wait, by the id of the metric that catches up."""
    asked = {one.id for one in metrics}
    ways_of = {one.id: compiled.linkages for one, _, compiled in projections.linked(connection) if one.id in asked}
    waits = linking.waiting(connection, {way.relation for some in ways_of.values() for way in some})
    found = {ident: sum(waits.get(way.relation, 0) for way in some) for ident, some in ways_of.items()}
    return {ident: n for ident, n in found.items() if n}


class Relink:
    """The kind of work; the job's number is the relation's id."""

    def run(self, runtime: Runtime, claim: Claim) -> None:
        """One piece, and the next chunk when there is more."""
        assert isinstance(runtime.own, Answers)
        with runtime.db.transaction() as connection:
            more = relink(connection, runtime.own.projections, claim.job.number)
            if more:
                ledger.add_chunks(connection, claim.job.id, claim.job.phase, [Chunk(claim.n + 1)])
            ledger.complete(connection, claim, Counts())
            if not more:
                ledger.end(connection, claim.job.id, ledger.DONE)

    def failed(self, connection: Connection, job: Job) -> None:
        """What waits goes on waiting, and metrics say so; upkeep begins anew."""


def relinks_due(database: Database, projections: Projections) -> int:
    """Begin work for what waits without a job; how many relations wait."""
    with database.transaction() as connection:
        found = ways(projections.linked(connection))
        left = linking.waiting(connection, [linkage.relation for _, linkage in found])
        for known, linkage in found:
            if linkage.relation in left:
                linking.hold(connection, [known])
                linking.begin_work(connection, linkage, known)
        return len(left)
