"""Attribute definitions as the wire dialect's property definitions, and property bodies as attribute definitions.

Pure: bodies in, definitions or noted errors out. The doors are `properties.py` and `schemas.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from shared.eav.catalog import LiveType, nearest
from shared.eav.declare import AttributeDef, OptionDef
from shared.eav.definition_rules import MOST_LABEL, MOST_OPTIONS
from shared.eav.naming import MAX_NAME, NAME_PATTERN
from shared.eav.types import KINDS
from shared.kernel.clock import iso
from shared.kernel.errors import ErrorList
from shared.service.web.dialect import bodies, kinds

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_REMOVED = -2  # the place of an option that is no longer offered but may still be stored
_OWNER = "OWNER"
# Texts that a PATCH may change: wire name, name in AttributeDef, greatest length.
_TEXTS = (
    ("label", "label", MOST_LABEL),
    ("groupName", "group", MAX_NAME),
    ("description", "description", bodies.MOST_TEXT),
)
_TRUE_FALSE = (
    {"label": "True", "value": "true", "description": "", "displayOrder": 0, "hidden": False},
    {"label": "False", "value": "false", "description": "", "displayOrder": 1, "hidden": False},
)


def definition(attribute: AttributeDef) -> dict[str, Any]:
    """One property definition, ready for JSON."""
    wire = kinds.shown(attribute)
    body: dict[str, Any] = {
        "name": attribute.wire,
        "label": attribute.label,
        "type": wire.type,
        "fieldType": wire.field_type,
        "groupName": attribute.group,
        "description": attribute.description,
        "options": _TRUE_FALSE if wire.type == "bool" and not attribute.options else _options(attribute),
        "displayOrder": attribute.display_order,
        "hasUniqueValue": attribute.unique,
        "hidden": attribute.hidden,
        "formField": attribute.form_field,
        "hubspotDefined": attribute.builtin,
        "calculated": False,
        "externalOptions": attribute.external_options,
        "dataSensitivity": "non_sensitive",
        "modificationMetadata": {
            "archivable": not attribute.builtin,
            "readOnlyDefinition": attribute.builtin,
            "readOnlyOptions": attribute.builtin or attribute.external_options,
            "readOnlyValue": attribute.read_only,
        },
        "archived": attribute.archived_at is not None,
        "createdAt": iso(attribute.created_at or _EPOCH),
        "updatedAt": iso(attribute.updated_at or attribute.created_at or _EPOCH),
    }
    if attribute.reference:
        body["referencedObjectType"] = attribute.reference.upper()
    if attribute.archived_at is not None:
        body["archivedAt"] = iso(attribute.archived_at)
    return body


def _options(attribute: AttributeDef) -> list[dict[str, Any]]:
    return [
        {
            "label": one.label or one.value,
            "value": one.value,
            "description": one.description,
            "displayOrder": one.display_order,
            "hidden": one.hidden,
        }
        for one in attribute.options
        if one.display_order != _REMOVED
    ]


def name_of(body: Mapping[str, Any], errors: ErrorList, where: str = "") -> str:
    """The name of a new definition; wrong ones are noted."""
    name = bodies.text(body, "name", errors, where=where, required=True)
    if name and not NAME_PATTERN.match(name):
        rule = f"lower-case letters, digits and _, beginning with a letter, at most {MAX_NAME} characters"
        errors.add(f"{where}name", "INVALID_NAME", f"{where}name must consist of {rule}")
    return name


def parse(body: Mapping[str, Any], errors: ErrorList, where: str = "", group: str = "") -> AttributeDef:
    """A new attribute; everything wrong is noted. `group` is used when the body names none."""
    name = name_of(body, errors, where)
    type_ = bodies.text(body, "type", errors, where=where, required=True)
    field_type = bodies.text(body, "fieldType", errors, where=where, required=True)
    kind = _kind(type_, field_type, errors, where) if type_ and field_type else ""
    kind, reference = _reference(body, kind, errors, where)
    return AttributeDef(
        name=name,
        label=bodies.text(body, "label", errors, where=where, required=True, most=MOST_LABEL),
        kind=kind,
        field_type=field_type,
        reference=reference,
        external_options=bool(reference),
        group=bodies.text(body, "groupName", errors, where=where, required=not group) or group,
        description=bodies.text(body, "description", errors, where=where),
        options=options(body, kind, errors, where),
        unique=_unique(body, kind, errors, where),
        hidden=bodies.flag(body, "hidden", errors, False, where=where),
        form_field=bodies.flag(body, "formField", errors, False, where=where),
        display_order=bodies.number(body, "displayOrder", errors, -1, where=where),
    )


def _unique(body: Mapping[str, Any], kind: str, errors: ErrorList, where: str) -> bool:
    unique = bodies.flag(body, "hasUniqueValue", errors, False, where=where)
    if unique and kind and not KINDS[kind].can_be_unique:
        errors.add(f"{where}hasUniqueValue", "INVALID_UNIQUE", "values of this type cannot be unique")
    return unique


def _kind(type_: str, field_type: str, errors: ErrorList, where: str) -> str:
    if field_type == kinds.CALCULATED:
        errors.add(f"{where}fieldType", "NOT_AVAILABLE", "calculated properties are not available")
        return ""
    known = True
    for name, value, allowed in (("type", type_, kinds.TYPES), ("fieldType", field_type, kinds.FIELD_TYPES)):
        if value not in allowed:
            errors.add(
                f"{where}{name}", "INVALID_OPTION", f"{where}{name} must be one of {', '.join(allowed)}", allowed
            )
            known = False
    if not known:
        return ""
    row = kinds.made(type_, field_type)
    if row is None:
        fitting = kinds.field_types_of(type_)
        message = f"fieldType {field_type} does not go with type {type_}; it takes {', '.join(fitting)}"
        errors.add(f"{where}fieldType", "INVALID_FIELD_TYPE", message, fitting)
        return ""
    return row.kind


def _reference(body: Mapping[str, Any], kind: str, errors: ErrorList, where: str) -> tuple[str, str]:
    """The kind and the referenced entity type: choices that live elsewhere are offered for owners only."""
    referenced = bodies.text(body, "referencedObjectType", errors, where=where)
    external = bodies.flag(body, "externalOptions", errors, False, where=where)
    if not referenced and not external:
        return kind, ""
    if referenced != _OWNER or kind != "enumeration":
        message = f"externalOptions and referencedObjectType are offered for enumerations that refer to {_OWNER} only"
        errors.add(f"{where}referencedObjectType", "NOT_AVAILABLE", message)
        return kind, ""
    return kinds.EXTERNAL["select"].kind, _OWNER.lower()


def options(body: Mapping[str, Any], kind: str, errors: ErrorList, where: str = "") -> tuple[OptionDef, ...]:
    """The options given, in their order; repeated values and options of kinds without choices are noted."""
    given = bodies.objects(body, "options", errors, where=where)
    if len(given) > MOST_OPTIONS:
        errors.add(f"{where}options", "LIMIT_EXCEEDED", f"a property has at most {MOST_OPTIONS} options")
        return ()
    found: list[OptionDef] = []
    seen: set[str] = set()
    for index, one in enumerate(given):
        place = f"{where}options[{index}]."
        option = _option(one, index, errors, place)
        if option.value and option.value in seen:
            errors.add(f"{place}value", "DUPLICATE_OPTION", f'the option value "{option.value}" occurs more than once')
        seen.add(option.value)
        found.append(option)
    if kind == "boolean":
        if not seen <= {"true", "false"}:
            errors.add(f"{where}options", "INVALID_OPTION", "the options of a bool are true and false")
        return ()
    if found and kind and kind not in ("enumeration", "multi_enumeration"):
        errors.add(f"{where}options", "INVALID_OPTION", "only enumerations and bool take options")
    return tuple(found)


def _option(one: Mapping[str, Any], index: int, errors: ErrorList, place: str) -> OptionDef:
    value = bodies.text(one, "value", errors, where=place, required=True, most=MOST_LABEL).strip()
    if ";" in value:
        errors.add(f"{place}value", "INVALID_OPTION", "an option value cannot hold a semicolon, which joins several")
    order = bodies.number(one, "displayOrder", errors, index, where=place)
    return OptionDef(
        value=value,
        label=bodies.text(one, "label", errors, where=place, most=MOST_LABEL) or value,
        display_order=index if order < 0 else order,
        hidden=bodies.flag(one, "hidden", errors, False, where=place),
        description=bodies.text(one, "description", errors, where=place),
    )


def known_group(group: str, live: LiveType, errors: ErrorList, where: str = "") -> None:
    """Note a group that does not exist; "" was noted or is filled in already."""
    known = [one.name for one in live.defn.groups if not one.archived]
    if group and group not in known:
        close = nearest(group, known)
        hint = f"; did you mean {', '.join(close)}?" if close else ""
        errors.add(f"{where}groupName", "GROUP_DOESNT_EXIST", f'there is no property group "{group}"{hint}', close)


def changes(body: Mapping[str, Any], attribute: AttributeDef, errors: ErrorList) -> dict[str, object]:
    """What a PATCH body changes of an attribute, by the names of AttributeDef."""
    found: dict[str, object] = {}
    for wire, name, most in _TEXTS:
        if body.get(wire) is not None:
            found[name] = bodies.text(body, wire, errors, required=wire != "description", most=most)
    for wire, name in (("hidden", "hidden"), ("formField", "form_field")):
        if body.get(wire) is not None:
            found[name] = bodies.flag(body, wire, errors, False)
    if body.get("displayOrder") is not None:
        found["display_order"] = bodies.number(body, "displayOrder", errors, -1)
    kind = _changed_kind(body, attribute, errors, found)
    if body.get("options") is not None:
        given = options(body, kind, errors)
        if kind in ("enumeration", "multi_enumeration"):
            found["options"] = given
    if body.get("calculationFormula"):
        errors.add("calculationFormula", "NOT_AVAILABLE", "calculated properties are not available")
    return found


def _changed_kind(body: Mapping[str, Any], attribute: AttributeDef, errors: ErrorList, found: dict[str, object]) -> str:
    now = kinds.shown(attribute)
    type_ = bodies.text(body, "type", errors) or now.type
    field_type = bodies.text(body, "fieldType", errors) or now.field_type
    if (type_, field_type) == (now.type, now.field_type):
        return attribute.kind
    kind = _kind(type_, field_type, errors, "")
    if kind and kind != attribute.kind:
        found["kind"] = kind
    if kind:
        found["field_type"] = field_type
    return kind
