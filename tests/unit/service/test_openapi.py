"""The OpenAPI document: valid, complete, with custom attributes and examples that fit their schemas."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from flask import Flask
from openapi_spec_validator import validate

from shared.eav.declare import GroupDef
from shared.eav.types import KINDS as ALL_KINDS
from shared.kernel.errors import NotFound
from shared.service.entities import Entity
from shared.service.web import changes, health, native, tokens, types
from shared.service.web.dialect import TYPE_OPERATIONS, WORKSPACE_OPERATIONS
from shared.service.web.openapi import build, docs, operations
from shared.service.web.openapi.examples import Partner, Subject, fitted
from shared.service.web.openapi.older import as_3_0
from shared.service.web.openapi.values import KINDS, attribute_schema
from tests.unit.service.fakes import CONTACT, FakeCatalog, FakeEntities, client, service

OPERATIONS = (
    *native.OPERATIONS,
    *types.OPERATIONS,
    *tokens.OPERATIONS,
    *changes.operations("contacts"),
    *health.operations("contacts"),
    *operations("contacts"),
)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    made = build("contacts", OPERATIONS, [Subject(CONTACT, "7")], "http://localhost:8000", "1.0")
    return json.loads(json.dumps(made))


def _each(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, method, one) for path, methods in document["paths"].items() for method, one in methods.items()]


def test_it_is_valid_3_1(document: dict[str, Any]) -> None:
    validate(document)
    assert document["openapi"].startswith("3.1")


def test_paths_name_entity_types(document: dict[str, Any]) -> None:
    assert "/api/v1/objects/contacts/{id}" in document["paths"]
    assert {path for path in document["paths"] if "{type}" in path} == {"/api/v1/types/{type}"}
    names = [one["operationId"] for _, _, one in _each(document)]
    assert len(names) == len(set(names))


def test_an_operation_is_shown_for_the_types_it_means_alone_those_of_other_services_too() -> None:
    subjects = [Subject(CONTACT, "7"), Subject(replace(CONTACT, name="note", plural="notes"), "8")]
    one = replace(native.OPERATIONS[0], path="/api/v1/lines/{type}/{id}", types=("contact", "deal", "no such type"))
    made = build("contacts", [one], subjects, "", "1")["paths"]
    ids = {path: found["get"]["parameters"][0]["example"] for path, found in made.items()}
    assert ids == {"/api/v1/lines/contacts/{id}": "7", "/api/v1/lines/deals/{id}": "1"}


def test_custom_attributes_are_described(document: dict[str, Any]) -> None:
    values = document["components"]["schemas"]["contact.values"]["properties"]
    assert values["income"] == {"type": ["number", "null"], "title": "预计收入"}
    assert values["level"]["enum"] == ["a", "b", None]
    assert values["tags"] == {"type": ["array", "null"], "items": {"type": "string", "enum": ["x"]}, "title": "Tags"}
    assert values["id"]["readOnly"] is True
    create = document["paths"]["/api/v1/objects/contacts"]["post"]
    body = create["requestBody"]["content"]["application/json"]
    assert body["schema"]["$ref"].endswith("/WriteEntity_contact")
    assert document["components"]["schemas"]["WriteEntity_contact"]["properties"]["values"]["$ref"].endswith(
        "contact.values"
    )
    assert {"$ref": "#/components/parameters/Idempotency-Key"} in create["parameters"]


def test_every_body_has_an_example_that_fits(document: dict[str, Any]) -> None:
    for path, method, one in _each(document):
        if "requestBody" not in one:
            continue
        media = one["requestBody"]["content"]["application/json"]
        assert isinstance(media["example"], dict), (path, method)
        jsonschema.Draft202012Validator({**media["schema"], "components": document["components"]}).validate(
            media["example"]
        )


def test_every_kind_has_a_schema() -> None:
    assert set(KINDS) == set(ALL_KINDS)
    for attribute in CONTACT.attributes:
        for form in ("values", "properties"):
            jsonschema.Draft202012Validator.check_schema(attribute_schema(attribute, form))  # type: ignore[arg-type]


def test_types_that_are_built_in_offer_no_change_of_their_definition(document: dict[str, Any]) -> None:
    custom = replace(CONTACT, name="car", plural="cars", builtin=False)
    both = build("workspace", types.OPERATIONS, [Subject(CONTACT), Subject(custom)], "http://localhost:8000", "1.0")
    assert "patch" in both["paths"]["/api/v1/types/cars"]
    assert "patch" not in both["paths"]["/api/v1/types/contacts"]
    anyone = document["paths"]["/api/v1/types/{type}"]["patch"]
    assert anyone["parameters"][0]["example"] == "machine"
    validate(json.loads(json.dumps(both)))


def test_types_without_a_unique_attribute_are_told_apart_by_id() -> None:
    plain = replace(CONTACT, attributes=tuple(one for one in CONTACT.attributes if not one.unique))
    made = build("contacts", (*OPERATIONS, *TYPE_OPERATIONS), [Subject(plain, "7")], "http://localhost:8000", "1.0")
    assert "/api/v1/objects/contacts/batch/upsert" not in made["paths"]
    door = made["paths"]["/crm/v3/objects/contacts/batch/upsert"]["post"]
    (one,) = door["requestBody"]["content"]["application/json"]["example"]["inputs"]
    assert one["id"] == "7"
    assert "idProperty" not in one
    found = build("contacts", OPERATIONS, [Subject(CONTACT, "7")], "http://localhost:8000", "1.0")
    assert "/api/v1/objects/contacts/batch/upsert" in found["paths"]


def test_what_can_never_work_is_not_shown() -> None:
    custom = Subject(replace(CONTACT, name="car", plural="cars", builtin=False), "1", Partner("contacts", "9", 1234))
    doors = (*TYPE_OPERATIONS, *WORKSPACE_OPERATIONS)
    paths = build("workspace", doors, [Subject(CONTACT), custom], "http://localhost:8000", "1.0")["paths"]
    labelled = paths["/crm/v4/objects/cars/{id}/associations/{to_type}/{to_id}"]["put"]
    assert [one["example"] for one in labelled["parameters"]] == ["1", "contacts", "9"]
    (spec,) = labelled["requestBody"]["content"]["application/json"]["example"]
    assert spec["associationTypeId"] == 1234
    assert "/crm/v3/pipelines/cars" in paths
    assert "/crm/v3/pipelines/contacts" not in paths
    for base in ("/crm-object-schemas/v3/schemas", "/crm/v3/schemas"):
        assert set(paths[f"{base}/contacts"]) == {"get"}
        assert set(paths[f"{base}/cars"]) == {"get", "patch", "delete"}
        assert "post" in paths[f"{base}/cars/associations"]
    archived = paths["/crm/v3/properties/contacts/batch/archive"]["post"]["requestBody"]["content"]["application/json"]
    built_in = {one.wire for one in CONTACT.attributes}
    assert not built_in & {one["name"] for one in archived["example"]["inputs"]}


def test_examples_written_for_another_type_are_fitted() -> None:
    subject = Subject(replace(CONTACT, groups=(GroupDef("main", "Main"),)), "7")
    example = {
        "inputs": [{"id": "1", "idProperty": "domain", "properties": {"domain": "x"}}],
        "ids": ["1", "2"],
        "groupName": "companyinformation",
        "filterGroups": [{"filters": [{"propertyName": "domain", "operator": "EQ", "value": "x"}]}],
        "sorts": [{"propertyName": "createdate", "direction": "DESCENDING"}],
        "properties": ["domain"],
    }
    assert fitted(example, subject) == {
        "inputs": [{"id": "ada@example.org", "idProperty": "email", "properties": {"firstname": "Ada"}}],
        "ids": ["7"],
        "groupName": "main",
        "filterGroups": [{"filters": [{"propertyName": "firstname", "operator": "HAS_PROPERTY"}]}],
        "sorts": [{"propertyName": "hs_object_id", "direction": "DESCENDING"}],
        "properties": ["firstname", "hs_object_id"],
    }


def test_it_is_served_once_per_catalog_version() -> None:
    catalog = FakeCatalog(CONTACT)
    web = client(service(catalog=catalog, entities=FakeEntities(Entity)), *OPERATIONS)
    del web.environ_base["HTTP_AUTHORIZATION"]
    first = web.get("/contacts/openapi.json")
    assert first.status_code == 200
    assert web.get("/contacts/openapi.json", headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    catalog.types()[0].version = 2
    catalog.types()[0].defn = CONTACT.__class__("contact", "contacts", "Person", "People", builtin=True)
    assert web.get("/contacts/openapi.json").headers["ETag"] != first.headers["ETag"]


def test_the_page_loads_nothing_from_outside() -> None:
    with Flask("front").test_request_context("/docs"):
        page = docs.page_response()
        assert page.content_type.startswith("text/html")
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        assert "http" not in page.get_data(as_text=True)
        for name in ("swagger-ui-bundle.js", "swagger-ui.css", "start.js"):
            assert name in page.get_data(as_text=True)
            assert len(docs.file_response(name).data) > 100
        for name in ("../secret", "plugins.py", "", "swagger-ui.css/"):
            with pytest.raises(NotFound):
                docs.file_response(name)


def test_the_viewers_document_says_the_same_in_3_0(document: dict[str, Any]) -> None:
    told = as_3_0(document)
    validate(told)
    assert told["openapi"] == "3.0.3"
    values = told["components"]["schemas"]["contact.values"]["properties"]
    assert values["income"] == {"type": "number", "nullable": True, "title": "预计收入"}
    assert told["components"]["schemas"]["Token"]["properties"]["expires_at"]["nullable"] is True
    assert document["openapi"] == "3.1.0"
