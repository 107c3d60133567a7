"""The Idempotency-Key header: `carried_out_once` runs a handler at most once per key and answers repetitions the same.

Used by `operation` for every POST that writes, only when the header is there. The keys live in
`shared.service.idempotency`, which also says what is atomic.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import psycopg
from flask import Response, request

from shared.kernel.context import Context
from shared.kernel.errors import CrmError, Invalid
from shared.kernel.telemetry import logger
from shared.service import idempotency
from shared.service.idempotency import Claim, Kept
from shared.service.web.errors import ProtocolError

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

_log = logger("idempotency")
_KEY = re.compile(r"[\x20-\x7e]{1,255}")
_KEPT_HEADERS = ("Content-Type", "ETag", "Location", "X-Change-Id")


def carried_out_once(
    service: Runtime, ctx: Context, key: str, handler: Callable[[], Response], *, secret: bool = False
) -> Response:
    """The handler's answer, or the kept one of an earlier request with this key and the same body.

    Raises ProtocolError 422 for the key with another body, 409 while the first one runs on or when its answer was
    lost or holds a `secret`.
    """
    if not _KEY.fullmatch(key):
        text = "Idempotency-Key must be 1 to 255 printable ASCII characters"
        raise Invalid.one("Idempotency-Key", "INVALID_KEY", text)
    found = idempotency.acquire(service.db, ctx.actor.id, key, _body_hash())
    if isinstance(found, Kept):
        return _repeated(found)
    return _first(service, found, handler, secret)


def _body_hash() -> bytes:
    environ = request.environ
    digest = hashlib.sha256(f"{request.method} {environ['PATH_INFO']}?{environ['QUERY_STRING']}\n".encode())
    digest.update(request.get_data(cache=True))
    return digest.digest()


def _first(service: Runtime, claim: Claim, handler: Callable[[], Response], secret: bool) -> Response:
    token = idempotency.active.set(claim)
    try:
        response = handler()
    except Exception:  # refused or failed before a commit: the key is free; after one it stays, see `release`
        _quietly(partial(idempotency.release, service.db, claim))
        raise
    finally:
        idempotency.active.reset(token)
    kept = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    body = None if secret else response.get_data()
    _quietly(partial(idempotency.complete, service.db, claim, response.status_code, kept, body))
    return response


def _quietly(step: Callable[[], None]) -> None:
    try:
        step()
    except (CrmError, psycopg.Error) as error:  # the write's own outcome is what the caller must hear of
        _log.warning("idempotency key not settled", error=type(error).__name__)


def _repeated(kept: Kept) -> Response:
    if not kept.same_body:
        raise ProtocolError(422, "This Idempotency-Key was used for another request: use a new key for a new request")
    if kept.state == "done" and kept.answer is not None:
        response = Response(kept.answer, kept.status, kept.headers)
        if "Content-Type" not in kept.headers:  # flask's own default; an answer without a body has none
            del response.headers["Content-Type"]
        response.headers["Idempotency-Replayed"] = "true"
        return response
    if kept.state == "running" or kept.at_work:
        text = "The first request with this Idempotency-Key is still running; try again"
        raise ProtocolError(409, text, {"Retry-After": "2"})
    written = f" It wrote: {', '.join(kept.entities[:100])}." if kept.entities else ""
    raise ProtocolError(
        409, f"The request with this Idempotency-Key has been carried out; its answer is gone.{written}"
    )
