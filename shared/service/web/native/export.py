"""Export: everything of a type that fits a filter as one file, streamed from one snapshot.

What is wrong is told before the first byte. A client that leaves frees the connection; when something breaks on the
way, the answer ends without its proper end, so that half a file is not taken for a whole one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from flask import Response

from shared.eav import filters
from shared.eav.extract import Extract, Extraction
from shared.kernel import json
from shared.kernel.clock import monotonic
from shared.kernel.context import Context
from shared.kernel.errors import ErrorList, Invalid
from shared.kernel.telemetry import logger
from shared.service.files.writing import FORMATS, Format
from shared.service.web.native import models, present
from shared.service.web.native.query import sorts_of
from shared.service.web.native.single import PATH
from shared.service.web.operation import Operation, QueryParam
from shared.service.web.request import bool_param, context, json_object, known_keys, list_param, text_param

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

KEYS = ("format", "attributes", "filter", "text", "sorts", "archived", "labels", "links")
_log = logger("export")


def export(service: Runtime, type: str) -> Response:
    """The file, as the query parameters say."""
    body: dict[str, Any] = {
        "format": text_param("format") or None,
        "attributes": list(list_param("attributes")) or None,
        "filter": _filter_param(),
        "text": text_param("text"),
        "sorts": list(list_param("sorts")),
        "archived": bool_param("archived"),
        "labels": bool_param("labels"),
        "links": list(list_param("links")),
    }
    return _exported(service, type, body)


def export_body(service: Runtime, type: str) -> Response:
    """The same with a body, for filters too long for an address."""
    body = json_object()
    known_keys(body, KEYS)
    return _exported(service, type, body)


def _filter_param() -> Any:
    text = text_param("filter")
    try:
        return json.loads(text) if text else None
    except json.JsonError:
        message = 'filter must be JSON such as {"attribute": "id", "operator": "GT", "value": 0}'
        raise Invalid.one("filter", "INVALID_JSON", message) from None


def _exported(service: Runtime, type: str, body: dict[str, Any]) -> Response:
    kind, extract = read_extract(body)
    live = service.catalog.type(type)
    ctx = context()
    found = service.exports.extract(ctx, live.name, extract)
    try:
        _refuse_many(kind, found)
        header = [one.label if body.get("labels") else one.name for one in found.columns]
        answer = Response(_told(kind.pieces(found, header), live.name, ctx), content_type=kind.content_type)
    except BaseException:
        found.close()
        raise
    answer.call_on_close(found.close)
    answer.headers["Content-Disposition"] = f'attachment; filename="{live.defn.plural}.{kind.name}"'
    return answer


def read_extract(body: dict[str, Any]) -> tuple[Format, Extract]:
    """The file format and what to read. Raises Invalid with every error."""
    errors = ErrorList()
    kind = FORMATS.get(body.get("format") or "csv")
    if kind is None:
        errors.add("format", "INVALID_OPTION", f"format must be one of {', '.join(FORMATS)}")
    text = body.get("text") or ""
    if not isinstance(text, str):
        errors.add("text", "INVALID_TEXT", "text must be a string")
    for key in ("archived", "labels"):
        if not isinstance(body.get(key) or False, bool):
            errors.add(key, "INVALID_BOOLEAN", f"{key} must be true or false")
    archived = body.get("archived") is True
    if archived and (body.get("filter") or text):
        errors.add("archived", "INVALID_FILTER", "archived entities are exported all: no filter, no text")
    attributes, links, node = _part(errors, body, "attributes"), _part(errors, body, "links"), None
    sorts = sorts_of(body.get("sorts"), errors)
    try:
        node = filters.parse(body["filter"]) if body.get("filter") is not None else None
    except Invalid as problem:
        errors.errors.extend(problem.errors)
    errors.raise_if_any()
    assert kind is not None
    named = None if attributes is None or present.ALL in attributes else attributes
    counted = kind.most_rows is not None
    return kind, Extract(node, text, sorts, named, links or (), archived, kind.form, counted, kind.longest)


def _part(errors: ErrorList, body: dict[str, Any], key: str) -> tuple[str, ...] | None:
    try:
        return present.names(body, key)
    except Invalid as problem:
        errors.errors.extend(problem.errors)
        return None


def _refuse_many(kind: Format, found: Extraction) -> None:
    if kind.most_rows is not None and (found.total or 0) > kind.most_rows:
        message = f"{found.total} entities fit, and {kind.name} holds {kind.most_rows} at most: choose csv, or a filter"
        raise Invalid.one("format", "TOO_MANY_ROWS", message)


def _told(pieces: Iterator[bytes], name: str, ctx: Context) -> Iterator[bytes]:
    """The pieces; how it ended is logged, since the request's own line was written when it began."""
    began, size, end = monotonic(), 0, "left"
    try:
        for piece in pieces:
            size += len(piece)
            yield piece
        end = "complete"
    except Exception:
        end = "broken"
        raise
    finally:
        told = {"type": name, "end": end, "bytes": size, "ms": round((monotonic() - began) * 1000)}
        _log.log(40 if end == "broken" else 20, "export", correlation_id=ctx.correlation, actor=ctx.actor.id, **told)


_SORTS = QueryParam("sorts", "array", "Names to sort by; a leading `-` is descending")
_LABELS = QueryParam("labels", "boolean", "Labels instead of names as header", False)
_LINKS = QueryParam("links", "array", "Entity types whose linked ids are columns, too: `associations.company`")
_TEXT = (
    "All is of one instant. In csv and xlsx values are text as the dialect shows it, in ndjson typed JSON. "
    "In csv and xlsx text that begins like a formula has an apostrophe in front, which an import takes away."
)

OPERATIONS = (
    Operation(
        "GET",
        PATH + "/export",
        "exportEntities",
        "Export entities as a file",
        export,
        query=(
            QueryParam("format", "string", f"One of {', '.join(FORMATS)}", "csv"),
            QueryParam("attributes", "array", "Names of columns; all if left out. The id comes first anyway"),
            QueryParam("filter", "string", "A filter as in a query, as JSON"),
            QueryParam("text", "string", "Words that occur in searchable attributes"),
            _SORTS,
            QueryParam("archived", "boolean", "Archived entities instead", False),
            _LABELS,
            _LINKS,
        ),
        tag="Entities",
        description=_TEXT,
        produces=tuple(one.content_type for one in FORMATS.values()),
    ),
    Operation(
        "POST",
        PATH + "/export",
        "exportEntitiesByBody",
        "Export entities as a file",
        export_body,
        body=models.ExportBody,
        example={"format": "csv", "filter": {"attribute": "id", "operator": "GT", "value": "0"}, "sorts": ["-id"]},
        tag="Entities",
        description=_TEXT,
        read_only=True,
        produces=tuple(one.content_type for one in FORMATS.values()),
    ),
)
