"""The front's own answers: first page, health, readiness, the merged OpenAPI document and its viewer.

The pages stand alone: nothing is fetched from elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, render_template, request
from werkzeug.exceptions import HTTPException

from deploy.asking import Answer, Ask
from deploy.merge import merged
from shared.kernel import json
from shared.kernel.clock import new_id
from shared.kernel.errors import NotFound
from shared.service.web.errors import ProtocolError, error_body
from shared.service.web.openapi import docs
from shared.service.web.openapi.older import as_3_0

if TYPE_CHECKING:
    from shared.service.manifest import Manifest

TITLE = "Tupelo CRM"
# Above this the engine estimates instead of counting.
GUESSED = 10_000


@dataclass(frozen=True, slots=True)
class Count:
    """How many entities of a type; None when the service did not say."""

    number: int | None
    about: bool = False


@dataclass(frozen=True, slots=True)
class ServiceView:
    """One line of the first page."""

    name: str
    state: str
    reasons: tuple[str, ...]
    counts: tuple[tuple[str, Count], ...]


@dataclass(frozen=True, slots=True)
class Pages:
    """What the answers are made of."""

    manifests: Sequence[Manifest]
    services: Mapping[str, Ask]
    token: str

    def index(self) -> str:
        """The first page."""
        answers = self._readiness()
        views = [self._view(manifest, answers[manifest.name]) for manifest in self.manifests]
        state = _state(answers.values())
        return render_template("index.html", services=views, state=state, url=request.host_url.rstrip("/"))

    def healthz(self) -> Response:
        """The process is alive."""
        return _json({"status": "ok"})

    def readyz(self) -> Response:
        """As good as the worst service: `ready`, `degraded` (200 as well) or, with 503, `not ready`; with reasons."""
        answers = self._readiness()
        state = _state(answers.values())
        services = {name: answer.body for name, answer in answers.items()}
        return _json({"status": state, "services": services}, 503 if state == "not ready" else 200)

    def openapi(self) -> Response:
        """One document for all services."""
        return _json(self._document())

    def docs(self) -> Response:
        """A viewer of that document."""
        return docs.page_response()

    def docs_document(self) -> Response:
        """The document as the viewer knows to read it."""
        return _json(as_3_0(self._document()))

    def docs_file(self, name: str) -> Response:
        """A file of the viewer."""
        return docs.file_response(name)

    def _document(self) -> dict[str, Any]:
        documents = [ask(f"/{name}/openapi.json") for name, ask in self.services.items()]
        return merged([one.body for one in documents if one.status == 200], TITLE)

    def _readiness(self) -> dict[str, Answer]:
        return {name: ask(f"/{name}/readyz") for name, ask in self.services.items()}

    def _view(self, manifest: Manifest, answer: Answer) -> ServiceView:
        body = answer.body if isinstance(answer.body, dict) else {}
        reasons = tuple(one["reason"] for one in body.get("checks", []) if one.get("reason"))
        counts = [(one.plural_label, self._count(manifest.name, one.name)) for one in manifest.types]
        return ServiceView(manifest.name, body.get("status", "not ready"), reasons, tuple(counts))

    def _count(self, service: str, entity_type: str) -> Count:
        query = {"limit": 1, "total": "estimated", "attributes": []}
        answer = self.services[service](f"/api/v1/objects/{entity_type}/query", token=self.token, body=query)
        if answer.status != 200 or not isinstance(answer.body, dict):
            return Count(None)
        total = answer.body.get("total")
        return Count(int(total), about=int(total) > GUESSED) if total is not None else Count(None)


def build_pages(manifests: Iterable[Manifest], services: Mapping[str, Ask], token: str) -> Flask:
    """The front's own application; `services` says how each is asked. Without a token the first page has no counts."""
    app = Flask(__name__, static_folder=None)
    app.url_map.strict_slashes = False
    pages = Pages(tuple(manifests), services, token)
    for path, view in (
        ("/", pages.index),
        ("/healthz", pages.healthz),
        ("/readyz", pages.readyz),
        ("/openapi.json", pages.openapi),
        ("/docs", pages.docs),
        ("/docs/openapi.json", pages.docs_document),
        ("/docs/static/<path:name>", pages.docs_file),
    ):
        app.add_url_rule(path, view.__name__, view)
    app.register_error_handler(HTTPException, _failed)
    app.register_error_handler(NotFound, lambda error: _json(error_body(error, new_id()), 404))
    return app


def _state(answers: Iterable[Answer]) -> str:
    """The state of the whole."""
    found = [
        (answer.status, answer.body.get("status") if isinstance(answer.body, dict) else None) for answer in answers
    ]
    if any(status != 200 for status, _state in found):
        return "not ready"
    return "ready" if all(state == "ready" for _status, state in found) else "degraded"


def _failed(error: HTTPException) -> Response:
    status = error.code or 500
    return _json(error_body(ProtocolError(status, error.description or error.name), new_id()), status)


def _json(body: Any, status: int = 200) -> Response:
    return Response(json.dumps(body), status, content_type="application/json")
