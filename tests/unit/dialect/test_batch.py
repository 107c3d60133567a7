"""Batches: statuses, envelopes, partial success."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

URL = "/crm/v3/objects/contacts/batch"


def post(client: FlaskClient, operation: str, inputs: Any, query: str = "", **more: Any) -> Any:
    return client.post(f"{URL}/{operation}{query}", json={"inputs": inputs, **more})


@pytest.fixture
def two(client: FlaskClient) -> list[str]:
    """Two records."""
    made = post(client, "create", [{"properties": {"email": f"{name}@example.org"}} for name in "ab"])
    return [one["id"] for one in made.json["results"]]


def test_create(client: FlaskClient) -> None:
    answer = post(client, "create", [{"properties": {"firstname": "A"}}, {"properties": {"lastname": "B"}}])
    assert answer.status_code == 201
    assert answer.json["status"] == "COMPLETE"
    assert [one["id"] for one in answer.json["results"]] == ["1", "2"]
    assert {"startedAt", "completedAt"} <= answer.json.keys()
    assert not {"errors", "numErrors"} & answer.json.keys()


def test_a_bad_item_refuses_a_create_batch_without_traces(client: FlaskClient) -> None:
    answer = post(client, "create", [{"properties": {"firstname": "A"}}, {"properties": {"firstname": "bad"}}])
    assert (answer.status_code, answer.json["category"]) == (400, "VALIDATION_ERROR")
    assert client.get("/crm/v3/objects/contacts").json["results"] == []


def test_traced_items_fail_one_by_one(client: FlaskClient) -> None:
    inputs = [
        {"objectWriteTraceId": "one", "properties": {"firstname": "A"}},
        {"objectWriteTraceId": "two", "properties": {"firstname": "bad"}},
    ]
    answer = post(client, "create", inputs)
    assert answer.status_code == 207
    assert answer.json["numErrors"] == 1
    assert [one["objectWriteTraceId"] for one in answer.json["results"]] == ["one"]
    error = answer.json["errors"][0]
    assert error["context"]["objectWriteTraceId"] == ["two"]
    assert error["category"] == "VALIDATION_ERROR"
    assert error["message"].startswith("Property values were not valid: [")
    assert {"status", "category", "message", "context", "errors", "links"} <= error.keys()


def test_trace_ids_are_unique(client: FlaskClient) -> None:
    answer = post(client, "create", [{"objectWriteTraceId": "one", "properties": {}}] * 2)
    assert (answer.status_code, answer.json["errors"][0]["code"]) == (400, "DUPLICATE_ID")


def test_read_names_all_unknown_ids_in_one_error(client: FlaskClient, two: list[str]) -> None:
    answer = post(client, "read", [{"id": "77"}, {"id": two[0]}, {"id": "x"}], properties=["email"])
    assert answer.status_code == 207
    assert answer.json["numErrors"] == 1
    assert answer.json["errors"][0]["context"]["ids"] == ["77", "x"]
    assert answer.json["errors"][0]["category"] == "OBJECT_NOT_FOUND"
    assert [one["id"] for one in answer.json["results"]] == [two[0]]


def test_read_keeps_input_order_and_takes_numbers(client: FlaskClient, two: list[str]) -> None:
    answer = post(client, "read", [{"id": int(two[1])}, {"id": two[0]}], properties=None, propertiesWithHistory=None)
    assert answer.status_code == 200
    assert [one["id"] for one in answer.json["results"]] == [two[1], two[0]]


def test_read_by_another_property(client: FlaskClient, two: list[str]) -> None:
    answer = post(client, "read", [{"id": "b@example.org"}], idProperty="email", properties=["email"])
    assert [one["id"] for one in answer.json["results"]] == [two[1]]


def test_update(client: FlaskClient, two: list[str]) -> None:
    inputs = [
        {"id": two[0], "properties": {"firstname": "A"}},
        {"id": "b@example.org", "idProperty": "email", "properties": {"firstname": "B"}},
    ]
    answer = post(client, "update", inputs)
    assert answer.status_code == 200
    assert [one["properties"]["firstname"] for one in answer.json["results"]] == ["A", "B"]


@pytest.mark.parametrize("unknown", ["99", "x", "9" * 30])
@pytest.mark.parametrize("company", [0, 1])
def test_an_unknown_id_is_a_207(client: FlaskClient, two: list[str], unknown: str, company: int) -> None:
    inputs = [{"id": unknown, "properties": {"firstname": "A"}}]
    inputs += [{"id": two[0], "properties": {"firstname": "B"}}] * company
    answer = post(client, "update", inputs)
    assert answer.status_code == 207
    assert answer.json["errors"][0]["context"]["ids"] == [unknown]
    assert len(answer.json["results"]) == company


def test_a_lone_bad_update_is_refused(client: FlaskClient, two: list[str]) -> None:
    answer = post(client, "update", [{"id": two[0], "properties": {"firstname": "bad"}}])
    assert answer.status_code == 400


def test_upsert(client: FlaskClient, two: list[str]) -> None:
    inputs = [
        {"id": "a@example.org", "idProperty": "email", "properties": {"firstname": "A"}},
        {"id": "c@example.org", "properties": {"firstname": "C"}},
        {"id": two[1], "properties": {"firstname": "B"}},
    ]
    answer = post(client, "upsert", inputs)
    assert answer.status_code == 200
    assert [one["new"] for one in answer.json["results"]] == [False, True, False]
    made = client.get("/crm/v3/objects/contacts/c@example.org?idProperty=email&properties=firstname")
    assert made.json["properties"]["firstname"] == "C"


def test_an_upsert_shows_what_it_went_by(client: FlaskClient, two: list[str]) -> None:
    inputs = [
        {"id": "new@x.org", "idProperty": "email", "properties": {}},
        {"id": "a@example.org", "properties": {"firstname": "A"}},
    ]
    results = post(client, "upsert", inputs).json["results"]
    assert [one["properties"]["email"] for one in results] == ["new@x.org", "a@example.org"]
    assert "firstname" in results[1]["properties"]


def test_archive(client: FlaskClient, two: list[str]) -> None:
    answer = post(client, "archive", [{"id": two[0]}, {"id": "99"}, {"id": "x"}])
    assert (answer.status_code, answer.data) == (204, b"")
    assert len(client.get("/crm/v3/objects/contacts").json["results"]) == 1
    assert len(post(client, "read", [{"id": two[0]}], "?archived=True").json["results"]) == 1


@pytest.mark.parametrize("operation", ["read", "update", "upsert", "archive"])
def test_repeated_ids_are_refused(client: FlaskClient, operation: str) -> None:
    answer = post(client, operation, [{"id": "1", "properties": {}}] * 2)
    assert (answer.status_code, answer.json["errors"][0]["in"]) == (400, "inputs[1].id")


@pytest.mark.parametrize("operation", ["create", "read", "update", "upsert", "archive"])
@pytest.mark.parametrize("inputs", [None, {}, "x", [1], [None], [{"id": str(n), "properties": {}} for n in range(101)]])
def test_wrong_inputs_are_refused(client: FlaskClient, operation: str, inputs: Any) -> None:
    answer = post(client, operation, inputs)
    assert (answer.status_code, answer.json["category"]) == (400, "VALIDATION_ERROR")


def test_all_wrong_items_are_named(client: FlaskClient) -> None:
    answer = post(client, "update", [{"properties": {}}, {"id": True}, {"id": "1", "properties": []}])
    assert [one["in"] for one in answer.json["errors"]] == ["inputs[0].id", "inputs[1].id", "inputs[2].properties"]
