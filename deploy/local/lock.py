"""One run per home: a lock held for as long as the system runs, gone with its process however that dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from deploy.local.home import Home
from deploy.local.trouble import Trouble
from shared.kernel import json


@dataclass(frozen=True, slots=True)
class Holder:
    """Who runs this home, and where it answers."""

    pid: int
    url: str


@contextmanager
def hold(home: Home, url: str) -> Iterator[None]:
    """Hold the lock inside the block. Raises Trouble when another run holds it."""
    with home.lock.open("a+") as file:
        if not _take(file):
            other = _read(file)
            raise Trouble(f"already running at {other.url} (process {other.pid}): `make down` stops it")
        file.truncate(0)
        file.write(json.dumps({"pid": os.getpid(), "url": url}).decode())
        file.flush()
        yield
        file.truncate(0)


def holder(home: Home) -> Holder | None:
    """Who holds the lock now, if anybody does."""
    if not home.lock.exists():
        return None
    with home.lock.open("a+") as file:
        return None if _take(file) else _read(file)


def _take(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(file: IO[str]) -> Holder:
    file.seek(0)
    try:
        found = json.loads(file.read())
    except json.JsonError:  # just taken, not yet written
        return Holder(0, "?")
    return Holder(found["pid"], found["url"])
