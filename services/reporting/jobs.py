"""Slow work of reporting: filling metrics, piece by piece, each piece with its place in the ledger of work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.reporting import verifying, warming
from services.reporting.answering import Answers
from services.reporting.backfill import backfill
from services.reporting.metrics import folding, store
from services.reporting.sources import SOURCES
from shared.kernel.clock import now
from shared.kernel.context import Context
from shared.kernel.db import Connection, Database
from shared.kernel.errors import Invalid, NotFound, Unavailable
from shared.service.work import ledger
from shared.service.work.ledger import Chunk, Claim, Counts, Job

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

BACKFILL = "backfill"
VERIFY = verifying.VERIFY
FILL = "fill"
FOLD, WARM = "fold", "warm"
_ONE = 1


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


class Fold:
    """Folds old months of the ledger, one month of one metric at a time."""

    def run(self, runtime: Runtime, claim: Claim) -> None:
        """One month, and the next chunk when there is more."""
        with runtime.db.transaction() as connection:
            piece = folding.due(connection, now().date())
            if piece is None:
                folding.clear_outlived(connection)
            else:
                folding.fold(connection, *piece)
                ledger.add_chunks(connection, claim.job.id, FOLD, [Chunk(claim.n + 1)])
            ledger.complete(connection, claim, Counts())
            if piece is None:
                ledger.end(connection, claim.job.id, ledger.DONE)

    def failed(self, connection: Connection, job: Job) -> None:
        """Days that are not folded are read as they were written."""


class Warm:
    """Asks again what was dear to answer."""

    def run(self, runtime: Runtime, claim: Claim) -> None:
        """All of it: what the cache still has costs next to nothing."""
        assert isinstance(runtime.own, Answers)
        with runtime.db.connect() as connection:
            questions = warming.dearest(connection)
        for metric, mark, raw in questions:
            try:
                runtime.own.ask(Context(source="SYSTEM"), metric, raw, noted=False)
            except (Invalid, NotFound):
                with runtime.db.connect() as connection:
                    warming.forget(connection, metric, mark)
            except Unavailable:
                continue  # it is being filled
        with runtime.db.transaction() as connection:
            ledger.complete(connection, claim, Counts())
            ledger.end(connection, claim.job.id, ledger.DONE)

    def failed(self, connection: Connection, job: Job) -> None:
        """Answers are worked out when they are asked."""


def fold_when_due(database: Database) -> int:
    """Start folding when a month is old enough; whether that was started."""
    with database.connect() as connection:
        if folding.due(connection, now().date()) is None and not folding.outlived(connection):
            return 0
    return int(_begun(database, FOLD))


def warm_when_due(database: Database) -> int:
    """Start warming when there is something to keep warm; whether that was started."""
    with database.connect() as connection:
        if not warming.dearest(connection):
            return 0
    return int(_begun(database, WARM))


def _begun(database: Database, kind: str) -> bool:
    """Begin a job of which there is one, unless it is under way."""
    with database.transaction() as connection:
        job = ledger.find(connection, kind, _ONE, lock=True)
        if job is not None and job.state == ledger.RUNNING:
            return False
        ledger.start(connection, kind, _ONE, entity_type="", phase=kind, context=Context(source="SYSTEM"))
        return True


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
