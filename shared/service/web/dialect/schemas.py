"""Custom entity types in the wire dialect: `/crm-object-schemas/v3/schemas`, also at `/crm/v3/schemas`.

Reading one schema by type is for every service; the rest belongs to the service that keeps custom types.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from flask import Response

from shared.eav.declare import TypeDef
from shared.kernel.clock import iso, now
from shared.kernel.errors import ErrorList, NotFound
from shared.service.known_types import type_of
from shared.service.links import RelationDef
from shared.service.web.dialect import association_models as link_models
from shared.service.web.dialect import bodies, names
from shared.service.web.dialect import definition_models as models
from shared.service.web.dialect.schema_bodies import parse_schema, schema, schema_changes
from shared.service.web.operation import Operation, QueryParam, answer, no_content
from shared.service.web.request import bool_param, context, json_object

if TYPE_CHECKING:
    from shared.service.runtime import Runtime


def _declared(service: Runtime, relations: Iterable[RelationDef], name: str) -> list[dict[str, Any]]:
    """The kinds of links declared for a type."""
    return [association(service, one) for one in relations if name in (one.from_type, one.to_type)]


def association(service: Runtime, one: RelationDef) -> dict[str, Any]:
    """One direction of a kind of link, ready for JSON."""
    ends = [_wire_id(service, name) for name in (one.from_type, one.to_type)]
    return {"id": str(one.id), "name": one.name, "fromObjectTypeId": ends[0], "toObjectTypeId": ends[1]}


def _wire_id(service: Runtime, name: str) -> str:
    try:
        return type_of(service.catalog, name).wire_id
    except NotFound:
        return name  # a type of another service, made at run time


def _shown(service: Runtime, defn: TypeDef) -> dict[str, Any]:
    return schema(defn, _declared(service, service.labels.made(), defn.name))


def listing(service: Runtime) -> Response:
    """All custom types."""
    found = service.definitions.types(context(), archived=bool_param("archived"))
    made = service.labels.made()
    return answer({"results": [schema(one, _declared(service, made, one.name)) for one in found if not one.builtin]})


def create(service: Runtime) -> Response:
    """One new type, and the kinds of links it declares."""
    body, errors = json_object(), ErrorList()
    wanted = parse_schema(body, errors)
    others = _others(service, body, errors)
    errors.raise_if_any()
    ctx = context()
    made = service.definitions.add_type(ctx, wanted)
    for other in others:
        service.labels.declare(ctx, made.name, made.name, other, "")
    return answer(_shown(service, made), 201)


def _others(service: Runtime, body: Mapping[str, Any], errors: ErrorList) -> list[str]:
    """The types that `associatedObjects` names, by any of their names in any case."""
    found = []
    for one in bodies.names(body, "associatedObjects", ErrorList()):
        try:
            found.append(type_of(service.catalog, names.entity_type(one)).name)
        except NotFound as error:
            errors.add("associatedObjects", "INVALID_OPTION", f"associatedObjects: {error.message}")
    return list(dict.fromkeys(found))


def read(service: Runtime, type: str) -> Response:
    """One type, custom or built-in."""
    return answer(_shown(service, service.definitions.type(context(), names.entity_type(type))))


def update(service: Runtime, type: str) -> Response:
    """Change labels, description and the lists of property names."""
    ctx, errors = context(), ErrorList()
    defn = service.definitions.type(ctx, names.entity_type(type))
    changes = schema_changes(json_object(), defn, errors)
    errors.raise_if_any()
    if changes:
        defn = service.definitions.change_type(ctx, defn.name, changes)
    return answer(_shown(service, defn))


def archive(service: Runtime, type: str) -> Response:
    """Put a type away; with `archived=true` remove it for good, which is refused while it has live entities."""
    service.definitions.archive_type(context(), names.entity_type(type), hard=bool_param("archived"))
    return no_content()


def associate(service: Runtime, type: str) -> Response:
    """Declare a kind of link from or to a type."""
    body, errors = json_object(), ErrorList()
    kind = names.entity_type(type)
    start = bodies.text(body, "fromObjectTypeId", errors) or kind
    end = bodies.text(body, "toObjectTypeId", errors, required=True)
    name = bodies.text(body, "name", errors)
    errors.raise_if_any()
    ends = (names.entity_type(start), names.entity_type(end))
    made = service.labels.declare(context(), kind, *ends, name)[0]
    stamp = iso(now())
    return answer({**association(service, made), "createdAt": stamp, "updatedAt": stamp}, 201)


def dissociate(service: Runtime, type: str, link: str) -> Response:
    """Take a declared kind of link away."""
    ident = bodies.whole(link)
    if ident is None or not 0 < ident < 2**31:
        raise NotFound("association", [link[:80]])
    service.labels.withdraw(context(), names.entity_type(type), ident)
    return no_content()


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
_LINK_EXAMPLE = {"fromObjectTypeId": "car", "toObjectTypeId": "0-1", "name": "car_to_driver"}


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
        Operation("POST", f"{base}/{{type}}/associations", f"createSchemaLink{suffix}", "Declare a kind of link",
                  associate, 201, body=link_models.SchemaLinkInput, response=link_models.SchemaLink,
                  example=_LINK_EXAMPLE, tag="Schemas", custom=True),
        Operation("DELETE", f"{base}/{{type}}/associations/{{link}}", f"deleteSchemaLink{suffix}",
                  "Withdraw a kind of link", dissociate, 204, tag="Schemas", custom=True),
    )  # fmt: skip


_PLACES = ("crm-object-schemas/v3", "crm/v3")
READ_OPERATIONS: tuple[Operation, ...] = tuple(one for place in _PLACES for one in _of_one_type(place))
OPERATIONS: tuple[Operation, ...] = tuple(one for place in _PLACES for one in _of_custom_types(place))
