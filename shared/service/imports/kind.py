"""Imports as a kind of work: which step a chunk of which phase is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from shared.contracts import imports as contract
from shared.kernel.db import Connection
from shared.kernel.garbage import uncollected
from shared.service.imports.chunks import foresee_chunk, run_chunk
from shared.service.imports.late import run_late
from shared.service.imports.payload import fetch
from shared.service.imports.settling import told_phase
from shared.service.imports.task import Fetch, Task, task_of
from shared.service.imports.telling import tell_finished
from shared.service.imports.undo import run_undo
from shared.service.imports.wanted import make_attributes
from shared.service.work.ledger import Claim, Job

if TYPE_CHECKING:
    from shared.service.runtime import Runtime


class ImportKind:
    """Work of the kind `import`. fetch_cells: how the cells of a chunk are got."""

    def __init__(self, fetch_cells: Fetch = fetch) -> None:
        self._fetch = fetch_cells
        self._steps: Mapping[str, Callable[[Runtime, Claim], None]] = {
            contract.DRY: self._foresee,
            contract.DRY_DEFERRED: self._late,
            contract.RUN: self._run,
            contract.DEFERRED: self._late,
            contract.UNDOING: run_undo,
        }

    def run(self, runtime: Runtime, claim: Claim) -> None:
        """Do a chunk of whatever phase."""
        # What a chunk makes is gone with it; looking for circles in its rows took a tenth of the time.
        with uncollected():
            self._steps[claim.job.phase](runtime, claim)

    def failed(self, connection: Connection, job: Job) -> None:
        """Tell that the phase failed."""
        tell_finished(connection, job, told_phase(job.phase), contract.FAILED, job.reason)

    def _foresee(self, runtime: Runtime, claim: Claim) -> None:
        task = task_of(runtime, claim)
        foresee_chunk(task, self._cells(task))

    def _run(self, runtime: Runtime, claim: Claim) -> None:
        make_attributes(runtime, claim.job)
        task = task_of(runtime, claim)
        run_chunk(task, self._cells(task))

    def _late(self, runtime: Runtime, claim: Claim) -> None:
        run_late(task_of(runtime, claim))

    def _cells(self, task: Task) -> list[tuple[int, list[str | None]]]:
        return list(self._fetch(task.runtime.settings, task.job.number, task.claim.n))
