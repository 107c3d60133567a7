"""The OpenAPI document: valid, complete, with custom attributes and examples that fit their schemas."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import validate

from shared.eav.types import KINDS as ALL_KINDS
from shared.service.web import changes, health, native, tokens, types
from shared.service.web.openapi import build, docs, docs_operations, merge, operations
from shared.service.web.openapi.values import KINDS, attribute_schema
from tests.unit.service.fakes import CONTACT, FakeCatalog, client, service

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
    made = build("contacts", OPERATIONS, [CONTACT], "http://localhost:8000", "1.0")
    return json.loads(json.dumps(made))


def _each(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, method, one) for path, methods in document["paths"].items() for method, one in methods.items()]


def test_it_is_valid_3_1(document: dict[str, Any]) -> None:
    validate(document)
    assert document["openapi"].startswith("3.1")


def test_paths_name_entity_types(document: dict[str, Any]) -> None:
    assert "/api/v1/objects/contacts/{id}" in document["paths"]
    assert not any("{type}" in path for path in document["paths"])
    names = [one["operationId"] for _, _, one in _each(document)]
    assert len(names) == len(set(names))


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


def test_documents_merge(document: dict[str, Any]) -> None:
    other = build("workspace", tokens.OPERATIONS + health.operations("workspace"), [], "http://localhost:8000", "1.0")
    merged = json.loads(json.dumps(merge([document, other], "CRM")))
    validate(merged)
    assert {"/contacts/healthz", "/workspace/healthz", "/api/v1/tokens"} <= set(merged["paths"])
    assert merged["info"]["title"] == "CRM"


def test_it_is_served_once_per_catalog_version() -> None:
    catalog = FakeCatalog(CONTACT)
    web = client(service(catalog=catalog), *OPERATIONS)
    del web.environ_base["HTTP_AUTHORIZATION"]
    first = web.get("/contacts/openapi.json")
    assert first.status_code == 200
    assert web.get("/contacts/openapi.json", headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    catalog.types()[0].version = 2
    catalog.types()[0].defn = CONTACT.__class__("contact", "contacts", "Person", "People", builtin=True)
    assert web.get("/contacts/openapi.json").headers["ETag"] != first.headers["ETag"]


def test_the_page_loads_nothing_from_outside() -> None:
    web = client(service(), *docs_operations())
    page = web.get("/docs/")
    assert page.content_type.startswith("text/html")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "http" not in page.text.replace("http-equiv", "")
    for name in ("swagger-ui-bundle.js", "swagger-ui.css", "start.js"):
        assert name in page.text
        found = web.get(f"/docs/static/{name}")
        assert (found.status_code, len(found.data) > 100) == (200, True)
    assert web.get("/docs/static/../secret").status_code == 404
    assert web.get("/docs/static/plugins.py").status_code == 404


def test_the_page_can_show_3_1() -> None:
    bundle, _ = docs.content("swagger-ui-bundle.js")
    assert b"openapi_3_1" in bundle or b"OpenAPI31" in bundle or b"OAS31" in bundle
