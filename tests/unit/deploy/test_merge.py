"""One document of several: what two services call alike and mean differently stays apart."""

from __future__ import annotations

import json
from typing import Any

from deploy.merge import merged
from deploy.services import ALL
from shared.service.doors import operations_of
from shared.service.web.openapi.schemas import Components

REF = "#/components/schemas/"


def document(name: str, path: str, **schemas: dict[str, Any]) -> dict[str, Any]:
    """Of a service with one path, which takes a `Queue`."""
    body = {"post": {"requestBody": {"content": {"application/json": {"schema": {"$ref": f"{REF}Queue"}}}}}}
    components = {"schemas": schemas, "securitySchemes": {"token": {"type": "http"}}}
    return {"info": {"title": f"CRM: {name}"}, "paths": {path: body}, "components": components, "tags": []}


def takes(found: dict[str, Any], path: str) -> Any:
    """What a path takes."""
    ref = found["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    return ref.removeprefix(REF), found["components"]["schemas"][ref.removeprefix(REF)]


def test_what_is_called_alike_stays_apart() -> None:
    plain: dict[str, Any] = {"properties": {"name": {}}}
    same = {"type": "string"}
    leading = {"properties": {"queue": {"$ref": f"{REF}Queue"}}}
    first = document("contacts", "/tasks", Queue=plain, Same=same, Leading=leading)
    second = document("service_desk", "/desk", Queue={"properties": {"filter": {}}}, Same=same, Leading=leading)
    found = merged([first, second], "CRM")
    assert takes(found, "/tasks") == ("Queue", plain)
    assert takes(found, "/desk") == ("Queue_service_desk", {"properties": {"filter": {}}})
    assert found["components"]["schemas"].keys() == {
        "Queue", "Same", "Leading", "Queue_service_desk", "Leading_service_desk",
    }  # fmt: skip
    assert f"{REF}Queue_service_desk" in json.dumps(found["components"]["schemas"]["Leading_service_desk"])
    assert found["components"]["securitySchemes"] == {"token": {"type": "http"}}
    assert merged([first, first], "CRM")["components"] == first["components"]


def test_every_schema_of_every_service_is_told() -> None:
    """Whatever a service's own document says of a body is what the document of all says of it."""
    documents: list[dict[str, Any]] = []
    for manifest in ALL:
        several = [one for one in operations_of(manifest) if not one.hidden]
        bodies = [one.body for one in several if one.body is not None]
        made = Components(bodies, [one.response for one in several if one.response is not None])
        documents.append({"info": {"title": f"CRM: {manifest.name}"}, "components": {"schemas": made.schemas}})
    found = merged(documents, "CRM")["components"]["schemas"]
    assert {"filter", "pool", "skills", "automatic"} <= found["QueueIn"]["properties"].keys()
    told = [json.dumps(one, sort_keys=True) for one in found.values()]
    for one in documents:
        plain = (schema for schema in one["components"]["schemas"].values() if "$ref" not in json.dumps(schema))
        assert all(json.dumps(schema, sort_keys=True) in told for schema in plain)
