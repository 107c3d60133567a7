"""The native doors, definitions, feed, health and documents of real services."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from openapi_spec_validator import validate

from shared.service.web.openapi.older import as_3_0
from tests.integration.service.conftest import System

PATH = "/api/v1/objects/contacts"
TYPES = "/api/v1/types/contacts/attributes"


@pytest.fixture
def web(system: System) -> Any:
    return system.client("contacts")


def _make(web: Any, **values: Any) -> Any:
    made = web.post(PATH, json={"values": values})
    assert made.status_code == 201, made.text
    return made.json


def test_an_attribute_from_a_label_is_usable_at_once(web: Any) -> None:
    made = web.post(TYPES, json={"label": "预计收入", "type": "number"})
    assert made.status_code == 201, made.text
    name = made.json["name"]
    one = web.post(PATH, data=json.dumps({"values": {name: 0}}).replace("0}", "12345678901234567890.125}"))
    assert one.status_code == 201, one.text
    shown = web.get(f"{PATH}/{one.json['id']}?attributes={name}").text
    assert json.loads(shown, parse_float=Decimal)["values"][name] == Decimal("12345678901234567890.125")
    body = {"filter": {"attribute": "预计收入", "operator": "GT", "value": 5}, "attributes": [name], "total": "exact"}
    found = web.post(f"{PATH}/query", json=body).json
    assert (found["total"], found["results"][0]["id"]) == (1, one.json["id"])
    document = web.get("/contacts/openapi.json").json
    assert document["components"]["schemas"]["contact.values"]["properties"][name]["title"] == "预计收入"
    assert name in [attribute["name"] for attribute in web.get(TYPES).json["results"]]
    changed = web.patch(f"{TYPES}/{name}", json={"label": "Revenue"})
    assert changed.json["label"] == "Revenue"
    assert web.delete(f"{TYPES}/{name}").status_code == 204
    assert web.get(f"{TYPES}/{name}").status_code == 404
    assert web.get(f"{TYPES}/{name}?archived=true").json["archived"] is True


def test_conditional_writes(web: Any) -> None:
    made = _make(web, first_name="Ada")
    path = f"{PATH}/{made['id']}"
    tag = web.get(path).headers["ETag"]
    assert web.get(path, headers={"If-None-Match": tag}).status_code == 304
    changed = web.patch(path, json={"values": {"first_name": "Eva"}}, headers={"If-Match": tag})
    assert changed.headers["X-Change-Id"] == f"contacts/contact/{made['id']}/2"
    stale = web.patch(path, json={"values": {"first_name": "Eve"}}, headers={"If-Match": tag})
    assert (stale.status_code, stale.json["category"]) == (412, "PRECONDITION_FAILED")
    assert (
        web.patch(path, json={"values": {"first_name": "Eve"}}, headers={"If-Match": f'{tag}, "2"'}).status_code == 200
    )
    assert web.delete(path, headers={"If-Match": tag}).status_code == 412
    gone = web.delete(path)
    assert (gone.status_code, gone.headers["X-Change-Id"]) == (204, f"contacts/contact/{made['id']}/4")
    assert web.get(path).status_code == 404
    assert web.get(f"{path}?archived=true").json["archived"] is True
    assert web.post(f"{path}/restore").status_code == 200
    shown = web.get(f"{path}?history=first_name").json
    assert [one["value"] for one in shown["history"]["first_name"]] == ["Eve", "Eva", "Ada"]


def test_unique_attributes_read_and_upsert(web: Any) -> None:
    made = _make(web, email="Ada@Example.org")
    assert web.get(f"{PATH}/ada@example.org?by=email").json["id"] == made["id"]
    again = web.post(PATH, json={"values": {"email": "ada@example.ORG"}})
    assert (again.status_code, again.json["category"]) == (409, "CONFLICT")
    assert f"Existing ID: {made['id']}" in again.json["message"]
    inputs = [{"values": {"email": "ada@example.org", "first_name": "Ada"}}, {"values": {"email": "b@example.org"}}]
    found = web.post(f"{PATH}/batch/upsert", json={"by": "email", "inputs": inputs}).json["results"]
    assert [one["new"] for one in found] == [False, True]


def test_phones_are_found_as_typed(web: Any) -> None:
    typed = "+90 532 999 88 77"
    made = _make(web, phone=typed)
    assert made["values"]["phone"] == "+905329998877"
    for given in (typed, "0090 532 999 88 77", "+905329998877"):
        for condition in ({"operator": "EQ", "value": given}, {"operator": "IN", "values": [given, "x"]}):
            body = {"filter": {"attribute": "phone", **condition}}
            found = web.post(f"{PATH}/query", json=body).json["results"]
            assert [one["id"] for one in found] == [made["id"]], (given, condition)
    wire = {"filterGroups": [{"filters": [{"propertyName": "phone", "operator": "EQ", "value": typed}]}]}
    assert web.post("/crm/v3/objects/contacts/search", json=wire).json["total"] == 1


def test_an_upsert_shows_what_it_went_by(web: Any) -> None:
    body = {"inputs": [{"id": "new@x.org", "idProperty": "email", "properties": {}}]}
    for new in (True, False):
        (one,) = web.post("/crm/v3/objects/contacts/batch/upsert", json=body).json["results"]
        assert (one["new"], one["properties"]["email"]) == (new, "new@x.org")


def test_batches_are_whole_or_partial(web: Any) -> None:
    inputs = [{"values": {"first_name": "Good"}}, {"values": {"nonsense": "x"}}]
    whole = web.post(f"{PATH}/batch/create", json={"inputs": inputs})
    assert (whole.status_code, whole.json["category"]) == (400, "VALIDATION_ERROR")
    partial = web.post(f"{PATH}/batch/create", json={"inputs": inputs, "partial": True})
    assert (partial.status_code, len(partial.json["results"])) == (207, 1)
    assert partial.json["errors"][0]["index"] == 1


def test_pages_by_cursor_see_everything_once(web: Any) -> None:
    ids = {_make(web, last_name="Pager", first_name=str(number % 3))["id"] for number in range(7)}
    body: dict[str, Any] = {
        "filter": {"attribute": "last_name", "operator": "EQ", "value": "pager"},
        "sorts": ["-first_name"],
        "limit": 2,
    }
    seen: list[str] = []
    while True:
        page = web.post(f"{PATH}/query", json=body).json
        seen += [one["id"] for one in page["results"]]
        if "next_cursor" not in page:
            break
        body["cursor"] = page["next_cursor"]
    assert len(seen) == len(ids) == 7
    assert set(seen) == ids
    assert web.post(f"{PATH}/query", json={**body, "cursor": "nonsense"}).status_code == 400


def test_unknown_names_come_with_the_nearest(web: Any) -> None:
    found = web.post(PATH, json={"values": {"frist_name": "x"}})
    assert found.status_code == 400
    assert "first_name" in found.text
    assert web.get("/api/v1/objects/contakts").status_code == 404


def test_the_feed_tells_of_writes(web: Any) -> None:
    here = web.get("/api/v1/contacts/changes?after=now").json["next"]
    made = _make(web, first_name="Feed")
    page = web.get(f"/api/v1/contacts/changes?after={here}&types=contact&wait=5").json
    (event,) = page["results"]
    assert (event["entity_id"], event["kind"]) == (made["id"], "entity.created")
    correlated = web.post(PATH, json={"values": {}}, headers={"X-Correlation-Id": "trace-12345"})
    assert correlated.headers["X-Correlation-Id"] == "trace-12345"
    page = web.get(f"/api/v1/contacts/changes?after={page['next']}").json
    assert page["results"][0]["correlation"] == "trace-12345"
    assert web.get("/api/v1/contacts/changes?after=nonsense").status_code == 400
    assert web.get("/api/v1/contacts/changes?wait=99").status_code == 400
    gone = web.get(f"/api/v1/contacts/changes?after={'0' * 8}-{'0' * 4}-{'0' * 4}-{'0' * 4}-{'0' * 12}.1.0")
    assert (gone.status_code, gone.json["category"]) == (410, "FEED_GONE")


def test_health_and_readiness(system: System) -> None:
    for name in ("contacts", "workspace"):
        bare = system.client(name, token=None)
        assert bare.get(f"/{name}/healthz").json["status"] == "ok"
        ready = bare.get(f"/{name}/readyz")
        assert (ready.status_code, ready.json["status"]) == (200, "ready"), ready.json
        assert "crm_request_seconds" in bare.get(f"/{name}/metrics").text


@pytest.mark.parametrize("name", ["contacts", "workspace"])
def test_documents_are_valid(system: System, name: str) -> None:
    found = system.client(name, token=None).get(f"/{name}/openapi.json")
    assert found.status_code == 200
    validate(found.json)
    validate(as_3_0(found.json))
    again = system.client(name, token=None).get(
        f"/{name}/openapi.json", headers={"If-None-Match": found.headers["ETag"]}
    )
    assert again.status_code == 304


@pytest.mark.parametrize("name", ["contacts", "workspace"])
def test_examples_of_creations_can_be_sent(system: System, name: str) -> None:
    """What the page offers to try works as it stands, for every entity type and both doors."""
    web = system.client(name)
    document = web.get(f"/{name}/openapi.json").json
    for path, methods in document["paths"].items():
        creation = methods.get("post", {})
        if not creation.get("operationId", "").startswith(("createEntity_", "createObject_", "queryEntities_")):
            continue
        example = creation["requestBody"]["content"]["application/json"]["example"]
        found = web.post(path, json=example)
        assert found.status_code in (200, 201), (path, example, found.text)
