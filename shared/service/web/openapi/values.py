"""Attributes as JSON Schema: one schema of an entity type's values per form, with an example that can be sent.

The form `values` is the native door's typed JSON, `properties` the wire dialect's text. Each kind has its row in KINDS.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from shared.eav.declare import AttributeDef, TypeDef

Form = Literal["values", "properties"]
Schema = dict[str, Any]
MOST_EXAMPLES = 3
LIKELY = {
    "first_name": "Ada",
    "last_name": "Lovelace",
    "name": "Analytical Engines",
    "company": "Analytical Engines",
    "domain": "example.org",
    "subject": "The engine stops",
    "email": "ada@example.org",
}
MOST_OPTIONS = 500


@dataclass(frozen=True, slots=True)
class KindSchema:
    """How values of a kind look as typed JSON, and one that would do. `plain`: fit for examples of any entity type."""

    schema: Schema
    example: object
    plain: bool = True
    text: Schema = field(default_factory=lambda: {"type": "string"})


KINDS: dict[str, KindSchema] = {
    "string": KindSchema({"type": "string"}, "Example"),
    "long_text": KindSchema({"type": "string", "maxLength": 65536}, "A longer example"),
    "number": KindSchema({"type": "number"}, 12.5, text={"type": "string", "format": "decimal"}),
    "boolean": KindSchema({"type": "boolean"}, True, text={"type": "string", "enum": ["true", "false"]}),
    "date": KindSchema({"type": "string", "format": "date"}, "2030-01-31", text={"type": "string", "format": "date"}),
    "datetime": KindSchema(
        {"type": "string", "format": "date-time"},
        "2030-01-31T12:00:00.000Z",
        text={"type": "string", "format": "date-time"},
    ),
    "enumeration": KindSchema({"type": "string"}, None, plain=False),
    "multi_enumeration": KindSchema({"type": "array", "items": {"type": "string"}}, None, plain=False),
    "email": KindSchema(
        {"type": "string", "format": "email"}, "ada@example.org", text={"type": "string", "format": "email"}
    ),
    "phone": KindSchema({"type": "string"}, "+4930901820", plain=False),
    "url": KindSchema({"type": "string", "format": "uri"}, "https://example.org", plain=False),
    "reference": KindSchema({"type": "string", "pattern": "^[0-9]+$"}, "1", plain=False),
}
UNKNOWN = KindSchema({}, None, plain=False)


def type_schema(defn: TypeDef, form: Form) -> Schema:
    """The values of an entity of this type."""
    attributes = sorted(defn.attributes, key=lambda one: (one.display_order < 0, one.display_order, one.name))
    return {
        "type": "object",
        "title": f"{defn.label}: {form}",
        "description": defn.description or f"{form.capitalize()} of a {defn.label.lower()}.",
        "properties": {key_of(one, form): attribute_schema(one, form) for one in attributes},
        "example": sample_values(defn, form),
    }


def key_of(attribute: AttributeDef, form: Form) -> str:
    """The name the form knows the attribute by."""
    return attribute.name if form == "values" else attribute.wire


def attribute_schema(attribute: AttributeDef, form: Form) -> Schema:
    """One attribute; null stands for a missing value."""
    kind = KINDS.get(attribute.kind, UNKNOWN)
    schema = dict(kind.schema if form == "values" else kind.text)
    offered = [one.value for one in attribute.options]
    if offered and len(offered) <= MOST_OPTIONS:
        _offer(schema, offered, several=schema.get("type") == "array", text=form == "properties", kind=attribute.kind)
    if isinstance(schema.get("type"), str):
        schema["type"] = [schema["type"], "null"]
    if "enum" in schema:
        schema["enum"] = [*schema["enum"], None]
    schema["title"] = attribute.label
    if attribute.description:
        schema["description"] = attribute.description
    if attribute.read_only:
        schema["readOnly"] = True
    return schema


def _offer(schema: Schema, offered: list[str], *, several: bool, text: bool, kind: str) -> None:
    if several:
        schema["items"] = {"type": "string", "enum": offered}
    elif text and isinstance(KINDS.get(kind, UNKNOWN).schema.get("items"), dict):
        schema["x-options"] = offered  # joined by `;` in this form, so no enum of the whole text
    else:
        schema["enum"] = offered


def sample_values(defn: TypeDef, form: Form) -> dict[str, Any]:
    """A few values that a new entity of this type may have."""
    chosen = {one.name: one for one in _sampled(defn)}
    return {key_of(one, form): example_of(one, form) for one in chosen.values()}


def first_names(defn: TypeDef, form: Form) -> list[str]:
    """A few names to ask for in reads."""
    named = [*_sampled(defn), *defn.attributes]
    return list(dict.fromkeys(key_of(one, form) for one in named))[:2]


def first_stage(defn: TypeDef) -> dict[str, str]:
    """A pipeline (`id`) of the type and a stage of it, empty when it has none."""
    for one in defn.attributes:
        if (found := next((option for option in one.options if option.parent), None)) is not None:
            return {"id": found.parent, "stage": found.value}
    return {}


def unique_attribute(defn: TypeDef) -> AttributeDef | None:
    """The first attribute entities can be told apart by."""
    return next((one for one in defn.attributes if one.unique and not one.read_only), None)


def _sampled(defn: TypeDef) -> Iterator[AttributeDef]:
    writable = [one for one in defn.attributes if not one.read_only]
    yield from (one for one in writable if one.required or one.name in defn.required)
    fit = [one for one in writable if KINDS.get(one.kind, UNKNOWN).plain and not one.unique]
    liked = [one for one in fit if one.name == defn.primary_display or one.searchable or one.name in defn.searchable]
    yield from (liked or fit)[:MOST_EXAMPLES]


def example_of(attribute: AttributeDef, form: Form) -> object:
    """A value that would do."""
    kind = KINDS.get(attribute.kind, UNKNOWN)
    offered = next((one.value for one in attribute.options if not one.hidden), None)
    if kind.example is None and offered is not None:
        several = kind.schema.get("type") == "array" and form == "values"
        return [offered] if several else offered
    example = LIKELY.get(attribute.name, kind.example) if kind.plain else kind.example
    return example if form == "values" else _text(example)


def _text(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if value is None else str(value)
