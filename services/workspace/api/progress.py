"""An import's progress as server-sent events: its whole state at every change, until it rests.

A stream holds a thread. When all seats are taken a caller gets the present state alone and is told when to ask again,
which clients of such streams do by themselves.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from flask import Response

from services.workspace.api.present import present
from services.workspace.tables import jobs
from services.workspace.tables.jobs import CANCELING, CHECKING, READING, RUNNING, UNDOING, UPLOADING
from shared.kernel.clock import monotonic
from shared.kernel.errors import CrmError
from shared.kernel.json import dumps

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

MOVING = frozenset({UPLOADING, READING, CHECKING, RUNNING, CANCELING, UNDOING})
"""States that change by themselves."""
SEATS = 3
LONGEST_SECONDS = 600.0
_PAUSE_SECONDS = 0.4
_ALIVE_SECONDS = 10.0
_seats = threading.BoundedSemaphore(SEATS)


def progress(service: Runtime, job: int) -> Response:
    """The stream."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return Response(_events(service, job), 200, headers, content_type="text/event-stream; charset=utf-8")


def _events(service: Runtime, job: int) -> Iterator[bytes]:
    yield b"retry: 2000\n\n"
    if not _seats.acquire(blocking=False):
        yield _state(service, job)[0]
        return
    try:
        yield from _changes(service, job)
    except CrmError:  # the client asks again
        return
    finally:
        _seats.release()


def _changes(service: Runtime, job: int) -> Iterator[bytes]:
    until = monotonic() + LONGEST_SECONDS
    told, told_at = b"", 0.0
    while True:
        event, moving = _state(service, job)
        if event != told:
            yield event
            told, told_at = event, monotonic()
        elif monotonic() - told_at > _ALIVE_SECONDS:
            yield b": still there\n\n"
            told_at = monotonic()
        if not moving or monotonic() > until:
            return
        time.sleep(_PAUSE_SECONDS)


def _state(service: Runtime, job: int) -> tuple[bytes, bool]:
    with service.db.connect() as connection:
        found = jobs.find(connection, job)
    return b"event: import\ndata: " + dumps(present(found)) + b"\n\n", found.state in MOVING
