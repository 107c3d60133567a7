"""Asking a service's app inside this process, without a socket: for the front's own pages, never for services."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Response

from shared.kernel import json

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service said; `body` is None when that was no JSON."""

    status: int
    body: Any


def ask(app: WSGIApplication, path: str, *, token: str = "", body: Mapping[str, Any] | None = None) -> Answer:
    """GET the path, or POST the body to it."""
    builder = EnvironBuilder(
        path=path,
        method="GET" if body is None else "POST",
        data=None if body is None else json.dumps(body),
        content_type=None if body is None else "application/json",
        headers=Headers([("Authorization", f"Bearer {token}")] if token else []),
    )
    try:
        response = Response.from_app(app, builder.get_environ(), buffered=True)
    finally:
        builder.close()
    try:
        return Answer(response.status_code, json.loads(response.get_data()))
    except json.JsonError:
        return Answer(response.status_code, None)
