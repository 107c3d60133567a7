"""Custom entity types in the wire dialect: `/crm-object-schemas/v3/schemas`, also at `/crm/v3/schemas`.

Reading one schema by type is for every service; the rest belongs to the service that keeps custom types.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response

from shared.kernel.errors import ErrorList, Invalid
from shared.service.web.dialect import definition_models as models
from shared.service.web.dialect import names
from shared.service.web.dialect.schema_bodies import parse_schema, schema, schema_changes
from shared.service.web.operation import Operation, QueryParam, answer, no_content
from shared.service.web.request import bool_param, context, json_object

if TYPE_CHECKING:
    from shared.service.runtime import Runtime


def listing(service: Runtime) -> Response:
    """All custom types."""
    found = service.definitions.types(context(), archived=bool_param("archived"))
    return answer({"results": [schema(one) for one in found if not one.builtin]})


def create(service: Runtime) -> Response:
    """One new type."""
    errors = ErrorList()
    wanted = parse_schema(json_object(), errors)
    errors.raise_if_any()
    return answer(schema(service.definitions.add_type(context(), wanted)), 201)


def read(service: Runtime, type: str) -> Response:
    """One type, custom or built-in."""
    return answer(schema(service.definitions.type(context(), names.entity_type(type))))


def update(service: Runtime, type: str) -> Response:
    """Change labels, description and the lists of property names."""
    ctx, errors = context(), ErrorList()
    defn = service.definitions.type(ctx, names.entity_type(type))
    changes = schema_changes(json_object(), defn, errors)
    errors.raise_if_any()
    if changes:
        defn = service.definitions.change_type(ctx, defn.name, changes)
    return answer(schema(defn))


def archive(service: Runtime, type: str) -> Response:
    """Put a type away; with `archived=true` remove it for good, which is refused while it has live entities."""
    service.definitions.archive_type(context(), names.entity_type(type), hard=bool_param("archived"))
    return no_content()


def no_links(service: Runtime, type: str, **_: str) -> Response:
    """Associations of types are not offered yet, and say so."""
    service.definitions.type(context(), names.entity_type(type))
    raise Invalid.one("associations", "NOT_AVAILABLE", "associations between types are not available yet")


_ARCHIVED = QueryParam("archived", "boolean", "Only archived types", False)
_EXAMPLE = {
    "name": "car",
    "labels": {"singular": "Car", "plural": "Cars"},
    "primaryDisplayProperty": "model",
    "requiredProperties": ["model"],
    "searchableProperties": ["model"],
    "secondaryDisplayProperties": [],
    "properties": [{"name": "model", "label": "Model", "type": "string", "fieldType": "text"}],
    "associatedObjects": ["CONTACT"],
}


def _base(place: str) -> tuple[str, str]:
    return (f"/{place}/schemas", "" if place == "crm-object-schemas/v3" else "Alias")


def _of_one_type(place: str) -> tuple[Operation, ...]:
    base, suffix = _base(place)
    return (
        Operation("GET", f"{base}/{{type}}", f"readSchema{suffix}", "Read an entity type's schema", read,
                  response=models.Schema, tag="Schemas"),
    )  # fmt: skip


def _of_custom_types(place: str) -> tuple[Operation, ...]:
    base, suffix = _base(place)
    one: Any = models.Schema
    return (
        Operation("GET", base, f"listSchemas{suffix}", "List custom types", listing,
                  query=(_ARCHIVED,), response=models.SchemaList, tag="Schemas"),
        Operation("POST", base, f"createSchema{suffix}", "Define a custom type", create, 201,
                  body=models.SchemaInput, response=one, example=_EXAMPLE, tag="Schemas"),
        Operation("PATCH", f"{base}/{{type}}", f"updateSchema{suffix}", "Change a custom type", update,
                  body=models.SchemaPatch, response=one, example={"description": "Vehicles"}, tag="Schemas",
                  custom=True),
        Operation("DELETE", f"{base}/{{type}}", f"archiveSchema{suffix}", "Archive a custom type", archive, 204,
                  query=(QueryParam("archived", "boolean", "true removes the type for good", False),),
                  tag="Schemas", custom=True),
        Operation("POST", f"{base}/{{type}}/associations", f"createSchemaLink{suffix}", "Not available yet",
                  no_links, 201, tag="Schemas", hidden=True),
        Operation("DELETE", f"{base}/{{type}}/associations/{{link}}", f"deleteSchemaLink{suffix}",
                  "Not available yet", no_links, 204, tag="Schemas", hidden=True),
    )  # fmt: skip


_PLACES = ("crm-object-schemas/v3", "crm/v3")
READ_OPERATIONS: tuple[Operation, ...] = tuple(one for place in _PLACES for one in _of_one_type(place))
OPERATIONS: tuple[Operation, ...] = tuple(one for place in _PLACES for one in _of_custom_types(place))
