"""The front: picks a service, answers for itself, changes no path."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import httpx
import pytest
from flask import Flask, jsonify, request
from werkzeug.test import Client

from deploy.asking import Answer, ask_app, ask_over_http
from deploy.front import Front
from deploy.merge import merged
from deploy.pages import build_pages
from deploy.routes import route_table
from tests.unit.deploy.samples import MANIFESTS, PATHS

_STATUS = {"ready": 200, "degraded": 200, "not ready": 503}


def _service(name: str, states: dict[str, str]) -> Flask:
    app = Flask(name)

    @app.get(f"/{name}/readyz")
    def readyz() -> tuple[Any, int]:
        state = states.get(name, "ready")
        checks = [{"name": "database", "state": "failing", "reason": "gone"}] if state != "ready" else []
        return jsonify(status=state, checks=checks), _STATUS[state]

    @app.get(f"/{name}/openapi.json")
    def openapi() -> Any:
        return jsonify(openapi="3.1.0", info={"title": name, "version": "1"}, paths={f"/{name}/readyz": {"get": {}}})

    @app.post("/api/v1/objects/<kind>/query")
    def query(kind: str) -> Any:
        assert request.headers["Authorization"] == "Bearer secret"
        return jsonify(results=[], total=1234567)

    @app.route("/", defaults={"path": ""})
    @app.route("/<path:path>", methods=["GET", "DELETE"])
    def echo(path: str) -> Any:
        return jsonify(service=name, path=request.path, raw=request.environ["PATH_INFO"])

    return app


def _silent(_environ: Any, start_response: Any) -> Iterable[bytes]:
    start_response("503 Service Unavailable", [("Content-Type", "application/json")])
    return [b'{"status": "error"}']


@pytest.fixture
def states() -> dict[str, str]:
    return {}


@pytest.fixture
def client(states: dict[str, str]) -> Iterable[Client]:
    services = {manifest.name: _service(manifest.name, states) for manifest in MANIFESTS}
    asking = {name: ask_app(app) for name, app in services.items()}
    pages = build_pages(MANIFESTS, asking, "secret")  # type: ignore[arg-type]
    return Client(Front(route_table(MANIFESTS), services, pages))


@pytest.mark.parametrize("path", [path for path in PATHS if path != "/" and "\n" not in path])
def test_the_service_of_the_table_gets_the_path_untouched(client: Client, path: str) -> None:
    if path.endswith(("/openapi.json", "/readyz")):
        return
    answer = client.get(path).json
    assert answer["service"] == PATHS[path]
    assert answer["path"] == path.replace("%40", "@")


def test_ready_when_all_are(client: Client, states: dict[str, str]) -> None:
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 200
    assert client.get("/readyz").json["status"] == "ready"
    states["service_desk"] = "degraded"
    states["contacts"] = "not ready"
    answer = client.get("/readyz/")
    assert answer.status_code == 503
    assert answer.json["status"] == "not ready"
    assert answer.json["services"]["contacts"]["checks"][0]["reason"] == "gone"
    assert client.get("/healthz").status_code == 200


def test_degraded_when_one_is(client: Client, states: dict[str, str]) -> None:
    states["contacts"] = "degraded"
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json["status"]) == (200, "degraded")
    assert '<strong class="degraded">degraded</strong>' in client.get("/").text


def test_the_first_page_tells_states_and_counts(client: Client, states: dict[str, str]) -> None:
    assert '<strong class="ready">ready</strong>' in client.get("/").text
    states["service_desk"] = "not ready"
    page = client.get("/").text
    assert '<strong class="bad">not ready</strong>' in page
    assert "about 1,234,567" in page
    assert "gone" in page
    assert 'href="/docs"' in page
    assert "//" not in page.replace("http://localhost", "")


def test_services_that_run_apart_are_asked_over_http() -> None:
    services = {manifest.name: _service(manifest.name, {"service_desk": "degraded"}) for manifest in MANIFESTS[1:]}
    front = Front(route_table(MANIFESTS), {**services, "workspace": _silent}, _silent)
    ask = ask_over_http(httpx.Client(transport=httpx.WSGITransport(app=front), base_url="http://gateway"))
    pages = Client(build_pages(MANIFESTS, {manifest.name: ask for manifest in MANIFESTS}, "secret"))  # type: ignore[arg-type]
    assert pages.get("/readyz").json["services"]["service_desk"]["status"] == "degraded"
    assert pages.get("/readyz").status_code == 503
    assert set(pages.get("/openapi.json").json["paths"]) == {f"/{name}/readyz" for name in services}
    assert "about 1,234,567" in pages.get("/").text


def test_who_does_not_answer_is_unavailable() -> None:
    ask = ask_over_http(httpx.Client(base_url="http://127.0.0.1:1", trust_env=False))
    assert ask("/x") == Answer(503, None)


def test_the_document_of_all_services(client: Client) -> None:
    paths = client.get("/openapi.json").json["paths"]
    assert set(paths) == {f"/{manifest.name}/readyz" for manifest in MANIFESTS}


def test_the_viewer_is_served_from_here(client: Client) -> None:
    assert "/docs/static/swagger-ui-bundle.js" in client.get("/docs").text
    assert client.get("/docs/static/swagger-ui-bundle.js", buffered=True).status_code == 200


def test_errors_of_the_front_are_json(client: Client) -> None:
    for answer, category in (
        (client.get("/docs/static/nothing"), "OBJECT_NOT_FOUND"),
        (client.delete("/healthz"), "METHOD_NOT_ALLOWED"),
    ):
        assert answer.json["category"] == category
        assert answer.json["correlationId"]


def test_merging_keeps_the_first_and_adds_the_rest() -> None:
    first = {"openapi": "3.1.0", "info": {"title": "a"}, "paths": {"/x": {"get": {"summary": "first"}}}}
    second = {
        "openapi": "3.1.0",
        "info": {"title": "b"},
        "paths": {"/x": {"get": {"summary": "second"}, "post": {}}},
        "components": {"schemas": {"Error": {}}},
        "tags": [{"name": "Health"}],
    }
    result = merged([first, second, second], "all")
    assert result["info"]["title"] == "all"
    assert result["paths"] == {"/x": {"get": {"summary": "first"}, "post": {}}}
    assert result["components"] == {"schemas": {"Error": {}}}
    assert result["tags"] == [{"name": "Health"}]
