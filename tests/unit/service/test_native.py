"""The native door against a corridor in memory."""

from __future__ import annotations

from typing import Any

import pytest

from shared.eav.filters import And, Condition
from shared.service.entities import Entity, Sort
from shared.service.web import native
from tests.unit.service.fakes import FakeEntities, client, service

PATH = "/api/v1/objects/contacts"


@pytest.fixture
def entities() -> FakeEntities:
    return FakeEntities(Entity)


@pytest.fixture
def web(entities: FakeEntities) -> Any:
    return client(service(entities=entities), *native.OPERATIONS)


def _make(web: Any, **values: Any) -> Any:
    return web.post(PATH, json={"values": values})


def test_create_answers_the_entity(web: Any) -> None:
    made = _make(web, first_name="Ada")
    assert made.status_code == 201
    assert made.headers["ETag"] == '"1"'
    assert made.headers["X-Change-Id"] == "contacts/contact/1/1"
    assert made.headers["Location"] == "/api/v1/objects/contact/1"
    body = made.json
    assert (body["id"], body["type"], body["version"], body["archived"]) == ("1", "contact", 1, False)
    assert body["values"] == {"first_name": "Ada"}
    assert "history" not in body


def test_unknown_top_level_keys_are_refused_with_the_nearest(web: Any) -> None:
    found = web.post(PATH, json={"valeus": {}})
    assert found.status_code == 400
    assert found.json["errors"][0]["context"]["nearest"] == ["values"]
    assert web.post(PATH, json={"values": [1]}).status_code == 400
    assert web.post(PATH, json={"values": {"bad": 1}}).status_code == 400


@pytest.mark.parametrize(
    ("instant", "code"),
    [
        ("0001-01-01T00:00:00+14:00", "INVALID_DATE"),
        ("9999-12-31T23:59:59-14:00", "INVALID_DATE"),
        ("2999-01-01T00:00:00Z", "IN_FUTURE"),
        ("0001-01-02T00:00:00Z", "TOO_EARLY"),
    ],
)
def test_writes_count_from_an_instant_that_has_been(web: Any, instant: str, code: str) -> None:
    """Not from one that UTC cannot hold, nor from one that is yet to come."""
    dated = {"values": {}, "effective_at": instant}
    _make(web)
    for answer in (
        web.post(PATH, json=dated),
        web.patch(f"{PATH}/1", json=dated),
        web.post(f"{PATH}/batch/create", json={"inputs": [dated]}),
        web.post(f"{PATH}/batch/update", json={"inputs": [{"id": "1", **dated}]}),
    ):
        assert answer.status_code == 400, answer.text
        assert [one["code"] for one in answer.json["errors"]] == [code]
        assert "effective_at" in str(answer.json["errors"])


def test_read_with_conditions(web: Any) -> None:
    _make(web, first_name="Ada")
    found = web.get(f"{PATH}/1")
    assert (found.status_code, found.headers["ETag"]) == (200, '"1"')
    assert found.headers["Cache-Control"] == "private, no-cache"
    same = web.get(f"{PATH}/1", headers={"If-None-Match": 'W/"1"'})
    assert (same.status_code, same.data) == (304, b"")
    assert web.get(f"{PATH}/1", headers={"If-None-Match": '"0"'}).status_code == 200
    assert web.get(f"{PATH}/1", headers={"If-None-Match": "1"}).status_code == 400


@pytest.mark.parametrize("id_", ["2", "x", "99999999999999999999", "-1", "1.0", "%E4%B8%80"])
def test_ids_that_are_not_there(web: Any, id_: str) -> None:
    found = web.get(f"{PATH}/{id_}")
    assert (found.status_code, found.json["category"]) == (404, "OBJECT_NOT_FOUND")


def test_read_by_a_unique_attribute_and_all_attributes(web: Any, entities: FakeEntities) -> None:
    _make(web, email="a@b.org")
    assert web.get(f"{PATH}/a@b.org?by=email&attributes=*").json["id"] == "1"
    assert entities.calls[-1][1].attributes == ("*",)
    web.get(f"{PATH}/1?attributes=email,level&attributes=tags&history=email")
    view = entities.calls[-1][1]
    assert (view.form, view.attributes, view.history) == ("json", ("email", "level", "tags"), ("email",))


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (None, 200),
        ("*", 200),
        ('"1"', 200),
        ('W/"1"', 200),
        ('"7", "1"', 200),
        ('"2"', 412),
        ('"7", "8"', 412),
        ("1", 400),
    ],
)
def test_update_if_match(web: Any, header: str | None, status: int) -> None:
    _make(web, first_name="Ada")
    headers = {"If-Match": header} if header else {}
    found = web.patch(f"{PATH}/1", json={"values": {"first_name": "Eva"}}, headers=headers)
    assert found.status_code == status
    if status == 200:
        assert (found.headers["ETag"], found.headers["X-Change-Id"]) == ('"2"', "contacts/contact/1/2")
    assert web.patch(f"{PATH}/9", json={"values": {}}, headers=headers).status_code in (400, 404)


def test_archive_and_restore(web: Any) -> None:
    _make(web)
    assert web.delete(f"{PATH}/1", headers={"If-Match": '"4"'}).status_code == 412
    assert web.delete(f"{PATH}/1", headers={"If-Match": '"1"'}).status_code == 204
    assert web.get(f"{PATH}/1").status_code == 404
    archived = web.get(f"{PATH}/1?archived=true").json
    assert (archived["archived"], archived["archived_at"]) == (True, "2026-01-02T00:00:00.000Z")
    assert web.delete(f"{PATH}/1").status_code == 204
    assert web.post(f"{PATH}/1/restore").json["version"] == 2
    assert web.post(f"{PATH}/1/restore", json={"x": 1}).status_code == 400


def test_list_pages_by_cursor(web: Any, entities: FakeEntities) -> None:
    for _ in range(3):
        _make(web)
    first = web.get(f"{PATH}?limit=2").json
    assert ([one["id"] for one in first["results"]], first["next_cursor"]) == (["1", "2"], "2")
    last = web.get(f"{PATH}?limit=2&cursor=2").json
    assert ([one["id"] for one in last["results"]], "next_cursor" in last) == (["3"], False)
    assert web.get(f"{PATH}?limit=0").status_code == 400
    assert web.get(f"{PATH}?cursor=x").status_code == 400
    assert web.get("/api/v1/objects/nothing").status_code == 404


def test_query_is_read_strictly(web: Any, entities: FakeEntities) -> None:
    body = {
        "filter": {"and": [{"attribute": "income", "operator": "GT", "value": 5}]},
        "text": "ada",
        "sorts": ["-income", "email", {"attribute": "level", "direction": "DESC"}],
        "limit": 7,
        "cursor": "abc",
        "total": "exact",
    }
    found = web.post(f"{PATH}/query", json=body).json
    assert (found["next_cursor"], found["total"]) == ("next", 0)
    asked = entities.calls[-1][1]
    assert isinstance(asked.filter, And)
    assert isinstance(asked.filter.children[0], Condition)
    assert asked.sorts == (Sort("income", True), Sort("email", False), Sort("level", True))
    assert (asked.text, asked.limit, asked.offset, asked.cursor, asked.total) == ("ada", 7, None, "abc", "exact")
    assert "total" not in web.post(f"{PATH}/query", json={}).json


def test_every_error_of_a_query_is_told(web: Any) -> None:
    body = {
        "filter": {"attribute": "income", "operator": "BIGGER", "value": 5},
        "text": 1,
        "sorts": [1, {"attribute": "a", "direction": "up"}],
        "limit": 1000,
        "cursor": 5,
        "total": "some",
    }
    found = web.post(f"{PATH}/query", json=body)
    named = {one["in"] for one in found.json["errors"]}
    assert found.status_code == 400
    assert named == {"filter.operator", "text", "sorts[0]", "sorts[1]", "limit", "cursor", "total"}
    assert web.post(f"{PATH}/query", json={"filters": {}}).json["errors"][0]["context"]["nearest"] == ["filter"]


def test_batches(web: Any, entities: FakeEntities) -> None:
    made = web.post(f"{PATH}/batch/create", json={"inputs": [{"values": {"first_name": "A"}}, {}]})
    assert (made.status_code, [one["id"] for one in made.json["results"]]) == (201, ["1", "2"])
    assert made.headers["X-Change-Id"] == "contacts/contact/1/1, contacts/contact/2/1"
    read = web.post(f"{PATH}/batch/read", json={"ids": ["2", "9", 1]}).json
    assert ([one["id"] for one in read["results"]], read["missing"]) == (["2", "1"], ["9"])
    inputs = [{"id": "1", "values": {"first_name": "B"}, "version": 1}]
    assert web.post(f"{PATH}/batch/update", json={"inputs": inputs}).json["results"][0]["version"] == 2
    assert web.post(f"{PATH}/batch/update", json={"inputs": inputs}).status_code == 412
    upsert = {"by": "email", "inputs": [{"values": {"email": "a@b.org"}}]}
    assert web.post(f"{PATH}/batch/upsert", json=upsert).json["results"][0]["new"] is True
    assert entities.calls[-1][1][0].ref.value == "a@b.org"
    assert web.post(f"{PATH}/batch/archive", json={"ids": ["1"]}).status_code == 204


@pytest.mark.parametrize(
    ("word", "body"),
    [
        ("create", {}),
        ("create", {"inputs": []}),
        ("create", {"inputs": [{}] * 201}),
        ("create", {"inputs": [1]}),
        ("create", {"inputs": [{"value": {}}]}),
        ("create", {"inputs": [{"values": 1}]}),
        ("update", {"inputs": [{"id": "1", "version": "1"}]}),
        ("upsert", {"inputs": [{}]}),
        ("upsert", {"by": "email", "inputs": [{"values": {}}]}),
        ("upsert", {"by": "email", "inputs": [{"values": {"email": ""}}]}),
        ("read", {"ids": "1"}),
        ("read", {"ids": [True, {}]}),
        ("read", {"ids": ["1"], "by": 1}),
        ("archive", {"id": ["1"]}),
    ],
)
def test_bad_batches(web: Any, word: str, body: dict[str, Any]) -> None:
    assert web.post(f"{PATH}/batch/{word}", json=body).status_code == 400
