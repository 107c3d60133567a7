"""Slow work of reporting: filling metrics, piece by piece, each piece with its place in the ledger of work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.reporting import verifying
from services.reporting.answering import Answers
from services.reporting.backfill import backfill
from services.reporting.metrics import store
from services.reporting.sources import SOURCES
from shared.kernel.context import Context
from shared.kernel.db import Connection, Database
from shared.service.work import ledger
from shared.service.work.ledger import Chunk, Claim, Counts, Job

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

BACKFILL = "backfill"
VERIFY = verifying.VERIFY
FILL = "fill"


class Verify:
    """Verifies everything, once."""

    def run(self, runtime: Runtime, claim: Claim) -> None:
        """Compare, and keep the outcome. What it repairs is repaired as it goes: doing it again does no harm."""
        assert isinstance(runtime.own, Answers)
        wish = verifying.wish_of(claim.job.phase)
        outcome = verifying.run(runtime.db, runtime.own.projections, runtime.settings, SOURCES, wish)
        with runtime.db.transaction() as connection:
            verifying.record(connection, outcome)
            ledger.complete(connection, claim, Counts())
            ledger.end(connection, claim.job.id, ledger.DONE)

    def failed(self, connection: Connection, job: Job) -> None:
        """The last outcome stays."""


def verify_when_due(database: Database) -> int:
    """Start a verification when the last one is long ago; whether one was started."""
    return int(verifying.due(database) and verifying.start(database, Context(source="SYSTEM"), verifying.Wish()))


class Backfill:
    """Fills a metric; the job's number is the metric's id."""

    def run(self, runtime: Runtime, claim: Claim) -> None:
        """One piece, and the next chunk when there is more."""
        assert isinstance(runtime.own, Answers)
        with runtime.db.transaction() as connection:
            more = backfill(connection, runtime.own.projections, claim.job.number)
            if more:
                ledger.add_chunks(connection, claim.job.id, FILL, [Chunk(claim.n + 1)])
            ledger.complete(connection, claim, Counts())
            if not more:
                ledger.end(connection, claim.job.id, ledger.DONE)

    def failed(self, connection: Connection, job: Job) -> None:
        """A metric that cannot be filled says why."""
        store.fail(connection, job.number, job.reason or "it could not be filled")
