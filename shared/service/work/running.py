"""Working off the ledger: claim a chunk, keep its lease alive, run it, and know what to do when that fails.

Any number of processes and threads may do this at once, started by anything (Celery, a thread): nothing is in the
message but "look". Not for events, which go through the log.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

import psycopg

from shared.kernel.clock import monotonic
from shared.kernel.db import Connection, Database
from shared.kernel.errors import CrmError, Forbidden, Invalid, NotFound, Unavailable
from shared.kernel.telemetry import logger
from shared.service.work import ledger
from shared.service.work.ledger import Claim, Job, Lost

SLICE_SECONDS = 5.0
# Together with the lease this is how long a chunk rests after a kill.
RENEW_SECONDS = 3.0
_LONGEST_PAUSE = 30.0
_AWAY_PAUSE = 1.0
_FRAMES = 8
_log = logger("work")


class JobProblem(Exception):
    """The job itself cannot go on, whatever chunk is tried: it fails with this reason at once."""


class Later(Exception):
    """The chunk did nothing, and is to be tried again after `seconds`. Nobody's fault: it does not count as a failure,
    and keeps no other chunk waiting. `why` is shown with it."""

    def __init__(self, seconds: float, why: str) -> None:
        super().__init__(why)
        self.seconds = seconds
        self.why = why


class Kind(Protocol):
    """A kind of work. Stateless: everything is in the ledger."""

    def run(self, runtime: Any, claim: Claim) -> None:
        """Do a chunk: its effect, `ledger.complete` and what is told about it, all in one transaction."""

    def failed(self, connection: Connection, job: Job) -> None:
        """Tell that a job failed, in the transaction that says so; `job.reason` is why."""


class Worker(Protocol):
    """What work needs of a runtime; kinds need more."""

    @property
    def db(self) -> Database:
        """The service's database."""


def work(runtime: Worker, kinds: Mapping[str, Kind], seconds: float = SLICE_SECONDS) -> bool:
    """Work off chunks for about `seconds`; whether there is more to do right now: not while somebody is away."""
    until = monotonic() + seconds
    while True:
        claim = ledger.claim(runtime.db)
        if claim is None:
            return False
        if not run_one(runtime, kinds, claim):
            return False
        if monotonic() >= until:
            with runtime.db.connect() as connection:
                return ledger.load(connection).runnable > 0


def run_one(runtime: Worker, kinds: Mapping[str, Kind], claim: Claim) -> bool:
    """Run a claimed chunk, and note what became of it; False when somebody it needs is away: the next would fare no
    better. Raises nothing that a chunk or the world can cause."""
    kind = kinds.get(claim.job.kind)
    try:
        if kind is None:
            raise JobProblem(f"nobody here knows work of the kind {claim.job.kind}")
        if claim.attempts > ledger.MAX_ATTEMPTS:
            raise JobProblem(f"whoever worked on chunk {claim.n} died, {ledger.MAX_ATTEMPTS} times")
        with kept(runtime.db, claim):
            kind.run(runtime, claim)
    except Lost:
        _log.info("chunk went to somebody else", job=claim.job.number, chunk=claim.n)
    except Later as later:
        _give_back(runtime, claim, later.why, later.seconds, failed=False)
    except Unavailable as error:
        _give_back(runtime, claim, error.message, _AWAY_PAUSE, failed=False)
        return False
    except (JobProblem, Invalid, NotFound, Forbidden) as error:
        _fail(runtime, kind, claim, str(error))
    except (CrmError, psycopg.Error, OSError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        # Where it happened, and the error's class only: its words and the frames' locals hold people's values.
        where = "".join(traceback.format_list(traceback.extract_tb(error.__traceback__)[-_FRAMES:]))
        _log.warning("chunk failed", job=claim.job.number, chunk=claim.n, error=type(error).__name__, where=where)
        _retry(runtime, kind, claim, type(error).__name__)
    return True


def _retry(runtime: Worker, kind: Kind | None, claim: Claim, error: str) -> None:
    if claim.failures + 1 > ledger.MAX_FAILURES:
        _fail(runtime, kind, claim, f"chunk {claim.n} failed {claim.failures + 1} times: {error}")
    else:
        _give_back(runtime, claim, error, min(_LONGEST_PAUSE, 0.5 * 2**claim.failures), failed=True)


def _give_back(runtime: Worker, claim: Claim, error: str, pause: float, *, failed: bool) -> None:
    try:
        ledger.release(runtime.db, claim, error, pause=pause, failed=failed)
    except CrmError as lost:
        # The lease runs out by itself.
        _log.warning("chunk not given back", job=claim.job.number, chunk=claim.n, error=lost.category)


def _fail(runtime: Worker, kind: Kind | None, claim: Claim, reason: str) -> None:
    try:
        with runtime.db.transaction() as connection:
            job = ledger.fail(connection, claim, reason)
            if job is not None and kind is not None:
                kind.failed(connection, job)
    except CrmError as lost:
        _log.warning("job not failed", job=claim.job.number, error=lost.category)
        return
    _log.warning("job failed", job=claim.job.number, chunk=claim.n, reason=reason)


@contextmanager
def kept(database: Database, claim: Claim) -> Iterator[None]:
    """Renew the lease beside the block, so that only the dead lose theirs."""
    stop = threading.Event()
    thread = threading.Thread(target=_renew, args=(database, claim, stop), name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()


def _renew(database: Database, claim: Claim, stop: threading.Event) -> None:
    while not stop.wait(RENEW_SECONDS):
        try:
            if not ledger.renew(database, claim):
                return
        except (CrmError, psycopg.Error) as error:
            _log.warning("lease not renewed", job=claim.job.number, chunk=claim.n, error=type(error).__name__)
