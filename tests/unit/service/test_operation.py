"""Routes, authentication, parameters and limits, as a client meets them."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import psycopg
import pytest
from flask import Response

from shared.kernel import telemetry
from shared.kernel.errors import Unavailable
from shared.service.web import visit
from shared.service.web.operation import Operation, answer, no_content
from shared.service.web.request import bool_param, context, int_param, json_object, known_keys, list_param, text_param
from tests.unit.service.fakes import client, service


def _read(_service: Any, type: str, id: str) -> Response:
    shown = {"type": type, "id": id, "actor": context().actor.id, "archived": bool_param("archived")}
    return answer({**shown, "p": list_param("p"), "limit": int_param("limit", 10, 100), "t": text_param("t", "none")})


def _write(_service: Any, type: str) -> Response:
    return answer({"body": json_object()}, 201)


def _fail(_service: Any) -> Response:
    raise ZeroDivisionError("secret text")


def _away(_service: Any) -> Response:
    raise Unavailable("gone")


OPERATIONS = (
    Operation("GET", "/o/{type}/{id}", "read", "", _read),
    Operation("POST", "/o/{type}", "write", "", _write, 201),
    Operation("POST", "/o/{type}/search", "search", "", _write, read_only=True),
    Operation("GET", "/fail", "fail", "", _fail),
    Operation("GET", "/away", "away", "", _away),
    Operation("DELETE", "/o/{type}/{id}", "gone", "", lambda _s, type, id: no_content(), 204),
    Operation("GET", "/open", "open", "", lambda _s: answer({}), public=True),
)


@pytest.fixture
def web() -> Any:
    return client(service(), *OPERATIONS)


def test_parameters(web: Any) -> None:
    found = web.get("/o/contacts/7?archived=True&p=a,b&p=c&p=a&limit=5&t= x ").json
    assert found == {
        "type": "contacts",
        "id": "7",
        "actor": "all",
        "archived": True,
        "p": ["a", "b", "c"],
        "limit": 5,
        "t": "x",
    }


@pytest.mark.parametrize(
    "query", ["archived=perhaps", "limit=101", "limit=-1", "limit=x", "limit=1e3", "limit=" + "9" * 30]
)
def test_bad_parameters_are_named(web: Any, query: str) -> None:
    found = web.get(f"/o/contacts/7?{query}")
    assert found.status_code == 400
    assert found.json["errors"][0]["in"] == query.partition("=")[0]


@pytest.mark.parametrize("path", ["/o/contacts", "/o/contacts/"])
def test_both_slash_forms_without_redirect(web: Any, path: str) -> None:
    assert web.post(path, json={"a": 1}).status_code == 201
    assert web.get(path.rstrip("/") + "/7/").status_code == 200


def test_static_segments_win_over_parameters(web: Any) -> None:
    assert web.post("/o/contacts/search", json={}).status_code == 201


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "//o//contacts", 404),
        ("PUT", "/o/contacts", 405),
        ("OPTIONS", "/o/contacts", 405),
        ("GET", "/o/contacts/%00", 400),
        ("GET", "/o/contacts/1?p=%00", 400),
        ("GET", "/o/contacts/" + "x" * 70_000, 414),
        ("GET", "/fail", 500),
        ("GET", "/away", 503),
    ],
)
def test_errors_are_json(web: Any, method: str, path: str, status: int) -> None:
    found = web.open(path, method=method, headers={"X-Correlation-Id": "abc-12345"})
    assert found.status_code == status
    assert found.content_type == "application/json"
    assert found.json["correlationId"] == found.headers["X-Correlation-Id"] == "abc-12345"
    assert "secret" not in found.text
    assert found.headers["Cache-Control"] == "no-store"
    if status == 405:
        assert "POST" in found.headers["Allow"]


@pytest.mark.parametrize("given", ["x", "a" * 65, "a b c d e f", 'quo"te-quote', None])
def test_odd_correlation_ids_are_replaced(web: Any, given: str | None) -> None:
    headers = {"X-Correlation-Id": given} if given else {}
    made = web.get("/open", headers=headers).headers["X-Correlation-Id"]
    assert made != given
    assert len(made) == 36


def test_tokens_are_demanded_before_anything_else(web: Any) -> None:
    del web.environ_base["HTTP_AUTHORIZATION"]
    found = web.post("/o/contacts", data=b"{")
    assert found.status_code == 401
    assert found.json["category"] == "INVALID_AUTHENTICATION"
    assert found.headers["WWW-Authenticate"] == "Bearer"
    assert web.get("/open").status_code == 200


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b'{"a": 1}', "application/json", 201),
        (b'{"a": 1}', "application/json; charset=utf-8", 201),
        (b'{"a": 1}', "application/vnd.api+json", 201),
        (b'{"a": 1}', "application/x-www-form-urlencoded", 201),
        (b'{"a": 1}', "", 201),
        (b"", "application/json", 201),
        (b"", "", 201),
        (b"{", "application/json", 400),
        (b"a=1", "application/x-www-form-urlencoded", 415),
        (b"<a/>", "text/xml", 415),
    ],
)
def test_content_types(web: Any, body: bytes, kind: str, status: int) -> None:
    assert web.post("/o/contacts", data=body, content_type=kind).status_code == status


def test_compressed_and_oversized_bodies(web: Any) -> None:
    assert web.post("/o/contacts", data=b"x", headers={"Content-Encoding": "gzip"}).status_code == 415
    large = web.post("/o/contacts", data=b"x" * (10 * 1024 * 1024 + 1))
    assert (large.status_code, large.json["category"]) == (413, "PAYLOAD_TOO_LARGE")


def test_chunked_bodies_are_limited_too(web: Any) -> None:
    def send(size: int) -> Any:
        body = b'{"a":"' + b"x" * size + b'"}'
        return web.post("/o/contacts", input_stream=BytesIO(body), environ_overrides={"wsgi.input_terminated": True})

    assert send(1000).status_code == 201
    large = send(10 * 1024 * 1024)
    assert (large.status_code, large.json["category"]) == (413, "PAYLOAD_TOO_LARGE")


def test_delete_has_no_body(web: Any) -> None:
    found = web.delete("/o/contacts/1")
    assert (found.status_code, found.data) == (204, b"")
    assert "Content-Type" not in found.headers


def test_busy_databases_ask_to_come_again() -> None:
    class Lock(psycopg.errors.LockNotAvailable):
        sqlstate = "55P03"

    def busy(_service: Any) -> Response:
        raise Lock("lock")

    found = client(service(), Operation("GET", "/busy", "busy", "", busy)).get("/busy")
    assert (found.status_code, found.headers["Retry-After"]) == (503, "1")


def test_names_are_unique() -> None:
    with pytest.raises(ValueError, match="two operations"):
        client(service(), OPERATIONS[0], OPERATIONS[0])


def test_unknown_keys_name_the_nearest() -> None:
    with pytest.raises(Exception, match="did you mean values") as caught:
        known_keys({"vales": 1, "zzz": 2}, ("values", "name"))
    assert [one.name for one in caught.value.errors] == ["vales", "zzz"]  # type: ignore[attr-defined]


class _Lines:
    """A log that keeps its lines as they would be written, context included."""

    def __init__(self) -> None:
        self.kept: list[Any] = []

    def info(self, event: str, **fields: Any) -> None:
        self.kept.append(telemetry._add_context(None, "", {"event": event, **fields}))

    error = info


def test_every_line_of_a_request_has_its_correlation_id(web: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = _Lines()
    monkeypatch.setattr(visit, "_log", lines)
    headers = {"X-Correlation-Id": "trace-12345"}
    assert web.get("/o/contacts/7", headers={**headers, "Authorization": ""}).status_code == 401
    assert web.get("/nowhere", headers=headers).status_code == 404
    assert web.get("/o/contacts/7", headers=headers).status_code == 200

    def fail(*_args: Any) -> None:
        raise ZeroDivisionError("while looking up the token")

    with monkeypatch.context() as broken:
        broken.setattr("tests.unit.service.fakes.FakeTokens.authenticate", fail)
        assert web.get("/o/contacts/7", headers=headers).status_code == 500
    assert [one["event"] for one in lines.kept] == ["request", "request", "request", "unexpected error", "request"]
    assert {one["correlation_id"] for one in lines.kept} == {"trace-12345"}
    assert [one["actor"] for one in lines.kept] == ["anonymous", "anonymous", "all", "anonymous", "anonymous"]
