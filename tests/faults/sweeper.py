"""Sweeps of promises in processes of their own, made fast enough to be killed often: `python -m tests.faults.sweeper`.

Reads lines; each one makes a child that sweeps the database over and over until somebody kills it, and answers with the
child's process id. Everything is imported once; connections are each child's own. Children linger where a kill would
show what is not one transaction: when something has been written, and before it is committed.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

from services.service_desk.promises import acting, rows, sweeping
from shared.kernel.db import Database
from shared.kernel.errors import CrmError

SECONDS = 0.08
_SEAMS = ((rows, "note"), (rows, "put"), (acting, "tell"), (sweeping, "act"), (sweeping, "show"))


def main() -> None:
    """Make a child per line."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how they ended
    url = os.environ["SERVICE_DESK_DATABASE_URL"]
    for module, name in _SEAMS:
        setattr(module, name, lingering(getattr(module, name)))
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            sweep_for_ever(url)
        print(pid, flush=True)


def lingering(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same, and some time after it."""

    def lingers(*given: Any, **more: Any) -> Any:
        done = function(*given, **more)
        time.sleep(random.SystemRandom().random() * SECONDS)
        return done

    return lingers


def sweep_for_ever(url: str) -> None:
    """What the scheduler has done every 15 seconds, without pauses. Ends with whoever made it."""
    database, parent = Database(url, pool_size=2), os.getppid()
    while os.getppid() == parent:
        try:
            if not sweeping.sweep(database):
                time.sleep(0.01)
        except CrmError:
            time.sleep(0.01)
    os._exit(0)


if __name__ == "__main__":
    main()
