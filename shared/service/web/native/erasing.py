"""Erasing over HTTP: a person on request, and the ledger that keeps them erased."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response
from pydantic import BaseModel, Field

from shared.kernel.errors import Invalid
from shared.service.erasure.ledger import PAGE, Entry
from shared.service.web.native import present
from shared.service.web.native.models import Strict
from shared.service.web.native.single import PATH
from shared.service.web.operation import Operation, QueryParam, answer
from shared.service.web.request import bool_param, context, int_param, json_object, known_keys, text_param

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

MOST = 10_000


class ErasedOut(BaseModel):
    """Whose values are gone: the ids with their last versions. Empty when nobody was there."""

    erased: dict[str, int]


class LedgerEntry(Strict):
    """One erasure: no value, only keyed hashes of unique ones. `id` null: nobody had the value."""

    type: str
    id: str | None
    erased_at: str
    values: list[dict[str, Any]]


class LedgerPage(BaseModel):
    """A page of the ledger; `next_after` is missing on the last one."""

    results: list[LedgerEntry]
    next_after: str | None = None


class LedgerIn(Strict):
    """Entries of an exported ledger."""

    entries: list[LedgerEntry] = Field(max_length=MOST)


class TakenOver(BaseModel):
    """How many entries were taken over."""

    entries: int


class Reapplied(BaseModel):
    """How many entities of the ledger are known, and how many were there and are erased again."""

    known: int
    erased: int


class LiftValue(Strict):
    """A unique value that may be written again."""

    type: str
    attribute: str
    value: str


class Lifted(BaseModel):
    """Whether it was kept out."""

    lifted: bool


class Entity(BaseModel):
    """An entity of this service."""

    type: str
    id: str


class ReviewLine(BaseModel):
    """An entity that an erased one had, and others too: what it says of the erased one is for somebody to take out."""

    id: str
    erased: Entity
    entity: Entity
    at: str
    settled_at: str | None = None
    settled_by: str | None = None


class ReviewPage(BaseModel):
    """A page of what is to be looked at; `next_after` is missing on the last one."""

    results: list[ReviewLine]
    next_after: str | None = None


class Settled(BaseModel):
    """Whether it was still open."""

    settled: bool


def erase(service: Runtime, type: str, id: str) -> Response:
    """Erase an entity, and all that were merged into it."""
    known_keys(json_object(), ())
    name = service.catalog.type(type).name
    gone = service.erasure.erase(context(), name, present.reference(name, id, text_param("by")))
    changes = ", ".join(f"{service.manifest.name}/{name}/{ident}/{version}" for ident, version in gone.items())
    return answer(
        {"erased": {str(ident): version for ident, version in gone.items()}},
        headers={"X-Change-Id": changes} if changes else None,
    )


def export(service: Runtime) -> Response:
    """A page of the ledger."""
    limit = int_param("limit", PAGE, PAGE, least=1) or PAGE
    found = service.erasure.exported(context(), int_param("after", 0) or 0, limit + 1)
    body: dict[str, Any] = {"results": [one.to_document() for one in found[:limit]]}
    if len(found) > limit:
        body["next_after"] = str(found[limit - 1].id)
    return answer(body)


def take_over(service: Runtime) -> Response:
    """Take over entries of an exported ledger."""
    body = json_object()
    known_keys(body, ("entries",))
    given = body.get("entries")
    if not isinstance(given, list) or len(given) > MOST:
        raise Invalid.one("entries", "INVALID_LIST", f"entries must be a list of at most {MOST} objects")
    entries = []
    for place, one in enumerate(given):
        try:
            entries.append(Entry.from_document(one))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            where = f"entries[{place}]"
            raise Invalid.one(where, "INVALID_JSON", f"{where} is no entry of an exported ledger") from error
    return answer({"entries": service.erasure.imported(context(), entries)})


def reviews(service: Runtime) -> Response:
    """A page of what is to be looked at."""
    limit = int_param("limit", PAGE, PAGE, least=1) or PAGE
    after, settled = int_param("after", 0) or 0, bool_param("settled")
    found = service.erasure.reviews(context(), after, limit + 1, settled=settled)
    body: dict[str, Any] = {"results": [one.to_document() for one in found[:limit]]}
    if len(found) > limit:
        body["next_after"] = str(found[limit - 1].id)
    return answer(body)


def settle(service: Runtime, id: str) -> Response:
    """Note that somebody looked at it."""
    known_keys(json_object(), ())
    return answer({"settled": service.erasure.settle(context(), present.entity_id("review", id))})


def reapply(service: Runtime) -> Response:
    """Erase again what a restored backup brought back."""
    return answer(service.erasure.reapply(context()))


def lift(service: Runtime) -> Response:
    """Let an erased value be written again."""
    body = json_object()
    known_keys(body, ("type", "attribute", "value"))
    for name in ("type", "attribute", "value"):
        if not isinstance(body.get(name), str) or not body[name]:
            raise Invalid.one(name, "REQUIRED_FIELD", f"{name} must be a text")
    return answer({"lifted": service.erasure.lift(context(), body["type"], body["attribute"], body["value"])})


OPERATIONS = (
    Operation(
        "POST",
        PATH + "/{id}/erase",
        "eraseEntity",
        "Erase an entity on request",
        erase,
        query=(QueryParam("by", "string", "Name of a unique attribute: the path then holds its value instead"),),
        response=ErasedOut,
        example={},
        tag="Entities",
        description="Values leave every table, the log, caches and imports; what was merged into it goes as well. "
        "This cannot be undone. Nobody there: 200 with nothing erased.",
    ),
)


def operations(name: str) -> tuple[Operation, ...]:
    """The ledger of the service `name`."""
    base, tag = f"/api/v1/{name}/erasures", "Erasures"
    paging = (
        QueryParam("limit", "integer", f"Entries per page, at most {PAGE}", PAGE),
        QueryParam("after", "integer", "`next_after` of the page before", 0),
    )
    return (
        Operation("GET", base, "exportErasures", "Export the ledger of erasures", export,
                  query=paging, response=LedgerPage, tag=tag, description="Needs `crm.erasures.read`."),
        Operation("POST", base, "importErasures", "Take over an exported ledger", take_over,
                  body=LedgerIn, example={"entries": []}, response=TakenOver, tag=tag,
                  description="Needs `crm.erasures.write`. Entries that are known stay as they are."),
        Operation("GET", base + "/review", "listErasureReviews", "List what was shared with erased entities", reviews,
                  query=(*paging, QueryParam("settled", "boolean", "Also what somebody has looked at", False)),
                  response=ReviewPage, tag=tag,
                  description="Activities of an erased person that are other people's too are not erased with them. "
                  "Needs `crm.erasures.read`."),
        Operation("POST", base + "/review/{id}/settle", "settleErasureReview", "Note that one was looked at", settle,
                  example={}, response=Settled, tag=tag, description="Needs `crm.erasures.write`."),
        Operation("POST", base + "/reapply", "reapplyErasures", "Erase again what a backup brought back", reapply,
                  example={}, response=Reapplied, tag=tag, description="Needs `crm.erasures.write`."),
        Operation("POST", base + "/lift", "liftErasure", "Let an erased value be written again", lift,
                  body=LiftValue, example={"type": "contact", "attribute": "email", "value": "ada@example.org"},
                  response=Lifted, tag=tag, description="Needs `crm.erasures.write`."),
    )  # fmt: skip
