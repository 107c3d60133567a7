"""Errors that the web server answers before any application sees a request: JSON for them, too.

Call `answer_in_json()` once from gunicorn's configuration (`on_starting` or at its top). Without it gunicorn writes an
HTML page for a broken request line or an oversized header, over which clients that expect JSON stumble.
"""

from __future__ import annotations

import socket

from gunicorn import util  # type: ignore[import-untyped]

from shared.kernel import json
from shared.kernel.clock import new_id
from shared.service.web.errors import ProtocolError, error_body


def protocol_answer(status: int, reason: str) -> bytes:
    """A whole HTTP/1.1 answer with a JSON error body, after which the connection closes."""
    correlation = new_id()
    body = json.dumps(error_body(ProtocolError(status, f"The request could not be read: {reason}"), correlation))
    head = (
        f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: application/json\r\n"
        f"X-Correlation-Id: {correlation}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode("latin1") + body


def _write_error(sock: socket.socket, status_int: int, reason: str, mesg: str) -> None:
    util.write_nonblock(sock, protocol_answer(status_int, reason))


def answer_in_json() -> None:
    """Replace gunicorn's HTML error page. Idempotent."""
    util.write_error = _write_error
