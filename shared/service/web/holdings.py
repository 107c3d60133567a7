"""Doors for those who keep a copy of a service's entities: its catalog, its entities page by page, sums to compare by.

A copy is begun by noting the head of the feed, reading these, and following the feed from that head on; an event that
tells of a version already copied is passed over. All need the scope `crm.feed.read`, like the feed itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC
from typing import TYPE_CHECKING, Any

from flask import Response
from pydantic import BaseModel

from shared.eav.holdings import HeldVersion
from shared.kernel.clock import iso
from shared.kernel.errors import Invalid
from shared.service.web.operation import Operation, QueryParam, answer
from shared.service.web.request import bool_param, context, int_param, text_param

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

MOST_ENTITIES = 1000
MOST_RANGES = 1000
MOST_LINKS = 5000
SPAN = 10_000
MOST_SPAN = 2**40
MOST_ID = 2**62
_FRESH = {"Cache-Control": "no-store"}


class CatalogDocument(BaseModel):
    """Every entity type of a service as catalog events tell it."""

    service: str
    types: list[dict[str, Any]]


class HoldingsPage(BaseModel):
    """Entities in id order: canonical values by attribute id."""

    results: list[dict[str, Any]]
    next_after: str | None = None


class LinksPage(BaseModel):
    """Links as [relation, from id, to id], on demand with the clock of the write and the service that made it; or sums
    of links as [relation, lowest from id, highest from id, how many, what their ends come to]."""

    results: list[list[str]]
    next_after: str | None = None


class Sums(BaseModel):
    """Sums of checksums by ranges of ids."""

    results: list[dict[str, Any]]
    last: str | None = None


def catalog(service: Runtime) -> Response:
    """All types with their attributes."""
    found = service.holdings.catalog(context())
    return answer({"service": service.manifest.name, "types": found}, 200, _FRESH)


def entities(service: Runtime, type: str) -> Response:
    """A page of entities at their versions."""
    limit = int_param("limit", MOST_ENTITIES, MOST_ENTITIES, least=1) or MOST_ENTITIES
    found = service.holdings.entities(context(), type, after=_after(), limit=limit)
    past = service.holdings.versions(context(), type, found) if bool_param("versions") else {}
    results: list[dict[str, Any]] = [
        {
            "id": str(one.id),
            "version": one.version,
            "archived": one.archived,
            "created_at": one.created_at,
            "updated_at": one.updated_at,
            "values": one.values,
            "checksum": str(one.checksum),
            **({"versions": [_version(step) for step in past[one.id]]} if one.id in past else {}),
        }
        for one in found
    ]
    return answer(_page(results, found, limit), 200, _FRESH)


def _version(one: HeldVersion) -> dict[str, Any]:
    return {
        "version": one.version,
        "kind": f"entity.{one.kind}",
        "at": iso(one.at.replace(tzinfo=UTC)),
        "effective_at": iso(one.effective_at.replace(tzinfo=UTC)),
        "actor": one.actor,
        "changed": one.changed,
    }


def links(service: Runtime) -> Response:
    """A page of all links."""
    limit = int_param("limit", MOST_LINKS, MOST_LINKS, least=1) or MOST_LINKS
    if bool_param("sums"):
        return _link_sums(service, limit)
    found = service.holdings.links(context(), after=_place(text_param("after")), limit=limit)
    shown = slice(None if bool_param("clocks") else 3)
    results = [["" if one is None else str(one) for one in list(row)[shown]] for row in found]
    body: dict[str, Any] = {"results": results}
    if len(found) == limit:
        body["next_after"] = ".".join(str(one) for one in found[-1][:3])
    return answer(body, 200, _FRESH)


def _link_sums(service: Runtime, limit: int) -> Response:
    span = int_param("span", SPAN, MOST_SPAN, least=1) or SPAN
    relation, low, _ = _place(text_param("after"))
    found = service.holdings.link_sums(context(), after=(relation, low), span=span, limit=limit)
    results = [[str(part) for part in (one.relation, one.low, one.high, one.count, one.total)] for one in found]
    body: dict[str, Any] = {"results": results}
    if len(found) == limit:
        body["next_after"] = f"{found[-1].relation}.{found[-1].high}.0"
    return answer(body, 200, _FRESH)


def _place(text: str) -> tuple[int, int, int]:
    if not text:
        return 0, 0, 0
    if not re.fullmatch(r"\d{1,9}\.\d{1,18}\.\d{1,18}", text):
        raise Invalid.one("after", "INVALID_CURSOR", "after must be `next_after` of the page before")
    relation, here, there = map(int, text.split("."))
    return relation, here, there


def checksums(service: Runtime, type: str) -> Response:
    """Sums by ranges; with `verify` each entity of one page is read again and its checksum made anew."""
    if bool_param("verify"):
        damaged, read = service.holdings.damaged(context(), type, after=_after(), limit=MOST_ENTITIES)
        results = [{"id": str(one.id), "version": one.version} for one in damaged]
        return answer(_page(results, read, MOST_ENTITIES) | {"read": len(read)}, 200, _FRESH)
    if bool_param("last"):
        return answer({"results": [], "last": str(service.holdings.last_id(context(), type))}, 200, _FRESH)
    span = int_param("span", SPAN, MOST_SPAN, least=1) or SPAN
    ranges = int_param("ranges", 100, MOST_RANGES, least=1) or 100
    sums = service.holdings.sums(context(), type, after=_after(), span=span, ranges=ranges)
    listed = [{**asdict(one), "low": str(one.low), "high": str(one.high)} for one in sums]
    return answer({"results": listed}, 200, _FRESH)


def _after() -> int:
    return min(int_param("after", 0) or 0, MOST_ID)


def _page(results: list[dict[str, Any]], read: Sequence[Any], limit: int) -> dict[str, Any]:
    body: dict[str, Any] = {"results": results}
    if len(read) == limit:
        body["next_after"] = str(read[-1].id)
    return body


def operations(name: str) -> tuple[Operation, ...]:
    """The doors of the service `name`."""
    base = f"/api/v1/{name}"
    scope = "Needs `crm.feed.read`."
    after = QueryParam("after", "integer", "Ids behind this one", 0)
    return (
        Operation("GET", f"{base}/catalog", "readWholeCatalog", "Entity types as catalog events tell them", catalog,
                  response=CatalogDocument, tag="Changes", description=scope),
        Operation("GET", f"{base}/entities/{{type}}", "readHoldings", "Entities as events tell them, by id", entities,
                  query=(after, QueryParam("limit", "integer", f"At most {MOST_ENTITIES}", MOST_ENTITIES),
                         QueryParam("versions", "boolean", "With every version that led there, as history keeps them",
                                    False)),
                  response=HoldingsPage, tag="Changes", description=scope),
        Operation("GET", f"{base}/links", "readAllLinks", "All links, each in both directions", links,
                  query=(QueryParam("after", "string", "`next_after` of the page before"),
                         QueryParam("limit", "integer", f"At most {MOST_LINKS}", MOST_LINKS),
                         QueryParam("clocks", "boolean", "With the clock of each link, and the service that wrote it "
                                    "unless it is this one", False),
                         QueryParam("sums", "boolean", "Sums by relation and ranges of ids instead, to compare a copy "
                                    "by", False),
                         QueryParam("span", "integer", "Ids per range of sums", SPAN)),
                  response=LinksPage, tag="Changes", description=scope),
        Operation("GET", f"{base}/checksums/{{type}}", "readChecksums", "Sums of checksums by ranges of ids", checksums,
                  query=(after, QueryParam("span", "integer", "Ids per range", SPAN),
                         QueryParam("ranges", "integer", f"Ranges, at most {MOST_RANGES}", 100),
                         QueryParam("last", "boolean", "Only the greatest id instead", False),
                         QueryParam("verify", "boolean", "Read a page of entities again instead, and answer those "
                                    "whose checksum is not that of their values", False)),
                  response=Sums, tag="Changes", description=scope),
    )  # fmt: skip
