"""Idempotency keys: one write, one answer, through repetitions, races, crashes and expiry."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from shared.service import idempotency
from tests.integration.service.conftest import System

PATH = "/api/v1/objects/contacts"


@pytest.fixture
def web(system: System) -> Any:
    return system.client("contacts")


def _post(web: Any, key: str, body: dict[str, Any], path: str = PATH) -> Any:
    return web.post(path, json=body, headers={"Idempotency-Key": key})


def _count(system: System, name: str) -> int:
    body = {"filter": {"attribute": "first_name", "operator": "EQ", "value": name}, "total": "exact"}
    return int(system.client("contacts").post(f"{PATH}/query", json=body).json["total"])


def _sql(system: System, statement: str) -> int:
    with system.runtime("contacts").db.connect() as conn:
        return conn.run(statement)


def test_a_repetition_gets_the_same_answer(system: System, web: Any) -> None:
    body = {"values": {"first_name": "Same"}}
    first, again = _post(web, "k1", body), _post(web, "k1", body)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.data == again.data
    assert again.headers["Idempotency-Replayed"] == "true"
    assert [again.headers[name] for name in ("ETag", "X-Change-Id", "Location")] == [
        first.headers[name] for name in ("ETag", "X-Change-Id", "Location")
    ]
    assert _count(system, "Same") == 1


def test_another_body_is_refused(web: Any) -> None:
    assert _post(web, "k2", {"values": {"first_name": "One"}}).status_code == 201
    assert _post(web, "k2", {"values": {"first_name": "Two"}}).status_code == 422
    other = _post(web, "k2", {"inputs": [{"values": {"first_name": "One"}}]}, f"{PATH}/batch/create")
    assert other.status_code == 422


def test_a_refusal_frees_the_key(web: Any) -> None:
    assert _post(web, "k3", {"values": {"no_such_attribute": "x"}}).status_code == 400
    assert _post(web, "k3", {"values": {"first_name": "Right"}}).status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 256, "é"])
def test_odd_keys(web: Any, key: str) -> None:
    assert _post(web, key, {"values": {}}).status_code == 400


def test_keys_belong_to_their_actor(system: System, web: Any) -> None:
    made = system.client("workspace").post("/api/v1/tokens", json={"name": "o", "scopes": ["*"]}).json["token"]
    assert _post(web, "k4", {"values": {"first_name": "Mine"}}).status_code == 201
    assert _post(system.client("contacts", made), "k4", {"values": {"first_name": "Other"}}).status_code == 201


def test_searches_and_patches_take_no_key(system: System, web: Any) -> None:
    assert _post(web, "k5", {}, f"{PATH}/query").status_code == 200
    assert _sql(system, "select 1 from idempotency_key where key = 'k5'") == 0


def test_the_wire_dialect_takes_keys_too(system: System, web: Any) -> None:
    body = {"properties": {"firstname": "Wire"}}
    first = _post(web, "k6", body, "/crm/v3/objects/contacts")
    assert first.status_code == 201
    assert _post(web, "k6", body, "/crm/v3/objects/contacts").data == first.data
    assert _count(system, "Wire") == 1


def test_many_at_once_write_once(system: System, monkeypatch: Any) -> None:
    monkeypatch.setattr(idempotency, "WAIT_SECONDS", 120.0)
    answers: list[Any] = []

    def run() -> None:
        answers.append(_post(system.client("contacts"), "k7", {"values": {"first_name": "Race"}}))

    threads = [threading.Thread(target=run) for _ in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert {one.status_code for one in answers} == {201}
    assert len({one.data for one in answers}) == 1
    assert _count(system, "Race") == 1


def test_those_who_come_between_the_write_and_its_answer_wait(system: System, monkeypatch: Any) -> None:
    complete = idempotency.complete

    def slowly(*given: Any) -> None:
        time.sleep(0.5)
        complete(*given)

    monkeypatch.setattr(idempotency, "complete", slowly)
    monkeypatch.setattr(idempotency, "WAIT_SECONDS", 120.0)
    answers: list[Any] = []

    def run(number: int) -> None:
        time.sleep(number * 0.05)
        answers.append(_post(system.client("contacts"), "k14", {"values": {"first_name": "Between"}}))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert {one.status_code for one in answers} == {201}
    assert len({one.data for one in answers}) == 1
    assert _count(system, "Between") == 1


def test_a_failure_after_the_commit_keeps_nobody_waiting(system: System, web: Any, monkeypatch: Any) -> None:
    def broken(*_args: Any) -> None:
        raise RuntimeError("after the commit")

    body = {"values": {"first_name": "Half"}}
    with monkeypatch.context() as failing:
        failing.setattr("shared.service.web.native.present.entity_json", broken)
        assert _post(web, "k15", body).status_code == 500
    monkeypatch.setattr(idempotency, "WAIT_SECONDS", 120.0)
    started = time.monotonic()
    found = _post(web, "k15", body)
    assert time.monotonic() - started < 60
    assert (found.status_code, "carried out" in found.json["message"]) == (409, True)
    assert _count(system, "Half") == 1


def test_a_repeated_answer_without_a_body_has_no_content_type(web: Any) -> None:
    path = f"{PATH}/batch/archive"
    first, again = _post(web, "k16", {"ids": ["999999"]}, path), _post(web, "k16", {"ids": ["999999"]}, path)
    assert (first.status_code, again.status_code, again.headers["Idempotency-Replayed"]) == (204, 204, "true")
    assert "Content-Type" not in first.headers
    assert "Content-Type" not in again.headers


def test_while_the_first_runs_on_a_repetition_is_told_to_wait(system: System, web: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(idempotency, "WAIT_SECONDS", 0.2)
    body = {"values": {"first_name": "Slow"}}
    assert _post(web, "k8", body).status_code == 201
    _sql(system, "update idempotency_key set state = 'running', answer = null, status = null where key = 'k8'")
    found = _post(web, "k8", body)
    assert (found.status_code, found.headers["Retry-After"]) == (409, "2")


def test_a_crash_before_the_commit_is_taken_over(system: System, web: Any) -> None:
    body = {"values": {"first_name": "Again"}}
    assert _post(web, "k9", body).status_code == 201
    _sql(
        system,
        "update idempotency_key set state = 'running', answer = null, claim = 'dead',"
        " leased_until = timezone('UTC', now()) - interval '1 second' where key = 'k9'",
    )
    assert _post(web, "k9", body).status_code == 201
    assert _count(system, "Again") == 2  # the first one's write stood in for one that never committed


def test_a_crash_after_the_commit_writes_nothing_more(system: System, web: Any, monkeypatch: Any) -> None:
    def lost(*_args: Any) -> None:
        raise SystemExit("killed")

    body = {"values": {"first_name": "Lost"}}
    with monkeypatch.context() as broken:
        broken.setattr(idempotency, "complete", lost)
        with pytest.raises(SystemExit):
            _post(web, "k10", body)
    assert _count(system, "Lost") == 1
    monkeypatch.setattr(idempotency, "WAIT_SECONDS", 0.2)
    found = _post(web, "k10", body)
    assert (found.status_code, found.headers["Retry-After"]) == (409, "2")  # for all one knows it is still at work
    _sql(system, "update idempotency_key set leased_until = leased_until - interval '2 minutes' where key = 'k10'")
    found = _post(web, "k10", body)
    assert found.status_code == 409
    assert "carried out" in found.json["message"]
    assert _count(system, "Lost") == 1


def test_a_write_whose_key_was_taken_over_does_not_commit(system: System, web: Any, monkeypatch: Any) -> None:
    """The first is slow beyond its lease; another takes over; the first one's commit is refused."""
    stamp = idempotency.stamp

    def robbed(conn: Any, entities: Any = ()) -> None:
        _sql(system, "update idempotency_key set claim = 'other' where key = 'k11'")
        stamp(conn, entities)

    with monkeypatch.context() as slow:
        slow.setattr("shared.service.publishing.stamp", robbed)
        found = _post(web, "k11", {"values": {"first_name": "Robbed"}})
    assert found.status_code == 409
    assert _count(system, "Robbed") == 0


def test_keys_are_kept_for_a_day(system: System, web: Any) -> None:
    body = {"values": {"first_name": "Old"}}
    assert _post(web, "k12", body).status_code == 201
    _sql(system, "update idempotency_key set created_at = created_at - interval '25 hours' where key = 'k12'")
    assert _post(web, "k12", {"values": {"first_name": "New"}}).status_code == 201
    _sql(system, "update idempotency_key set created_at = created_at - interval '25 hours' where key = 'k12'")
    with system.runtime("contacts").db.connect() as conn:
        assert idempotency.purge(conn) == 1
        assert idempotency.purge(conn) == 0


def test_definitions_take_keys(web: Any) -> None:
    path = "/api/v1/types/contacts/attributes"
    first = _post(web, "k13", {"label": "Schlüssel"}, path)
    assert first.status_code == 201
    assert _post(web, "k13", {"label": "Schlüssel"}, path).data == first.data
