"""Forcing races: writes that stop just before they commit, and knowing that somebody is really waiting for a lock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from shared.eav.engine import Engine
from shared.kernel.db import Connection, Database

T = TypeVar("T")
CEILING = 60
_WAITING = """
select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
"""


class Pause:
    """A `publish`, of values or of links, that lets everything be written and then waits, inside the transaction, to
    be let go."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self._go = threading.Event()
        self._fails = False

    def __call__(self, connection: Connection, *told: object) -> None:
        self.reached.set()
        assert self._go.wait(CEILING), "nobody let the write go"
        if self._fails:
            raise GivenUp

    def go(self) -> None:
        """Let it commit."""
        self._go.set()

    def give_up(self) -> None:
        """Let it fail, so that nothing of it stays."""
        self._fails = True
        self._go.set()


class GivenUp(Exception):
    """A write that was made to fail at the last moment."""


def paused(
    database: Database,
    step: Callable[[Engine], Any],
    threads: ThreadPoolExecutor,
    make: Callable[[Database, Pause], Engine] | None = None,
) -> tuple[Pause, Future[Any]]:
    """Run `step` with an engine of its own, or one made by `make`, up to just before its commit."""
    pause = Pause()
    engine = make(database, pause) if make else Engine(database, publish=pause)
    future = threads.submit(step, engine)
    assert pause.reached.wait(CEILING) or future.done()
    return pause, future


def until_blocked(database: Database, *, done: Future[Any] | None = None, count: int = 1) -> bool:
    """Wait until `count` sessions wait for locks; False when `done` is over before."""
    ends = time.monotonic() + CEILING
    with database.connect() as connection:
        while connection.row(_WAITING) < (count,):
            if done is not None and done.done():
                return False
            assert time.monotonic() < ends, "nobody waits for a lock"
            time.sleep(0.01)
    return True


def until(holds: Callable[[], bool]) -> None:
    """Wait for a condition."""
    ends = time.monotonic() + CEILING
    while not holds():
        assert time.monotonic() < ends, "it never came to that"
        time.sleep(0.01)


def at_once(count: int, step: Callable[[int], T]) -> list[T | Exception]:
    """`step(0..count-1)` in as many threads that begin together; exceptions are answers."""
    barrier = threading.Barrier(count)

    def run(n: int) -> T | Exception:
        barrier.wait(CEILING)
        try:
            return step(n)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
            return error

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(run, range(count)))


def deadlocks(database: Database) -> int:
    """How many PostgreSQL had to break; sessions tell when they end."""
    database.dispose()
    with database.connect() as connection:
        row = connection.row("select deadlocks from pg_stat_database where datname = current_database()")
    assert row is not None
    return int(row[0])
