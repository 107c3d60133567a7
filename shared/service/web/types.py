"""The native doors of definitions: entity types and their attributes under /api/v1/types.

An attribute can be made from a label alone, in any script: its name follows from the label. Strict about keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response

from shared.kernel.errors import ErrorList
from shared.service.entities import ItemError
from shared.service.web import type_models as models
from shared.service.web.operation import Operation, QueryParam, answer, no_content
from shared.service.web.request import bool_param, context, json_object, known_keys
from shared.service.web.type_bodies import (
    CHANGEABLE,
    TYPE_LISTS,
    TYPE_TEXTS,
    attribute_json,
    attribute_values,
    new_attribute,
    new_type,
    read_names,
    read_text,
    type_json,
)

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

PATH = "/api/v1/types"
ATTRIBUTES = PATH + "/{type}/attributes"


def list_types(service: Runtime) -> Response:
    """All entity types the service knows."""
    found = service.definitions.types(context(), archived=bool_param("archived"))
    return answer({"results": [type_json(one) for one in found]})


def create_type(service: Runtime) -> Response:
    """A new entity type, with attributes."""
    body = json_object()
    known_keys(body, (*TYPE_TEXTS, *TYPE_LISTS, "attributes"))
    made = service.definitions.add_type(context(), new_type(body))
    return answer(type_json(made, attributes=True), 201, {"Location": f"{PATH}/{made.name}"})


def read_type(service: Runtime, type: str) -> Response:
    """One entity type with its attributes."""
    return answer(type_json(service.definitions.type(context(), type), attributes=True))


def change_type(service: Runtime, type: str) -> Response:
    """Change labels and lists of an entity type."""
    body = json_object()
    known_keys(body, (*TYPE_TEXTS[2:], *TYPE_LISTS))
    errors = ErrorList()
    changes: dict[str, object] = {key: read_text(body, key, errors) for key in TYPE_TEXTS[2:] if key in body}
    changes |= {key: read_names(body, key, errors) for key in TYPE_LISTS if key in body}
    errors.raise_if_any()
    return answer(type_json(service.definitions.change_type(context(), type, changes), attributes=True))


def archive_type(service: Runtime, type: str) -> Response:
    """Archive an entity type."""
    service.definitions.archive_type(context(), type)
    return no_content()


def list_attributes(service: Runtime, type: str) -> Response:
    """The attributes of an entity type."""
    found = service.definitions.attributes(context(), type, archived=bool_param("archived"))
    return answer({"results": [attribute_json(one) for one in found]})


def create_attribute(service: Runtime, type: str) -> Response:
    """A new attribute; a label is enough."""
    body = json_object()
    made = service.definitions.add_attributes(context(), type, [new_attribute(body)])[0]
    assert not isinstance(made, ItemError)  # not partial: errors are raised
    return answer(attribute_json(made), 201, {"Location": f"{PATH}/{type}/attributes/{made.name}"})


def read_attribute(service: Runtime, type: str, name: str) -> Response:
    """One attribute."""
    found = service.definitions.attribute(context(), type, name, archived=bool_param("archived"))
    return answer(attribute_json(found))


def change_attribute(service: Runtime, type: str, name: str) -> Response:
    """Change an attribute's definition; given options replace the offered ones."""
    body = json_object()
    known_keys(body, CHANGEABLE)
    errors = ErrorList()
    changes = attribute_values(body, errors)
    errors.raise_if_any()
    return answer(attribute_json(service.definitions.change_attribute(context(), type, name, changes)))


def archive_attribute(service: Runtime, type: str, name: str) -> Response:
    """Archive an attribute; its values stay and come back with it."""
    service.definitions.archive_attributes(context(), type, [name])
    return no_content()


_ARCHIVED = QueryParam("archived", "boolean", "Show archived ones instead", False)
_ATTRIBUTE = {"label": "Expected revenue", "type": "number"}
_TYPE = {"label": "Machine", "plural_label": "Machines", "attributes": [{"label": "Serial number", "unique": True}]}

OPERATIONS = (
    Operation(
        "GET",
        PATH,
        "listTypes",
        "List entity types",
        list_types,
        query=(_ARCHIVED,),
        response=models.TypeList,
        tag="Definitions",
        description="The types of workspace and those made at run time. Each service lists its own at "
        "/api/v1/{service}/types; `crm types list` gathers all.",
    ),
    Operation(
        "POST",
        PATH,
        "createType",
        "Make an entity type",
        create_type,
        201,
        body=models.NewType,
        response=models.TypeOut,
        example=_TYPE,
        tag="Definitions",
    ),
    Operation(
        "GET",
        PATH + "/{type}",
        "readType",
        "Read an entity type",
        read_type,
        response=models.TypeOut,
        tag="Definitions",
    ),
    Operation(
        "PATCH",
        PATH + "/{type}",
        "changeType",
        "Change an entity type",
        change_type,
        custom=True,
        body=models.ChangeType,
        response=models.TypeOut,
        example={"label": "Machine"},
        tag="Definitions",
    ),
    Operation(
        "DELETE",
        PATH + "/{type}",
        "archiveType",
        "Archive an entity type",
        archive_type,
        204,
        custom=True,
        tag="Definitions",
    ),
    Operation(
        "GET",
        ATTRIBUTES,
        "listAttributes",
        "List attributes",
        list_attributes,
        query=(_ARCHIVED,),
        response=models.AttributeList,
        tag="Definitions",
    ),
    Operation(
        "POST",
        ATTRIBUTES,
        "createAttribute",
        "Make an attribute",
        create_attribute,
        201,
        body=models.NewAttribute,
        response=models.AttributeOut,
        example=_ATTRIBUTE,
        tag="Definitions",
        description="A label alone is enough, in any script: the name follows from it. Usable at once.",
    ),
    Operation(
        "GET",
        ATTRIBUTES + "/{name}",
        "readAttribute",
        "Read an attribute",
        read_attribute,
        query=(_ARCHIVED,),
        response=models.AttributeOut,
        tag="Definitions",
    ),
    Operation(
        "PATCH",
        ATTRIBUTES + "/{name}",
        "changeAttribute",
        "Change an attribute",
        change_attribute,
        body=models.ChangeAttribute,
        response=models.AttributeOut,
        example={"label": "Revenue expected"},
        tag="Definitions",
    ),
    Operation(
        "DELETE",
        ATTRIBUTES + "/{name}",
        "archiveAttribute",
        "Archive an attribute",
        archive_attribute,
        204,
        tag="Definitions",
    ),
)


def operations(name: str) -> tuple[Operation, ...]:
    """The entity types of the service `name` alone: `/api/v1/types` belongs to the service where new ones live."""
    return (
        Operation(
            "GET",
            f"/api/v1/{name}/types",
            "listServiceTypes",
            f"List the entity types of {name}",
            list_types,
            query=(_ARCHIVED,),
            response=models.TypeList,
            tag="Definitions",
        ),
    )
