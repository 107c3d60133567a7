"""Every example that the documents show of links, relations, pipelines and schemas is carried out."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.service.conftest import System, follow_relations

TAGS = ("Associations", "Association labels", "Links", "Relations", "Pipelines", "Schemas")
# The label that the example of changing one names may have been made by nobody, and built-in relations stay.
KEPT = {
    ("put", "updateLabel"): (204, 404),
    ("delete", "archiveLabel"): (400,),
    ("delete", "removeRelation"): (400,),
    ("post", "createSchema"): (409,),
    ("post", "createSchemaAlias"): (409,),
    ("post", "createSchemaLinkAlias"): (409,),  # the same as without Alias
}
# Both services' documents show these, and they are carried out in the same workspace.
REPEATED = {("post", "createLabel"), ("post", "createRelation")}


@pytest.mark.parametrize("service", ["contacts", "workspace"])
def test_examples_work(system: System, service: str) -> None:
    web, workspace = system.client(service), system.client("workspace")
    _some_data(system)
    follow_relations(system)
    document = web.get(f"/{service}/openapi.json").json
    found = [
        (method, path, one)
        for path, methods in document["paths"].items()
        for method, one in methods.items()
        if one["tags"][0].partition(":")[0] in TAGS and "{type}" not in path
    ]
    found.sort(key=lambda one: ("get", "post", "put", "patch", "delete").index(one[0]))
    assert len(found) > 20
    for method, path, one in found:
        asked = workspace if "{from_type}" in path else web
        now = web.get(f"/{service}/openapi.json").json["paths"].get(path, {}).get(method, one)
        given = [part for part in now.get("parameters", ()) if part.get("in") == "path"]
        parameters = {part["name"]: part.get("example") for part in given}
        body = one.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
        answer = asked.open(path.format(**parameters), method=method.upper(), json=body)
        told = f"{method} {path} {parameters} {body}: {answer.status_code} {answer.text[:300]}"
        name = one["operationId"].partition("_")[0]
        if (method, name) in KEPT:
            assert answer.status_code in KEPT[method, name], told
        elif answer.status_code == 409:
            assert (method, name) in REPEATED, told
        elif method == "delete":
            assert answer.status_code in (204, 400, 404), told  # something else may have been put away before
        else:
            assert 200 <= answer.status_code < 300, told


def _some_data(system: System) -> None:
    """What examples are about: one entity of each type, the custom types that they name, a pipeline."""
    contacts, workspace = system.client("contacts"), system.client("workspace")
    for kind in ("contacts", "companies"):
        assert contacts.post(f"/api/v1/objects/{kind}", json={"values": {}}).status_code == 201
    for kind in ("notes", "tasks", "calls", "emails", "meetings", "communications", "postal_mail"):
        body = {"values": {"occurs_at": "2026-03-02T09:30:00Z"}}
        assert contacts.post(f"/api/v1/objects/{kind}", json=body).status_code == 201
    for kind, values in (("owners", {"email": "o@example.org"}), ("teams", {"name": "t"}), ("users", {})):
        workspace.post(f"/api/v1/objects/{kind}", json={"values": values})
    car: dict[str, Any] = {"name": "car", "label": "Car", "attributes": [{"name": "model", "label": "Model"}]}
    if workspace.post("/api/v1/types", json=car).status_code == 201:
        assert workspace.post("/api/v1/objects/car", json={"values": {}}).status_code == 201
        stages = [{"label": "A", "metadata": {"probability": "0.1"}}, {"label": "B"}]
        body = {"label": "First", "stages": stages}
        assert workspace.post("/api/v1/types/car/pipelines", json=body).status_code == 201
