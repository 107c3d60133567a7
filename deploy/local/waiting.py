"""Waiting for a condition with a ceiling. Never wait by sleeping a guessed time."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_until(holds: Callable[[], bool], seconds: float, *, every: float = 0.05) -> bool:
    """Ask until it holds (True) or the time is over (False). An exception from `holds` ends the waiting."""
    end = time.monotonic() + seconds
    while True:
        if holds():
            return True
        if time.monotonic() >= end:
            return False
        time.sleep(every)
