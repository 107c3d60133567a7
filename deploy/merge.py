"""One OpenAPI document out of the services' documents. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_REF = "#/components/"
Renamed = Mapping[str, str]
"""Reference by reference: what is called otherwise."""


def merged(documents: Iterable[Mapping[str, Any]], title: str) -> dict[str, Any]:
    """Paths, components and tags of all. Of a path that several know, the first one's word counts; of a component that
    says something else elsewhere, both are kept, the later one under a name that tells whose it is."""
    result: dict[str, Any] = {}
    for given in documents:
        document = given
        if not result:
            result = {name: value for name, value in document.items() if name not in ("paths", "components", "tags")}
            result["info"] = {**document.get("info", {}), "title": title}
            result |= {"paths": {}, "components": {}, "tags": []}
        elif renamed := _renamed(result["components"], document):
            document = _called(document, renamed)
        for path, operations in document.get("paths", {}).items():
            known = result["paths"].setdefault(path, {})
            result["paths"][path] = {**operations, **known}
        for kind, entries in document.get("components", {}).items():
            result["components"][kind] = {**entries, **result["components"].get(kind, {})}
        names = {tag["name"] for tag in result["tags"]}
        result["tags"] += [tag for tag in document.get("tags", []) if tag["name"] not in names]
    return result


def _renamed(known: Mapping[str, Any], document: Mapping[str, Any]) -> Renamed:
    """Components that are known and say something else, or lead to such ones."""
    title = str(document.get("info", {}).get("title", "")).rpartition(":")[2]
    owner = re.sub(r"[^A-Za-z0-9]+", "_", title).strip("_") or "other"
    own = {
        f"{_REF}{kind}/{name}": (known.get(kind, {}).get(name), entry)
        for kind, entries in document.get("components", {}).items()
        for name, entry in entries.items()
        if name in known.get(kind, {})
    }
    found = {ref for ref, (before, entry) in own.items() if before != entry}
    leads = {ref: set(_refs(entry)) for ref, (_, entry) in own.items()}
    while more := {ref for ref in own if ref not in found and leads[ref] & found}:
        found |= more
    return {ref: f"{ref}_{owner}" for ref in found}


def _called(document: Mapping[str, Any], renamed: Renamed) -> dict[str, Any]:
    """The document with other names of components."""
    found: dict[str, Any] = _told(document, renamed)
    for kind, entries in found.get("components", {}).items():
        found["components"][kind] = {
            renamed.get(f"{_REF}{kind}/{name}", name).rpartition("/")[2]: entry for name, entry in entries.items()
        }
    return found


def _told(part: Any, renamed: Renamed) -> Any:
    if isinstance(part, Mapping):
        return {
            key: renamed.get(one, one) if key == "$ref" and isinstance(one, str) else _told(one, renamed)
            for key, one in part.items()
        }
    return [_told(one, renamed) for one in part] if isinstance(part, list) else part


def _refs(part: Any) -> Iterator[str]:
    if isinstance(part, Mapping):
        for key, one in part.items():
            if key == "$ref" and isinstance(one, str):
                yield one
            yield from _refs(one)
    elif isinstance(part, list):
        for one in part:
            yield from _refs(one)
