"""A pool of driver connections, last in first out: the one used last has the warmest caches on both sides.

Made for requests that borrow for a few milliseconds: taking and giving back cost two microseconds. Connections are
opened when nobody's is free, and never checked beforehand: a dead one shows when it is used, and `clear` then lets all
of its age go. What lies in a pool that nobody holds any more is closed with it. Not for connections kept over a fork: a
child process starts with an empty pool of its own.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from shared.kernel.errors import Unavailable

Raw = psycopg.Connection[Any]


class Pool:
    """At most `most` connections are out at a time; of those that come back, `kept` stay open."""

    def __init__(self, opened: Callable[[], Raw], *, kept: int, most: int, patience: float) -> None:
        self.kept, self.most, self.patience = kept, most, patience
        self._opened = opened
        self._begin()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._free: deque[Raw] = deque()
        weakref.finalize(self, _close, self._free, self._process).atexit = False
        self._out: set[Raw] = set()
        self._seats = threading.Semaphore(self.most)
        self.age = 0

    @property
    def borrowed(self) -> int:
        """How many are out."""
        return len(self._out)

    def take(self) -> Raw:
        """A connection. Raises Unavailable when all are out for longer than `patience`, and what opening raises."""
        if self._process != os.getpid():
            self._begin()  # the parent's connections are the parent's: the driver leaves them alone here
        if not self._seats.acquire(timeout=self.patience):
            raise Unavailable("all connections to the database are in use")
        try:
            raw = self._free_one() or self._opened()
        except BaseException:
            self._seats.release()
            raise
        self._out.add(raw)
        return raw

    def _free_one(self) -> Raw | None:
        try:
            return self._free.pop()
        except IndexError:
            return None

    def give(self, raw: Raw, age: int) -> None:
        """Back from who took it at this age; closed when it is dead, old, within a transaction, or one too many."""
        self._out.discard(raw)
        sound = age == self.age and raw.pgconn.transaction_status == TransactionStatus.IDLE
        if sound and len(self._free) < self.kept:
            self._free.append(raw)
        else:
            raw.close()
        self._seats.release()

    def clear(self) -> None:
        """Close what is free now, and what is out when it comes back."""
        self.age += 1
        while (raw := self._free_one()) is not None:
            raw.close()


def _close(free: deque[Raw], process: int) -> None:
    """Close what a lost pool had, in the process that opened it."""
    if process == os.getpid():
        for raw in free:
            raw.close()
