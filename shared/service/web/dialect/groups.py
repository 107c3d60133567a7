"""Groups of property definitions in the wire dialect: `/crm/v3/properties/{type}/groups`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response

from shared.eav.declare import GroupDef
from shared.kernel.errors import ErrorList, NotFound
from shared.service.web.dialect import bodies, names
from shared.service.web.dialect import definition_models as models
from shared.service.web.dialect.definition import MOST_LABEL, name_of
from shared.service.web.operation import Operation, answer, no_content
from shared.service.web.request import context, json_object

if TYPE_CHECKING:
    from shared.service.runtime import Runtime


def group(defn: GroupDef) -> dict[str, Any]:
    """One group, ready for JSON."""
    return {
        "name": defn.name,
        "label": defn.label,
        "displayOrder": defn.display_order,
        "archived": defn.archived,
    }


def listing(service: Runtime, type: str) -> Response:
    """All live groups."""
    found = service.definitions.groups(context(), names.entity_type(type))
    return answer({"results": [group(one) for one in found if not one.archived]})


def create(service: Runtime, type: str) -> Response:
    """One new group."""
    body, errors = json_object(), ErrorList()
    wanted = GroupDef(
        name_of(body, errors),
        bodies.text(body, "label", errors, required=True, most=MOST_LABEL),
        bodies.number(body, "displayOrder", errors, -1),
    )
    errors.raise_if_any()
    return answer(group(service.definitions.add_group(context(), names.entity_type(type), wanted)), 201)


def _find(service: Runtime, kind: str, name: str) -> GroupDef:
    for one in service.definitions.groups(context(), kind):
        if one.name == name and not one.archived:
            return one
    raise NotFound("property group", [name])


def read(service: Runtime, type: str, name: str) -> Response:
    """One group."""
    return answer(group(_find(service, names.entity_type(type), name)))


def update(service: Runtime, type: str, name: str) -> Response:
    """Change label or place of a group."""
    kind = names.entity_type(type)
    body, errors = json_object(), ErrorList()
    found = _find(service, kind, name)
    changes: dict[str, object] = {}
    if body.get("label") is not None:
        changes["label"] = bodies.text(body, "label", errors, required=True, most=MOST_LABEL)
    if body.get("displayOrder") is not None:
        changes["display_order"] = bodies.number(body, "displayOrder", errors, found.display_order)
    errors.raise_if_any()
    if changes:
        found = service.definitions.change_group(context(), kind, name, changes)
    return answer(group(found))


def archive(service: Runtime, type: str, name: str) -> Response:
    """Put a group away."""
    kind = names.entity_type(type)
    _find(service, kind, name)
    service.definitions.archive_group(context(), kind, name)
    return no_content()


_BASE = "/crm/v3/properties/{type}/groups"
_EXAMPLE = {"name": "interests", "label": "Interests", "displayOrder": -1}

OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", _BASE, "listPropertyGroups", "List property groups", listing,
              response=models.GroupList, tag="Properties"),
    Operation("POST", _BASE, "createPropertyGroup", "Make a property group", create, 201,
              body=models.GroupInput, response=models.Group, example=_EXAMPLE, tag="Properties"),
    Operation("GET", f"{_BASE}/{{name}}", "readPropertyGroup", "Read a property group", read,
              response=models.Group, tag="Properties"),
    Operation("PATCH", f"{_BASE}/{{name}}", "updatePropertyGroup", "Change a property group", update,
              body=models.GroupPatch, response=models.Group, example={"label": "Interests"}, tag="Properties"),
    Operation("DELETE", f"{_BASE}/{{name}}", "archivePropertyGroup", "Archive a property group", archive, 204,
              tag="Properties"),
)  # fmt: skip
