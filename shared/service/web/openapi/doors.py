"""Serving a service's OpenAPI document: GET /{service}/openapi.json, named by the catalog's versions and cached."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, current_app, request

from shared.eav.catalog import LiveType
from shared.kernel import json
from shared.kernel.clock import monotonic
from shared.kernel.context import Context
from shared.service.entities import View
from shared.service.web.openapi.document import build
from shared.service.web.openapi.examples import FIRST_ID, Partner, Subject
from shared.service.web.operation import Operation, registered

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

VERSION = "0.1.0"
CACHE = "crm.openapi"
IDS = "crm.openapi.ids"
ASK_AGAIN = 30.0


def document(service: Runtime, app: Flask) -> tuple[str, bytes]:
    """The ETag and the bytes of the service's present document."""
    types = service.catalog.types()
    operations = registered(app)
    ids = _first_ids(service, app, [live.name for live in types])
    stamp = [*((live.id, live.version) for live in types), len(operations), ids]
    kept: tuple[Any, str, bytes] | None = app.extensions.get(CACHE)
    if kept is None or kept[0] != stamp:
        subjects = [
            Subject(live.defn, ids.get(live.name, FIRST_ID), _partner(service, live.name, types, ids)) for live in types
        ]
        made = build(service.manifest.name, operations, subjects, service.settings.base_url, VERSION)
        body = json.dumps(made)
        kept = (stamp, f'"{hashlib.sha256(body).hexdigest()[:24]}"', body)
        app.extensions[CACHE] = kept
    return kept[1], kept[2]


def _first_ids(service: Runtime, app: Flask, names: list[str]) -> dict[str, str]:
    """An entity of each type, so that examples name something that is there. Asked anew every ASK_AGAIN seconds."""
    kept: tuple[float, dict[str, str]] | None = app.extensions.get(IDS)
    if kept is not None and kept[0] > monotonic() and set(names) <= set(kept[1]):
        return kept[1]
    view = View(form="json", attributes=())
    found = {name: service.entities.list(Context(), name, view, limit=1, after=None)[0] for name in names}
    ids = {name: str(entities[0].id) if entities else FIRST_ID for name, entities in found.items()}
    app.extensions[IDS] = (monotonic() + ASK_AGAIN, ids)
    return ids


def _partner(service: Runtime, name: str, types: Sequence[LiveType], ids: Mapping[str, str]) -> Partner | None:
    """An entity of another type of the service, the one most likely there, for examples of links."""
    others = [live for live in types if live.name != name]
    if not others:
        return None
    other = max(others, key=lambda live: live.name in ids)
    plain = service.links.relations(Context(), name, other.name)[0]
    return Partner(other.plural, ids.get(other.name, FIRST_ID), plain.id)


def openapi(service: Runtime) -> Response:
    """The document; 304 when the caller has it."""
    return served(*document(service, current_app))


def served(etag: str, body: bytes) -> Response:
    """A document with its ETag, or 304."""
    headers = {"ETag": etag, "Cache-Control": "no-cache"}
    if etag in request.headers.get("If-None-Match", ""):
        return Response(b"", 304, headers)
    return Response(body, 200, headers, content_type="application/json")


def operations(name: str) -> tuple[Operation, ...]:
    """The document's door of the service `name`."""
    path = f"/{name}/openapi.json"
    return (Operation("GET", path, "openapi", "This document", openapi, tag="Health", public=True),)
