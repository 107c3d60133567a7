"""The OpenAPI 3.1 document: operations in, document out. Pure, and the same input gives the same bytes.

An operation whose path has `{type}` appears once per entity type, with that type's attributes in its schemas.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shared.service.known_types import known_type
from shared.service.web.openapi.examples import FIRST_ID, Subject, fitted, sample
from shared.service.web.openapi.schemas import Components
from shared.service.web.openapi.values import first_names, first_stage, unique_attribute
from shared.service.web.operation import Operation, QueryParam

TYPE = "{type}"
JSON = "application/json"
_QUERY_TYPES = {"array": {"type": "array", "items": {"type": "string"}}}
_PATH_EXAMPLES = {
    "id": FIRST_ID,
    "name": "example",
    "type": "contacts",
    "from_type": "contacts",
    "to_type": "companies",
    "to_id": FIRST_ID,
}
_CUSTOM_TYPES = {True: "machine", False: "car"}  # what the examples of making a type make, at the native door or not
_CUSTOM_ATTRIBUTE = "expected_revenue"  # and those of making an attribute
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
    service: str, operations: Sequence[Operation], subjects: Sequence[Subject], url: str, version: str
) -> dict[str, Any]:
    """The document of one service with these entity types."""
    operations = [one for one in operations if not one.hidden]
    bodies = [one.body for one in operations if one.body is not None]
    components = Components(bodies, [one.response for one in operations if one.response is not None])
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        for subject in _subjects(operation, subjects):
            path = operation.path.replace(TYPE, subject.defn.plural) if subject else operation.path
            described = _operation(operation, subject, service, components)
            paths.setdefault(path.replace(":path}", "}"), {})[operation.method.lower()] = described
    return _whole(service, paths, components.schemas, url, version)


def _subjects(operation: Operation, subjects: Sequence[Subject]) -> Sequence[Subject | None]:
    """Whom an operation is shown for: each entity type that its path may name, else just once."""
    if TYPE not in operation.path:
        return (None,)
    if operation.types:
        own = {one.defn.name: one for one in subjects}
        elsewhere = {name: Subject(defn) for name in operation.types if (defn := known_type(name)) is not None}
        return [found for name in operation.types if (found := own.get(name) or elsewhere.get(name)) is not None]
    chosen = [one for one in subjects if _means(operation, one)]
    return chosen or ((None,) if operation.custom or operation.pipelined else ())


def _means(operation: Operation, subject: Subject) -> bool:
    if operation.custom and subject.defn.builtin:
        return False
    if operation.pipelined and subject.defn.builtin and not first_stage(subject.defn):
        return False
    return not operation.by_unique or unique_attribute(subject.defn) is not None


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


def _operation(operation: Operation, subject: Subject | None, service: str, components: Components) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": _operation_id(operation, subject, service),
        "summary": f"{operation.summary} ({subject.defn.plural})" if subject else operation.summary,
        "tags": [f"{operation.tag or 'Other'}: {subject.defn.plural}" if subject else operation.tag or "Other"],
        "parameters": _parameters(operation, subject),
        "responses": _responses(operation, subject, components),
    }
    if operation.description:
        described["description"] = operation.description
    if operation.body is not None:
        schema = components.body(operation.body, subject.defn if subject else None)
        example = operation.example
        if example is None:
            example = sample(schema, components)
        if subject is not None:
            example = fitted(example, subject)
        described["requestBody"] = {"content": {JSON: {"schema": schema, "example": example}}}
    if operation.public:
        described["security"] = []
    return described


def _operation_id(operation: Operation, subject: Subject | None, service: str) -> str:
    if subject is not None:
        return f"{operation.name}_{subject.defn.plural}"
    return f"{operation.name}_{service}" if f"/{service}/" in operation.path else operation.name


def _parameters(operation: Operation, subject: Subject | None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for part in operation.path.split("/"):
        if part.startswith("{") and part.endswith("}") and not (part == TYPE and subject is not None):
            name = part[1:-1].partition(":")[0]
            parameter = {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            found.append({**parameter, "example": _path_example(operation, name, subject)})
    found += [_query(one) for one in operation.query]
    named = [*operation.headers, *(("Idempotency-Key",) if operation.takes_key else ())]
    return found + [{"$ref": f"#/components/parameters/{name}"} for name in named]


def _path_example(operation: Operation, name: str, subject: Subject | None) -> str:
    path = operation.path
    if "/pipelines" in path and subject is not None and name in ("id", "stage"):
        return first_stage(subject.defn).get(name, "example")
    if name == "type" and (operation.custom or operation.pipelined):
        return _CUSTOM_TYPES[path.startswith("/api/")]
    if name == "name" and operation.method == "DELETE" and "/groups/" not in path:
        return _CUSTOM_ATTRIBUTE  # the built-in ones stay
    if subject is not None:
        groups = [one.name for one in subject.defn.groups if not one.archived]
        names = groups if "/groups/" in path else first_names(subject.defn, "properties")
        known = {"id": subject.id, "name": names[0] if names else "example"}
        if subject.partner is not None:
            known |= {"to_type": subject.partner.type, "to_id": subject.partner.id}
        return known.get(name, _PATH_EXAMPLES.get(name, "example"))
    return _PATH_EXAMPLES.get(name, "example")


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


_BARE = {204: "Done", 304: "Not changed"}
"""Answers without a body, and what they say."""


def _responses(operation: Operation, subject: Subject | None, components: Components) -> dict[str, Any]:
    good: dict[str, Any] = {"description": "Done"}
    if operation.response is not None and operation.success != 204:
        media: dict[str, Any] = {"schema": components.response(operation.response, subject.defn if subject else None)}
        if operation.answer_example is not None:
            media["example"] = fitted(operation.answer_example, subject) if subject else operation.answer_example
        good["content"] = {JSON: media}
    if operation.produces:
        good["content"] = {one.partition(";")[0]: {} for one in operation.produces}
    found = {str(operation.success): good}
    for status in operation.statuses:
        found[str(status)] = (
            {"description": _BARE[status]} if status in _BARE else {**good, "description": "Partly done"}
        )
    found["default"] = {"$ref": "#/components/responses/Error"}
    return found


def _tags(paths: dict[str, dict[str, Any]]) -> list[dict[str, str]]:
    named = {tag for methods in paths.values() for one in methods.values() for tag in one["tags"]}
    return [{"name": tag} for tag in sorted(named)]


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
