"""Hybrid logical clock of link writes: milliseconds with a counter below, never standing still, never going back.

Two services that change the same link at once agree by it who was last. Not for durations, nor for showing times.
"""

from __future__ import annotations

import threading
import time

_BITS = 16


class Clock:
    """The clock of one process. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def tick(self, seen: int = 0) -> int:
        """A value above every one given out before and above `seen`, the newest that was read elsewhere."""
        with self._lock:
            self._last = max((time.time_ns() // 1_000_000) << _BITS, self._last + 1, seen + 1)
            return self._last
