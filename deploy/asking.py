"""Asking a service for the front's own pages: its app inside this process, or the service over HTTP where it runs
apart. Never for services among themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import httpx
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Response

from shared.kernel import json

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_SILENT = 503


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service said; `body` is None when that was no JSON."""

    status: int
    body: Any


class Ask(Protocol):
    """GETs the path, or POSTs the body to it."""

    def __call__(self, path: str, *, token: str = "", body: Mapping[str, Any] | None = None) -> Answer: ...


def ask_app(app: WSGIApplication) -> Ask:
    """Asks an app of this process."""

    def ask(path: str, *, token: str = "", body: Mapping[str, Any] | None = None) -> Answer:
        builder = EnvironBuilder(
            path=path,
            method="GET" if body is None else "POST",
            data=None if body is None else json.dumps(body),
            content_type=None if body is None else "application/json",
            headers=Headers(_headers(token)),
        )
        try:
            response = Response.from_app(app, builder.get_environ(), buffered=True)
        finally:
            builder.close()
        return _answer(response.status_code, response.get_data())

    return ask


def ask_over_http(client: httpx.Client) -> Ask:
    """Asks what stands at the client's address; who does not answer counts as unavailable."""

    def ask(path: str, *, token: str = "", body: Mapping[str, Any] | None = None) -> Answer:
        headers = {**_headers(token), "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body)
        try:
            found = client.request("GET" if body is None else "POST", path, content=content, headers=headers)
        except httpx.HTTPError:
            return Answer(_SILENT, None)
        return _answer(found.status_code, found.content)

    return ask


def _headers(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def _answer(status: int, content: bytes) -> Answer:
    try:
        return Answer(status, json.loads(content))
    except json.JsonError:
        return Answer(status, None)
