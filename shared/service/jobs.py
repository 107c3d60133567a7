"""The kinds of slow work every service does, and one runtime per service and process to do it with.

Used by whatever runs work: Celery's tasks (worker.py), a thread of a service that runs alone (bus_process.py).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence

from shared.kernel.config import Settings
from shared.kernel.db import Connection
from shared.kernel.errors import CrmError
from shared.kernel.telemetry import logger
from shared.service.imports.kind import ImportKind
from shared.service.manifest import Manifest
from shared.service.mass.kind import KIND, ChangeKind
from shared.service.pipelines import following, moving
from shared.service.runtime import Runtime
from shared.service.work import ledger
from shared.service.work.running import Kind, work

KINDS: Mapping[str, Kind] = {
    "import": ImportKind(),
    KIND: ChangeKind(),
    following.KIND: following.FollowStages(),
    moving.KIND: moving.MoveStages(),
}
PAUSE_SECONDS = 2.0
_log = logger("work")


class Runtimes:
    """Runtimes of a process, made at first use: connections must not cross a fork."""

    def __init__(self, manifests: Sequence[Manifest], settings: Settings) -> None:
        self._manifests = {one.name: one for one in manifests}
        self._settings = settings
        self._lock = threading.Lock()
        self._made: dict[tuple[int, str], Runtime] = {}

    def of(self, service: str) -> Runtime:
        """The runtime of a service in this very process."""
        key = (os.getpid(), service)
        with self._lock:
            if key not in self._made:
                self._made[key] = Runtime(self._manifests[service], self._settings)
            return self._made[key]

    def close(self) -> None:
        """Close what this process opened."""
        with self._lock:
            for key in [one for one in self._made if one[0] == os.getpid()]:
                runtime = self._made.pop(key)
                runtime.db.dispose()
                if runtime.redis is not None:
                    runtime.redis.close()


def work_off(runtime: Runtime) -> bool:
    """Work for some seconds; whether there is more. Raises nothing that a lost database can cause."""
    try:
        return work(runtime, {**KINDS, **runtime.manifest.work})
    except CrmError as error:
        _log.warning("cannot work", service=runtime.manifest.name, error=error.category)
        return False


def wants_help(connection: Connection, hands: int) -> bool:
    """Whether there is a chunk for one more of so many hands."""
    load = ledger.load(connection)
    return load.runnable > 0 and load.leased < hands


def run_work(manifest: Manifest, settings: Settings, stop: threading.Event) -> None:
    """Work until `stop` is set, looking again every PAUSE_SECONDS: for a service without Celery."""
    runtimes = Runtimes([manifest], settings)
    more = False
    while not stop.wait(0.0 if more else PAUSE_SECONDS):
        more = work_off(runtimes.of(manifest.name))
    runtimes.close()
