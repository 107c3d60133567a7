"""Entity types as the wire dialect's schemas, and schema bodies as entity types. Pure; the doors are `schemas.py`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from shared.eav.declare import AttributeDef, GroupDef, TypeDef
from shared.kernel.clock import iso
from shared.kernel.errors import ErrorList
from shared.service.schema import system_attributes
from shared.service.web.dialect import bodies
from shared.service.web.dialect.definition import MOST_LABEL, definition, parse
from shared.service.web.dialect.names import qualified

MOST_NAME = 60
MOST_PROPERTIES = 500
_NAME = re.compile(rf"[a-z][a-z0-9_]{{0,{MOST_NAME - 1}}}\Z")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Lists of property names: wire name, name in TypeDef.
_LISTS = (
    ("secondaryDisplayProperties", "secondary_display"),
    ("requiredProperties", "required"),
    ("searchableProperties", "searchable"),
)


def schema(defn: TypeDef, associations: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """One schema, ready for JSON. associations: kinds of links that were declared for the type."""
    wire = {one.name: one.wire for one in defn.attributes}
    body: dict[str, Any] = {
        "id": defn.wire_id.rpartition("-")[2],
        "name": defn.name,
        "objectTypeId": defn.wire_id,
        "fullyQualifiedName": defn.plural if defn.builtin else qualified(defn.name),
        "labels": {"singular": defn.label, "plural": defn.plural_label},
        "description": defn.description,
        "primaryDisplayProperty": wire.get(defn.primary_display, defn.primary_display) or None,
        "properties": [definition(one) for one in defn.attributes],
        "associations": list(associations),
        "archived": defn.archived_at is not None,
        "createdAt": iso(defn.created_at or _EPOCH),
        "updatedAt": iso(defn.updated_at or defn.created_at or _EPOCH),
    }
    for name, field in _LISTS:
        body[name] = [wire.get(one, one) for one in getattr(defn, field)]
    return body


def parse_schema(body: Mapping[str, Any], errors: ErrorList) -> TypeDef:
    """A new entity type with its attributes; everything wrong is noted."""
    name = bodies.text(body, "name", errors, required=True, most=MOST_NAME).lower()
    if name and not _NAME.match(name):
        message = f"name must be letters, digits and _, beginning with a letter, at most {MOST_NAME} characters"
        errors.add("name", "INVALID_NAME", message)
    singular, plural = _labels(body, errors)
    group = f"{name}_information"
    attributes = (*system_attributes(group), *_attributes(body, group, errors))
    _no_repeated(attributes, errors)
    displays = _displays(body, {one.wire: one for one in attributes}, errors)
    bodies.names(body, "associatedObjects", errors)
    groups = dict.fromkeys([group, *(one.group for one in attributes if one.group)])
    return TypeDef(
        name=name,
        plural=name,
        label=singular,
        plural_label=plural,
        synonyms=(f"p_{name}", qualified(name)),
        groups=tuple(GroupDef(one, f"{singular} information" if one == group else one) for one in groups),
        attributes=attributes,
        description=bodies.text(body, "description", errors),
        **displays,
    )


def _labels(body: Mapping[str, Any], errors: ErrorList) -> tuple[str, str]:
    labels = bodies.mapping(body, "labels", errors)
    singular = bodies.text(labels, "singular", errors, where="labels.", required=True, most=MOST_LABEL)
    return singular, bodies.text(labels, "plural", errors, where="labels.", most=MOST_LABEL) or singular


def _attributes(body: Mapping[str, Any], group: str, errors: ErrorList) -> list[AttributeDef]:
    given = bodies.objects(body, "properties", errors)
    if len(given) > MOST_PROPERTIES:
        errors.add("properties", "LIMIT_EXCEEDED", f"a schema is made with at most {MOST_PROPERTIES} properties")
        return []
    return [parse(one, errors, f"properties[{index}].", group) for index, one in enumerate(given)]


def _no_repeated(attributes: tuple[AttributeDef, ...], errors: ErrorList) -> None:
    seen: set[str] = set()
    for one in attributes:
        if one.wire and (one.wire in seen or one.name in seen):
            errors.add("properties", "DUPLICATE_NAME", f'the property name "{one.wire}" occurs more than once')
        seen |= {one.wire, one.name}


def _displays(body: Mapping[str, Any], known: Mapping[str, AttributeDef], errors: ErrorList) -> dict[str, Any]:
    """The property names a body gives for display, search and requirement, by the names of TypeDef."""
    found: dict[str, Any] = {}
    if body.get("primaryDisplayProperty") is not None:
        primary = bodies.text(body, "primaryDisplayProperty", errors)
        found["primary_display"] = _known([primary] if primary else [], "primaryDisplayProperty", known, errors)
        found["primary_display"] = "".join(found["primary_display"][:1])
    for name, field in _LISTS:
        if body.get(name) is not None:
            found[field] = _known(bodies.names(body, name, errors), name, known, errors)
    return found


def _known(
    given: tuple[str, ...] | list[str], place: str, known: Mapping[str, AttributeDef], errors: ErrorList
) -> tuple[str, ...]:
    for one in given:
        if one not in known:
            errors.add(place, "PROPERTY_DOESNT_EXIST", f'{place} names the property "{one}", which does not exist')
    return tuple(known[one].name for one in given if one in known)


def schema_changes(body: Mapping[str, Any], defn: TypeDef, errors: ErrorList) -> dict[str, object]:
    """What a PATCH body changes of a type, by the names of TypeDef."""
    found: dict[str, object] = _displays(body, {one.wire: one for one in defn.attributes}, errors)
    labels = bodies.mapping(body, "labels", errors)
    for name, field in (("singular", "label"), ("plural", "plural_label")):
        if labels.get(name) is not None:
            found[field] = bodies.text(labels, name, errors, where="labels.", required=True, most=MOST_LABEL)
    if body.get("description") is not None:
        found["description"] = bodies.text(body, "description", errors)
    if bodies.flag(body, "clearDescription", errors, False):
        found["description"] = ""
    return found
