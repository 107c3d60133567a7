"""Operations: the declared HTTP doors of a service, and how they are hung into a Flask app.

Declare an Operation per method and path; `register` adds its routes with authentication before the handler and JSON
errors after it. The same declarations feed the OpenAPI document. A handler parses, calls one thing, presents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, g, request
from flask.globals import app_ctx
from pydantic import BaseModel

from shared.kernel import json
from shared.kernel.context import Actor, Context, current
from shared.service.web.idempotency import carried_out_once
from shared.service.web.visit import install

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

PUBLIC = Actor("public", "public", frozenset())


@dataclass(frozen=True, slots=True)
class QueryParam:
    """One query parameter, for documents and tests. `kind`: string, integer, boolean or array."""

    name: str
    kind: str = "string"
    description: str = ""
    default: object = None
    required: bool = False
    example: object = None


@dataclass(frozen=True)
class Operation:
    """One HTTP operation. `handler(service, **path_parameters)` answers with a flask Response.

    path: `/crm/v3/objects/{type}/{id}`; a parameter may be `{rest:path}`. success: the declared success status.
    body, response: pydantic models for the document only; handlers never run them on a hot path.
    example: of the request body; answer_example: of the answer. public: no token needed.
    read_only: a POST that writes nothing (searches), for which an Idempotency-Key means nothing.
    statuses: further statuses that are no errors, such as 207. secret: the answer must not be kept anywhere.
    headers: names of request headers it heeds, for the document. custom: means only entity types made at run time.
    by_unique: means only entity types with a unique attribute. hidden: answers, but is not in the document.
    produces: media types of an answer that is no JSON.
    pipelined: means only entity types that have pipelines, or may get them. types: internal names of the only entity
    types that it means, those of other services among them.
    """

    method: str
    path: str
    name: str
    summary: str
    handler: Callable[..., Response]
    success: int = 200
    query: tuple[QueryParam, ...] = ()
    body: type[BaseModel] | None = None
    response: type[BaseModel] | None = None
    example: object = None
    tag: str = ""
    public: bool = False
    answer_example: object = None
    read_only: bool = False
    statuses: tuple[int, ...] = ()
    description: str = ""
    secret: bool = False
    headers: tuple[str, ...] = ()
    custom: bool = False
    by_unique: bool = False
    pipelined: bool = False
    hidden: bool = False
    upload: bool = False
    produces: tuple[str, ...] = ()
    types: tuple[str, ...] = ()

    @property
    def takes_key(self) -> bool:
        """Whether an Idempotency-Key is heeded: POSTs that write, uploads aside, whose bodies are read only once."""
        return self.method == "POST" and not self.read_only and not self.public and not self.upload

    @property
    def door(self) -> str:
        """Which spelling of the world its callers use: that of the wire dialect, or our own."""
        return "native" if self.path.startswith("/api/") else "dialect"

    @property
    def rule(self) -> str:
        """The path as a werkzeug rule."""
        parts = []
        for part in self.path.split("/"):
            if part.startswith("{") and part.endswith("}"):
                name, _, converter = part[1:-1].partition(":")
                part = f"<{converter}:{name}>" if converter else f"<{name}>"
            parts.append(part)
        return "/".join(parts)


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(json.dumps(body), status, headers, content_type="application/json")


def no_content(headers: Mapping[str, str] | None = None) -> Response:
    """204 without a body."""
    response = Response(b"", 204, headers)
    del response.headers["Content-Type"]
    return response


def register(app: Flask, service: Runtime, operations: Iterable[Operation]) -> None:
    """Add the operations' routes to `app`; the first call also adds error answers, limits and the request log.

    Raises ValueError when two operations share a name: names are operation ids.
    """
    install(app, service)
    known: list[Operation] = app.extensions.setdefault("crm.operations", [])
    for operation in operations:
        if operation.name in app.view_functions:
            raise ValueError(f"two operations are named {operation.name}")
        app.add_url_rule(
            operation.rule,
            operation.name,
            _public_view(service, operation) if operation.public else _view(service, operation),
            methods=[operation.method],
            strict_slashes=False,
            provide_automatic_options=False,
        )
        known.append(operation)
        if operation.upload:
            app.extensions["crm.visit"].uploads.add(operation.name)


def registered(app: Flask) -> Sequence[Operation]:
    """All operations that were hung into the app, in that order."""
    return tuple(app.extensions.get("crm.operations", ()))


def _view(service: Runtime, operation: Operation) -> Callable[..., Response]:
    handler = operation.handler
    tokens = service.tokens
    takes_key, door = operation.takes_key, operation.door

    def view(**params: str) -> Response:
        environ, kept = request.environ, app_ctx.g
        actor = tokens.authenticate(environ.get("HTTP_AUTHORIZATION"))
        kept.context = found = Context(actor=actor, source_id=actor.id, correlation=kept.correlation, door=door)
        current.set(found)
        if takes_key and "HTTP_IDEMPOTENCY_KEY" in environ:
            key = environ["HTTP_IDEMPOTENCY_KEY"]
            once = partial(handler, service, **params)
            return carried_out_once(service, found, key, once, secret=operation.secret)
        return handler(service, **params)

    return view


def _public_view(service: Runtime, operation: Operation) -> Callable[..., Response]:
    handler = operation.handler

    def view(**params: str) -> Response:
        g.context = found = Context(actor=PUBLIC, correlation=g.correlation)
        current.set(found)
        return handler(service, **params)

    return view
