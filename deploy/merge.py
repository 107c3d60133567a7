"""One OpenAPI document out of the services' documents. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def merged(documents: Iterable[Mapping[str, Any]], title: str) -> dict[str, Any]:
    """Paths, components and tags of all, the first document's word counting where several define the same."""
    result: dict[str, Any] = {}
    for document in documents:
        if not result:
            result = {name: value for name, value in document.items() if name not in ("paths", "components", "tags")}
            result["info"] = {**document.get("info", {}), "title": title}
            result |= {"paths": {}, "components": {}, "tags": []}
        for path, operations in document.get("paths", {}).items():
            known = result["paths"].setdefault(path, {})
            result["paths"][path] = {**operations, **known}
        for kind, entries in document.get("components", {}).items():
            result["components"][kind] = {**entries, **result["components"].get(kind, {})}
        names = {tag["name"] for tag in result["tags"]}
        result["tags"] += [tag for tag in document.get("tags", []) if tag["name"] not in names]
    return result
