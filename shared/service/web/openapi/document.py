"""The OpenAPI 3.1 document: operations in, document out. Pure, and the same input gives the same bytes.

An operation whose path has `{type}` appears once per entity type, with that type's attributes in its schemas.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from shared.eav.declare import TypeDef
from shared.service.web.openapi.examples import FIRST_ID, fitted, sample
from shared.service.web.openapi.schemas import Components
from shared.service.web.openapi.values import first_names
from shared.service.web.operation import Operation, QueryParam

TYPE = "{type}"
JSON = "application/json"
_QUERY_TYPES = {"array": {"type": "array", "items": {"type": "string"}}}
_PATH_EXAMPLES = {"id": FIRST_ID, "name": "example", "type": "contacts"}
_HEADERS = {
    "Idempotency-Key": "A text of your choice: a repetition with the same key and body is carried out once",
    "If-Match": "Carry on only when the entity has this version, as ETag gave it",
    "If-None-Match": "Answer 304 when the entity still has this version",
}
_ERROR = {
    "type": "object",
    "required": ["status", "message", "correlationId", "category"],
    "properties": {
        "status": {"const": "error"},
        "message": {"type": "string"},
        "correlationId": {"type": "string"},
        "category": {"type": "string"},
        "subCategory": {"type": "string"},
        "context": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
        "links": {"type": "object", "additionalProperties": {"type": "string"}},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
}


def build(
    service: str, operations: Sequence[Operation], types: Sequence[TypeDef], url: str, version: str
) -> dict[str, Any]:
    """The document of one service."""
    shown = [one for one in operations if not one.path.startswith("/docs")]
    components = Components(
        (one.body for one in shown if one.body is not None), (one.response for one in shown if one.response is not None)
    )
    paths: dict[str, dict[str, Any]] = {}
    for operation in shown:
        for defn in types if TYPE in operation.path else (None,):
            path = operation.path.replace(TYPE, defn.plural) if defn else operation.path
            described = _operation(operation, defn, service, components)
            paths.setdefault(path.replace(":path}", "}"), {})[operation.method.lower()] = described
    return _whole(service, paths, components.schemas, url, version)


def merge(documents: Iterable[dict[str, Any]], title: str) -> dict[str, Any]:
    """One document of several services' documents. Where two describe the same, the first stands."""
    paths: dict[str, dict[str, Any]] = {}
    schemas: dict[str, Any] = {}
    whole: dict[str, Any] = {}
    for one in documents:
        whole = whole or one
        for path, methods in one["paths"].items():
            for method, described in methods.items():
                paths.setdefault(path, {}).setdefault(method, described)
        for name, schema in one["components"]["schemas"].items():
            schemas.setdefault(name, schema)
    info = {**whole.get("info", {"version": "0"}), "title": title}
    merged = {**whole, "info": info, "paths": paths, "tags": _tags(paths)}
    return {**merged, "components": {**whole.get("components", {}), "schemas": schemas}}


def _whole(service: str, paths: dict[str, Any], schemas: dict[str, Any], url: str, version: str) -> dict[str, Any]:
    responses = {"Error": {"description": "What went wrong", "content": {JSON: {"schema": _ref("Error")}}}}
    parameters = {
        name: {"name": name, "in": "header", "description": text, "schema": {"type": "string"}}
        for name, text in _HEADERS.items()
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"CRM: {service}",
            "version": version,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": url}],
        "security": [{"token": []}],
        "tags": _tags(paths),
        "paths": paths,
        "components": {
            "schemas": {"Error": _ERROR, **schemas},
            "responses": responses,
            "parameters": parameters,
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token: its text alone, without `Bearer`",
                }
            },
        },
    }


def _operation(operation: Operation, defn: TypeDef | None, service: str, components: Components) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": _operation_id(operation, defn, service),
        "summary": f"{operation.summary} ({defn.plural})" if defn else operation.summary,
        "tags": [f"{operation.tag or 'Other'}: {defn.plural}" if defn else operation.tag or "Other"],
        "parameters": _parameters(operation, defn),
        "responses": _responses(operation, defn, components),
    }
    if operation.description:
        described["description"] = operation.description
    if operation.body is not None:
        schema = components.body(operation.body, defn)
        example = operation.example
        if example is None:
            example = sample(schema, components)
        elif defn is not None:
            example = fitted(example, defn)
        described["requestBody"] = {"content": {JSON: {"schema": schema, "example": example}}}
    if operation.public:
        described["security"] = []
    return described


def _operation_id(operation: Operation, defn: TypeDef | None, service: str) -> str:
    if defn is not None:
        return f"{operation.name}_{defn.plural}"
    return f"{operation.name}_{service}" if f"/{service}/" in operation.path else operation.name


def _parameters(operation: Operation, defn: TypeDef | None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for part in operation.path.split("/"):
        if part.startswith("{") and part.endswith("}") and not (part == TYPE and defn is not None):
            name = part[1:-1].partition(":")[0]
            example = (
                (first_names(defn, "values") or ["example"])[0]
                if defn and name == "name"
                else _PATH_EXAMPLES.get(name, "example")
            )
            parameter = {"name": name, "in": "path", "required": True, "schema": {"type": "string"}, "example": example}
            found.append(parameter)
    found += [_query(one) for one in operation.query]
    named = [*operation.headers, *(("Idempotency-Key",) if operation.takes_key else ())]
    return found + [{"$ref": f"#/components/parameters/{name}"} for name in named]


def _query(one: QueryParam) -> dict[str, Any]:
    schema: dict[str, Any] = dict(_QUERY_TYPES.get(one.kind, {"type": one.kind}))
    if one.default is not None:
        schema["default"] = one.default
    found: dict[str, Any] = {"name": one.name, "in": "query", "schema": schema}
    if one.description:
        found["description"] = one.description
    if one.required:
        found["required"] = True
    if one.example is not None:
        found["example"] = one.example
    return found


def _responses(operation: Operation, defn: TypeDef | None, components: Components) -> dict[str, Any]:
    good: dict[str, Any] = {"description": "Done"}
    if operation.response is not None and operation.success != 204:
        media: dict[str, Any] = {"schema": components.response(operation.response, defn)}
        if operation.answer_example is not None:
            media["example"] = fitted(operation.answer_example, defn) if defn else operation.answer_example
        good["content"] = {JSON: media}
    found = {str(operation.success): good}
    for status in operation.statuses:
        found[str(status)] = {"description": "Not changed"} if status == 304 else {**good, "description": "Partly done"}
    found["default"] = {"$ref": "#/components/responses/Error"}
    return found


def _tags(paths: dict[str, dict[str, Any]]) -> list[dict[str, str]]:
    named = {tag for methods in paths.values() for one in methods.values() for tag in one["tags"]}
    return [{"name": tag} for tag in sorted(named)]


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
