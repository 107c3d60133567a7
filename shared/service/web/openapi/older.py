"""A 3.1 document told in OpenAPI 3.0, for the viewer of the docs page alone, whose packaged version knows no 3.1.

Everything else is served the 3.1 document. Pure; drops what 3.0 cannot say.
"""

from __future__ import annotations

from typing import Any

_VALUES = frozenset(("example", "examples", "default", "enum", "const"))
_UNKNOWN = frozenset(("const", "examples", "propertyNames", "identifier", "prefixItems", "contentMediaType"))
_NULL = {"type": "null"}


def as_3_0(document: dict[str, Any]) -> dict[str, Any]:
    """The same document for readers of 3.0."""
    return {**_told(document), "openapi": "3.0.3"}


def _told(part: Any) -> Any:
    if isinstance(part, list):
        return [_told(one) for one in part]
    if not isinstance(part, dict):
        return part
    made = {key: value if key in _VALUES else _told(value) for key, value in part.items()}
    if "content" in made or "paths" in made or "operationId" in made:
        return made
    return _schema(made)


def _schema(made: dict[str, Any]) -> dict[str, Any]:
    kinds = made.get("type")
    if isinstance(kinds, list):
        named = [one for one in kinds if one != "null"]
        made = {**made, "type": named[0] if named else "string", "nullable": "null" in kinds}
    options = made.get("anyOf")
    if isinstance(options, list) and _NULL in options:
        rest = [one for one in options if one != _NULL]
        made = {key: value for key, value in made.items() if key != "anyOf"} | {"nullable": True}
        made |= rest[0] if len(rest) == 1 and "$ref" not in rest[0] else {"anyOf": rest}
    if "const" in made:
        made["enum"] = [made["const"]]
    return {key: value for key, value in made.items() if key not in _UNKNOWN or not _is_keyword(key, value)}


def _is_keyword(key: str, value: Any) -> bool:
    """Whether a key is the schema's word and not the name of a field that happens to be called so."""
    return key == "const" or not isinstance(value, dict) or key == "propertyNames"
