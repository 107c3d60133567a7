"""Examples of bodies: those an operation declares, turned to fit an entity type, or one made from the schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.eav.declare import TypeDef
from shared.service.web.openapi.schemas import Components
from shared.service.web.openapi.values import (
    Form,
    Schema,
    example_of,
    first_names,
    key_of,
    sample_values,
    unique_attribute,
)

MAX_DEPTH = 8
FIRST_ID = "1"
_FORM_OF: Mapping[str, Form] = {
    "values": "values",
    "by": "values",
    "attributes": "values",
    "properties": "properties",
    "idProperty": "properties",
}
_LINKED = ("to", "type", "associationTypeId")
_BY_FORMAT = {
    "date": "2030-01-31",
    "date-time": "2030-01-31T12:00:00.000Z",
    "email": "ada@example.org",
    "uri": "https://example.org",
}
_BY_TYPE = {"string": "example", "integer": 1, "number": 1, "boolean": True, "null": None}


@dataclass(frozen=True, slots=True)
class Partner:
    """An entity that the one in an example can be linked to: its type, its id, the plain relation that leads there."""

    type: str
    id: str
    relation: int


@dataclass(frozen=True, slots=True)
class Subject:
    """The entity type that examples are about, an entity of it that is there, and one to link that to."""

    defn: TypeDef
    id: str = FIRST_ID
    partner: Partner | None = None


def fitted(example: Any, subject: Subject) -> Any:
    """An example with the names, values and ids of one entity type in place of those it was written with."""
    if isinstance(example, list):
        return [fitted(one, subject) for one in example]
    if not isinstance(example, dict):
        return example
    made = {key: _fitted_key(key, value, subject) for key, value in example.items()}
    return _with_unique(_with_known(made, subject.defn), subject)


def _fitted_key(key: str, value: Any, subject: Subject) -> Any:
    defn = subject.defn
    if key == "id" and isinstance(value, str) and value.isdigit():
        return subject.id
    if key == "ids" and isinstance(value, list):
        return [subject.id]
    if subject.partner is not None and key in _LINKED:
        linked = _linked(key, value, subject.partner)
        if linked is not None:
            return linked
    if key == "groupName":
        return next((one.name for one in defn.groups if not one.archived), value)
    form = _FORM_OF.get(key)
    if form is None:
        return fitted(value, subject)
    if isinstance(value, dict):
        return sample_values(defn, form)
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return first_names(defn, form)
    unique = unique_attribute(defn)
    if isinstance(value, str) and unique is not None:
        return key_of(unique, form)
    return fitted(value, subject)


def _linked(key: str, value: Any, partner: Partner) -> Any:
    """The far end of a link in place of that of the example; None for what is none."""
    if key == "associationTypeId":
        return partner.relation
    if key == "type":
        return str(partner.relation) if isinstance(value, str) and value.isdigit() else None
    return [{"id": partner.id}] if isinstance(value, list) else {"id": partner.id}


def _with_known(made: dict[str, Any], defn: TypeDef) -> dict[str, Any]:
    """Filters and sorts of the wire dialect name an attribute that this type may lack."""
    name = made.get("propertyName")
    if name is None or name in {one.wire for one in defn.attributes}:
        return made
    names = first_names(defn, "properties")
    if "direction" in made or not names:
        return {**made, "propertyName": "hs_object_id"}
    kept = {key: value for key, value in made.items() if key not in ("value", "values", "highValue")}
    return {**kept, "propertyName": names[0], "operator": "HAS_PROPERTY"}


def _with_unique(made: dict[str, Any], subject: Subject) -> dict[str, Any]:
    """Upserts name a unique attribute: the id, or the values beside it, must be one. Without any, the id is meant."""
    unique = unique_attribute(subject.defn)
    if "idProperty" in made and "id" in made:
        made = {**made, "id": str(example_of(unique, "properties")) if unique is not None else subject.id}
    if unique is None:
        made.pop("idProperty", None)
    elif "by" in made and isinstance(made.get("inputs"), list):
        for one in made["inputs"]:
            one["values"] = {**one.get("values", {}), unique.name: example_of(unique, "values")}
    return made


def sample(schema: Schema, components: Components, depth: int = 0, key: str = "") -> Any:
    """Something the schema allows: required fields, and free values."""
    found = components.resolve(schema)
    for given in ("example", "const", "default"):
        if given in found and found[given] is not None:
            return found[given]
    if depth > MAX_DEPTH or (key in ("id", "ids") and found.get("type") == "string"):
        return FIRST_ID
    if found.get("enum"):
        return found["enum"][0]
    for word in ("anyOf", "oneOf", "allOf"):
        if found.get(word):
            return sample(found[word][0], components, depth + 1, key)
    kind = found.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "array":
        return [sample(found.get("items", {}), components, depth + 1, key)]
    if kind == "object" or "properties" in found:
        return _sample_object(found, components, depth)
    return _BY_FORMAT.get(found.get("format", ""), _BY_TYPE.get(kind or ""))


def _sample_object(schema: Schema, components: Components, depth: int) -> dict[str, Any]:
    fields = schema.get("properties", {})
    wanted = [name for name in fields if name in schema.get("required", ()) or name in ("values", "properties")]
    return {name: sample(fields[name], components, depth + 1, name) for name in wanted}
