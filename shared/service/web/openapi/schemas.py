"""Schemas of bodies: pydantic models as OpenAPI components, and copies of them that know an entity type's attributes.

A model is open when it, or one it holds, has a field `values` or `properties` of free content; its copy for a type
refers to that type's schema there.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from shared.eav.declare import TypeDef
from shared.service.web.openapi.values import Form, Schema, type_schema

REF = "#/components/schemas/"
FORMS: tuple[Form, ...] = ("values", "properties")
Model = type[BaseModel]


class Components:
    """The schemas of one document, growing as they are asked for."""

    def __init__(self, bodies: Iterable[Model], responses: Iterable[Model]) -> None:
        wanted: list[tuple[Model, JsonSchemaMode]] = [(one, "validation") for one in dict.fromkeys(bodies)]
        wanted += [(one, "serialization") for one in dict.fromkeys(responses)]
        names, defs = models_json_schema(wanted, ref_template=REF + "{model}")
        self.schemas: dict[str, Schema] = defs.get("$defs", {})
        self._refs = {(model, mode): found["$ref"].removeprefix(REF) for (model, mode), found in names.items()}
        self._open: dict[str, bool] = {}

    def body(self, model: Model, defn: TypeDef | None) -> Schema:
        """A reference to a request body's schema, for one entity type when given."""
        return self._reference(self._refs[model, "validation"], defn)

    def response(self, model: Model, defn: TypeDef | None) -> Schema:
        """A reference to an answer's schema, for one entity type when given."""
        return self._reference(self._refs[model, "serialization"], defn)

    def resolve(self, schema: Schema) -> Schema:
        """What a reference refers to; any other schema as it is."""
        while "$ref" in schema:
            schema = self.schemas[schema["$ref"].removeprefix(REF)]
        return schema

    def _reference(self, name: str, defn: TypeDef | None) -> Schema:
        if defn is None or not self._is_open(name, ()):
            return {"$ref": REF + name}
        return {"$ref": REF + self._specialised(name, defn)}

    def _specialised(self, name: str, defn: TypeDef) -> str:
        special = f"{name}_{defn.name}"
        if special not in self.schemas:
            made = copy.deepcopy(self.schemas[name])
            self.schemas[special] = made  # before its parts, which may refer back to it
            for part in _parts(made):
                inner = part.get("$ref", "").removeprefix(REF)
                if inner and self._is_open(inner, ()):
                    part["$ref"] = REF + self._specialised(inner, defn)
            for form in _open_fields(made):
                made["properties"][form] = {"$ref": REF + self._values(defn, form)}
        return special

    def _values(self, defn: TypeDef, form: Form) -> str:
        name = f"{defn.name}.{form}"
        if name not in self.schemas:
            self.schemas[name] = type_schema(defn, form)
        return name

    def _is_open(self, name: str, seen: tuple[str, ...]) -> bool:
        if name not in self._open:
            schema = self.schemas[name]
            inner = {part["$ref"].removeprefix(REF) for part in _parts(schema) if "$ref" in part} - {name, *seen}
            found = bool(_open_fields(schema)) or any(self._is_open(one, (name, *seen)) for one in sorted(inner))
            self._open[name] = found
        return self._open[name]


def _open_fields(schema: Schema) -> list[Form]:
    fields = schema.get("properties", {})
    return [form for form in FORMS if _is_free(fields.get(form))]


def _is_free(schema: Any) -> bool:
    """An object of free content, perhaps beside null."""
    if not isinstance(schema, dict):
        return False
    options = [schema, *schema.get("anyOf", ())]
    return any(one.get("type") == "object" and one.get("additionalProperties", False) is not False for one in options)


def _parts(schema: Any) -> Iterator[Schema]:
    if isinstance(schema, dict):
        yield schema
        for one in schema.values():
            yield from _parts(one)
    elif isinstance(schema, list):
        for one in schema:
            yield from _parts(one)
