"""Definitions as native JSON, and what callers send to make or change them. Strict: every wrong key is named.

Used by `shared.service.web.types`; the wire dialect has its own words for the same definitions.
"""

from __future__ import annotations

from typing import Any

from shared.eav.declare import AttributeDef, OptionDef, TypeDef
from shared.eav.naming import slug
from shared.kernel.clock import iso
from shared.kernel.errors import ErrorList, Invalid
from shared.service.web.request import known_keys

MAX_OPTIONS = 10_000

TEXTS = ("name", "label", "group", "description", "reference", "field_type")
FLAGS = ("unique", "searchable", "required", "hidden", "form_field")
CHANGEABLE = ("label", "type", "group", "description", "field_type", "options", "display_order", *FLAGS)
CREATABLE = ("name", "reference", *CHANGEABLE)
TYPE_TEXTS = ("name", "plural", "label", "plural_label", "description", "primary_display")
TYPE_LISTS = ("secondary_display", "required", "searchable")


def attribute_json(one: AttributeDef) -> dict[str, Any]:
    """An attribute's definition."""
    body: dict[str, Any] = {
        "name": one.name,
        "wire_name": one.wire,
        "label": one.label,
        "type": one.kind,
        "group": one.group,
        "description": one.description,
        "field_type": one.field_type,
        "options": [_option_json(option) for option in one.options],
        "reference": one.reference or None,
        "unique": one.unique,
        "searchable": one.searchable,
        "required": one.required,
        "read_only": one.read_only,
        "hidden": one.hidden,
        "form_field": one.form_field,
        "default": one.default,
        "builtin": one.builtin,
        "indexed": one.indexed,
        "display_order": one.display_order,
        "archived": one.archived_at is not None,
    }
    times = (("created_at", one.created_at), ("updated_at", one.updated_at), ("archived_at", one.archived_at))
    return body | {key: iso(at) for key, at in times if at is not None}


def type_json(one: TypeDef, *, attributes: bool = False) -> dict[str, Any]:
    """An entity type, with its attributes when asked for."""
    body: dict[str, Any] = {
        "name": one.name,
        "plural": one.plural,
        "label": one.label,
        "plural_label": one.plural_label,
        "wire_id": one.wire_id,
        "description": one.description,
        "primary_display": one.primary_display or None,
        "secondary_display": list(one.secondary_display),
        "required": list(one.required),
        "searchable": list(one.searchable),
        "builtin": one.builtin,
        "archived": one.archived_at is not None,
    }
    if attributes:
        body["attributes"] = [attribute_json(found) for found in one.attributes]
    return body


def new_attribute(body: dict[str, Any], where: str = "") -> AttributeDef:
    """The definition a body asks for. Raises Invalid with every error."""
    known_keys(body, CREATABLE, where)
    errors = ErrorList()
    values = attribute_values(body, errors, where)
    label, name = str(values.pop("label", "")).strip(), str(values.pop("name", "")).strip()
    if not label and not name:
        errors.add(f"{where}label", "REQUIRED_FIELD", f"{where}label is required: what people call the attribute")
    errors.raise_if_any()
    kind = values.pop("kind", "enumeration" if values.get("options") else "string")
    return AttributeDef(name=name, label=label or name, kind=str(kind), **values)


def attribute_values(body: dict[str, Any], errors: ErrorList, where: str = "") -> dict[str, Any]:
    """Fields of AttributeDef from a body, those it names; errors go to `errors` under `where`."""
    found: dict[str, Any] = {key: read_text(body, key, errors, where) for key in TEXTS if key in body}
    found |= {key: _flag(body, key, errors, where) for key in FLAGS if key in body}
    if "type" in body:
        found["kind"] = read_text(body, "type", errors, where)
    if "options" in body:
        found["options"] = _options(body["options"], errors, where)
    if "display_order" in body:
        if type(body["display_order"]) is int and -1 <= body["display_order"] < 2**31:
            found["display_order"] = body["display_order"]
        else:
            errors.add(f"{where}display_order", "INVALID_INTEGER", f"{where}display_order must be a whole number")
    return found


def new_type(body: dict[str, Any]) -> TypeDef:
    """The entity type a body describes. Raises Invalid with everything wrong."""
    errors = ErrorList()
    texts: dict[str, Any] = {key: read_text(body, key, errors) for key in TYPE_TEXTS if key in body}
    lists: dict[str, Any] = {key: read_names(body, key, errors) for key in TYPE_LISTS if key in body}
    label = texts.pop("label", "") or texts.get("name", "")
    if not label:
        errors.add("label", "REQUIRED_FIELD", "label is required: what people call one such entity")
    attributes = _new_attributes(body.get("attributes"), errors)
    errors.raise_if_any()
    name = texts.pop("name", "") or slug(label)
    plural = texts.pop("plural", "") or f"{name}s"
    plural_label = texts.pop("plural_label", "") or label
    return TypeDef(name, plural, label, plural_label, attributes=attributes, **texts, **lists)


def _new_attributes(raw: object, errors: ErrorList) -> tuple[AttributeDef, ...]:
    if raw is None:
        return ()
    if not isinstance(raw, list) or not all(isinstance(one, dict) for one in raw):
        errors.add("attributes", "INVALID_LIST", "attributes must be a list of objects")
        return ()
    made = []
    for at, one in enumerate(raw):
        try:
            made.append(new_attribute(one, f"attributes[{at}]."))
        except Invalid as problem:
            errors.errors.extend(problem.errors)
    return tuple(made)


def _option_json(option: OptionDef) -> dict[str, Any]:
    return {
        "value": option.value,
        "label": option.label or option.value,
        "display_order": option.display_order,
        "hidden": option.hidden,
        "description": option.description,
    }


def _options(raw: object, errors: ErrorList, where: str) -> tuple[OptionDef, ...]:
    if not isinstance(raw, list) or len(raw) > MAX_OPTIONS:
        errors.add(f"{where}options", "INVALID_LIST", f"{where}options must be a list of at most {MAX_OPTIONS}")
        return ()
    return tuple(_option(one, f"{where}options[{at}]", at, errors) for at, one in enumerate(raw))


def _option(raw: object, where: str, at: int, errors: ErrorList) -> OptionDef:
    if isinstance(raw, str) and raw.strip():
        return OptionDef(raw.strip(), raw.strip(), at)
    if not isinstance(raw, dict):
        errors.add(where, "INVALID_JSON", f'{where} must be a text or {{"value", "label"}}')
        return OptionDef("")
    try:
        known_keys(raw, ("value", "label", "display_order", "hidden", "description"), f"{where}.")
    except Invalid as problem:
        errors.errors.extend(problem.errors)
    value, label, description = (read_text(raw, key, errors, f"{where}.") for key in ("value", "label", "description"))
    if not value and not label:
        errors.add(where, "REQUIRED_FIELD", f"{where} needs a value or a label")
    order = raw.get("display_order", at)
    hidden = _flag(raw, "hidden", errors, f"{where}.")
    return OptionDef(value or label, label or value, order if type(order) is int else at, hidden, description)


def read_text(body: dict[str, Any], key: str, errors: ErrorList, where: str = "") -> str:
    """A text of a body; "" and an error when it is something else."""
    found = body.get(key)
    if found is None:
        return ""
    if not isinstance(found, str):
        errors.add(f"{where}{key}", "INVALID_TEXT", f"{where}{key} must be a text")
        return ""
    return found.strip()


def _flag(body: dict[str, Any], key: str, errors: ErrorList, where: str = "") -> bool:
    found = body.get(key, False)
    if not isinstance(found, bool):
        errors.add(f"{where}{key}", "INVALID_BOOLEAN", f"{where}{key} must be true or false")
        return False
    return found


def read_names(body: dict[str, Any], key: str, errors: ErrorList) -> tuple[str, ...]:
    """A list of names of a body; empty and an error when it is something else."""
    found = body.get(key)
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        errors.add(key, "INVALID_LIST", f"{key} must be a list of attribute names")
        return ()
    return tuple(found)
