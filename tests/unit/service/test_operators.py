"""Doors for operators: health, readiness with reasons, metrics; and gunicorn's own errors in JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis

from shared.kernel.errors import Unavailable
from shared.service.web import health
from shared.service.web.health import Outcome, readiness
from shared.service.web.operation import Operation, answer
from shared.service.web.protocol import protocol_answer
from tests.unit.service.fakes import client, service


class GoneDatabase:
    """A database that cannot be reached."""

    url = "postgresql://nobody@127.0.0.1:1/none"

    @contextmanager
    def connect(self) -> Any:
        raise Unavailable("the database cannot be reached")
        yield


class GoneRedis:
    """A Redis that cannot be reached."""

    def ping(self) -> None:
        raise redis.exceptions.ConnectionError("no")


def test_alive_without_anything() -> None:
    web = client(service(db=GoneDatabase()), *health.operations("contacts"))
    del web.environ_base["HTTP_AUTHORIZATION"]
    assert web.get("/contacts/healthz").json == {"status": "ok", "service": "contacts"}


def test_not_ready_says_why() -> None:
    web = client(service(db=GoneDatabase(), redis=GoneRedis()), *health.operations("contacts"))
    found = web.get("/contacts/readyz")
    assert (found.status_code, found.json["status"]) == (503, "not ready")
    states = {one["name"]: (one["state"], one["reason"]) for one in found.json["checks"]}
    assert states["database"][0] == "failing"
    assert states["redis"] == ("degraded", "Redis does not answer (ConnectionError)")


def test_degraded_is_still_ready() -> None:
    checks = (lambda _s: Outcome("a", "ok"), lambda _s: Outcome("b", "degraded", "slow"))
    assert readiness(service(), checks)[0] == "degraded"
    assert readiness(service(), checks[:1])[0] == "ready"


def test_requests_are_counted_by_operation_and_status_only() -> None:
    read = Operation("GET", "/things/{id}", "readThing", "", lambda _s, id: answer({"id": id}))
    web = client(service(db=GoneDatabase()), read, *health.operations("contacts"))
    web.get("/things/id-of-a-thing")
    web.get("/nowhere-at-all")
    text = web.get("/contacts/metrics").text
    assert 'crm_request_seconds_count{operation="readThing",service="contacts",status="200"} 1.0' in text
    assert 'operation="unknown"' in text
    assert "id-of-a-thing" not in text
    assert "nowhere-at-all" not in text
    other = client(service(db=GoneDatabase()), *health.operations("workspace")).get("/workspace/metrics")
    assert other.content_type.startswith("text/plain")


def test_the_servers_own_errors_are_json() -> None:
    head, _, body = protocol_answer(414, "Request URI Too Long").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 414 Request URI Too Long\r\n")
    assert b"Content-Type: application/json" in head
    assert json.loads(body)["category"] == "URI_TOO_LONG"


def test_counts_of_several_processes_are_summed(tmp_path: Path) -> None:
    observe = "from shared.service.web.metrics import *; RequestTimer('contacts').observe('readThing', 200, 0.1); "
    env = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for _ in range(2):
        subprocess.run([sys.executable, "-c", observe], env=env, check=True)
    command = [sys.executable, "-c", observe + "print(scrape('contacts').decode())"]
    text = subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout
    assert 'crm_request_seconds_count{operation="readThing",service="contacts",status="200"} 3.0' in text
    assert "pid" not in text
