"""Around every request: correlation id, limits, error answers, request log line and metrics.

Installed once per app by `operation.register`. Nothing here knows an operation's meaning; nothing logs values.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import psycopg
import redis.exceptions
from flask import Flask, Response, g, request
from flask.globals import app_ctx, request_ctx
from werkzeug.exceptions import HTTPException

from shared.kernel import json
from shared.kernel.clock import monotonic, new_id
from shared.kernel.context import Actor, Context, current
from shared.kernel.errors import CrmError, Unavailable
from shared.kernel.telemetry import logger
from shared.service.web.errors import ProtocolError, error_body, headers_of, status_of
from shared.service.web.metrics import RequestTimer

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

MAX_URI = 64 * 1024
ANONYMOUS = Actor("anonymous", "anonymous", frozenset())  # until a token is checked; for log lines alone
_SANE_CORRELATION = re.compile(r"[A-Za-z0-9._:-]{8,64}")
_RETRYABLE_STATES = frozenset(("40001", "40P01", "55P03", "57014"))
_log = logger("web")


def install(app: Flask, service: Runtime) -> None:
    """Make `app` answer every error as JSON, refuse oversized requests, count and log each request once. Idempotent."""
    if "crm.visit" in app.extensions:
        return
    settings = service.settings
    app.extensions["crm.visit"] = visit = Visit(service.manifest.name, settings.max_body, settings.max_upload)
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body
    app.before_request(visit.begin)
    app.after_request(visit.end)
    if service.manifest.mirrors:
        app.after_request(service.heard.settle)
    app.register_error_handler(Exception, visit.failed)


class Visit:
    """The hooks around one app's requests. uploads: operations that take files, which may be larger than bodies."""

    def __init__(self, service: str, max_body: int, max_upload: int) -> None:
        self.timer = RequestTimer(service)
        self.max_body = max_body
        self.max_upload = max_upload
        self.uploads: set[str] = set()

    def begin(self) -> None:
        """Give the request its correlation id and refuse what is too long. Raises ProtocolError."""
        asked, kept = request_ctx.request, app_ctx.g  # themselves: `request` and `g` look for them each time
        environ = asked.environ
        kept.started = monotonic()
        given = environ.get("HTTP_X_CORRELATION_ID")
        kept.correlation = given if given and _SANE_CORRELATION.fullmatch(given) else new_id()
        current.set(Context(actor=ANONYMOUS, correlation=kept.correlation))
        query = environ.get("QUERY_STRING", "")
        if len(query) + len(environ["PATH_INFO"]) > MAX_URI:
            raise ProtocolError(414, f"The address is longer than {MAX_URI} characters")
        if "%00" in query or "\x00" in environ["PATH_INFO"]:
            raise ProtocolError(400, "The address holds a NUL character (%00)")
        most = self.max_body
        if asked.endpoint in self.uploads:
            most = asked.max_content_length = self.max_upload
        length = environ.get("CONTENT_LENGTH")
        if length and length.isdigit() and int(length[:19]) > most:
            raise ProtocolError(413, f"The request body is larger than {most} bytes")

    def end(self, response: Response) -> Response:
        """Add the headers every answer has; count and log the request."""
        asked, kept = request_ctx.request, app_ctx.g
        headers = response.headers
        headers["X-Correlation-Id"] = kept.correlation
        headers["X-Content-Type-Options"] = "nosniff"
        if "Cache-Control" not in headers:
            headers["Cache-Control"] = "no-store"
        seconds = monotonic() - kept.started
        rule = asked.url_rule
        operation = rule.endpoint if rule is not None else "unknown"
        status = response.status_code
        self.timer.observe(operation, status, seconds)
        _log.info("request", operation=operation, method=asked.method, status=status, ms=round(seconds * 1000, 2))
        return response

    def failed(self, error: Exception) -> Response:
        """The answer for anything raised while a request was handled."""
        found = _as_crm_error(error)
        if found is None:
            _log.error("unexpected error", operation=request.endpoint, exc_info=error)
            found = ProtocolError(500, "An internal error happened; its details are in the log under the correlationId")
        return error_answer(found, g.correlation)


def error_answer(error: CrmError, correlation: str) -> Response:
    """The whole answer of an error."""
    body = json.dumps(error_body(error, correlation))
    return Response(body, status_of(error), headers_of(error), content_type="application/json")


def _as_crm_error(error: Exception) -> CrmError | None:
    if isinstance(error, CrmError):
        return error
    if isinstance(error, HTTPException):
        return _protocol_error(error)
    if isinstance(error, psycopg.Error) and error.sqlstate in _RETRYABLE_STATES:
        return Unavailable("The database was too busy with competing work; try again")
    if isinstance(error, redis.exceptions.ConnectionError | redis.exceptions.TimeoutError):
        return Unavailable("The cache cannot be reached right now; try again")
    return None


def _protocol_error(error: HTTPException) -> ProtocolError:
    status = error.code or 500
    kept = ("Allow", "Retry-After", "WWW-Authenticate")
    headers: dict[str, Any] = {name: value for name, value in error.get_headers() if name in kept}
    text = {
        404: f"No operation answers at {request.path[:200]}",
        405: f"{request.method} is not offered at {request.path[:200]}",
        413: f"The request body is larger than {request.max_content_length} bytes",
    }.get(status, error.description or error.name)
    return ProtocolError(status, text, headers)
