"""POST /api/v1/objects/tickets/{id}/split: some of what was said about a ticket becomes a ticket of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response
from pydantic import BaseModel

from services.service_desk.promises.keeping import ENTRY, TICKET
from services.service_desk.splitting.commands import MOST, split
from shared.kernel.errors import ErrorList
from shared.service.entities import Ref, View
from shared.service.permissions import require
from shared.service.web.native.models import EntityOut
from shared.service.web.native.present import change_id, entity_id, entity_json
from shared.service.web.operation import Operation, answer
from shared.service.web.request import BIGGEST_ID, context, json_object, known_keys

if TYPE_CHECKING:
    from shared.service.runtime import Runtime


class Splitting(BaseModel):
    """entries: ids of what is to be about the new ticket. values: what is to be different about that."""

    entries: list[str]
    values: dict[str, Any] | None = None


class SplitTicket(BaseModel):
    """The new ticket, and what moved there."""

    ticket: EntityOut
    entries: list[str]


def split_ticket(service: Runtime, id: str) -> Response:
    """Make a ticket of some of what was said about another one."""
    ctx, body = context(), json_object()
    for name in (TICKET, ENTRY):
        require(ctx.actor, "objects", service.catalog.type(name).defn, "write")
    known_keys(body, ("entries", "values"))
    ticket = entity_id(TICKET, id)
    entries, values = _read(body)
    found = split(service, ctx, ticket, entries, values)
    (made,) = service.entities.read(ctx, TICKET, [Ref(found.ticket)], View("json"))
    assert made is not None
    shown = {"ticket": entity_json(TICKET, made), "entries": [str(one) for one in found.entries]}
    return answer(shown, 201, {"X-Change-Id": change_id(service, TICKET, made)})


def _read(body: dict[str, Any]) -> tuple[list[int], dict[str, object]]:
    errors = ErrorList()
    listed, values = body.get("entries"), body.get("values", {})
    if not isinstance(listed, list) or not 1 <= len(listed) <= MOST:
        errors.add("entries", "REQUIRED_FIELD", f"entries: a list of 1 to {MOST} ids of entries of this ticket")
        listed = []
    entries: list[int] = []
    for place, one in enumerate(listed):
        text = str(one)
        if not (text.isascii() and text.isdigit() and 0 < int(text) <= BIGGEST_ID) or isinstance(one, bool):
            errors.add(f"entries[{place}]", "INVALID_INTEGER", f"entries[{place}] is no id")
        elif int(text) in entries:
            errors.add(f"entries[{place}]", "DUPLICATE", f"entries[{place}]: {text} is named twice")
        else:
            entries.append(int(text))
    if not isinstance(values, dict):
        errors.add("values", "INVALID_TYPE", "values must be an object: what is to be different about the new ticket")
    errors.raise_if_any()
    return entries, dict(values)


OPERATIONS = (
    Operation(
        "POST",
        "/api/v1/objects/tickets/{id}/split",
        "splitTicket",
        "Split a ticket in two",
        split_ticket,
        success=201,
        body=Splitting,
        response=SplitTicket,
        example={"entries": ["1"], "values": {"subject": "Another matter"}},
        tag="Tickets",
        description="What was said moves, with when it was said; the clocks of both tickets are worked out anew.",
    ),
)
