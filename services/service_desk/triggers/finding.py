"""Which tickets a trigger is tried on: those that are named, else those that changed last; and what was said there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from services.service_desk.promises.keeping import ENTRY, TICKET
from shared.kernel.clock import iso
from shared.kernel.context import Context
from shared.kernel.errors import Invalid
from shared.service.entities import View
from shared.service.web.native.present import entity_id
from shared.service.web.native.query import read_query

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

MOST_TICKETS = 1000
_PAGE = 100


def tickets(service: Runtime, ctx: Context, given: object, since: datetime) -> list[int]:
    """Ids of tickets. Raises Invalid for a list that is none."""
    if given is None:
        return _every(service, ctx, TICKET, {"attribute": "updated_at", "operator": "GTE", "value": iso(since)})
    several = given if isinstance(given, list) else []
    if not several or len(several) > MOST_TICKETS:
        raise Invalid.one("tickets", "INVALID_LIST", f"tickets must be 1 to {MOST_TICKETS} ids")
    return sorted({entity_id(TICKET, one) for one in several})


def entries(service: Runtime, ctx: Context, about: Sequence[int], since: datetime) -> list[int]:
    """Ids of what was said about tickets since an instant."""
    lately = {"attribute": "created_at", "operator": "GTE", "value": iso(since)}
    found: list[int] = []
    for begin in range(0, len(about), _PAGE):
        ids = [str(one) for one in about[begin : begin + _PAGE]]
        wanted = {"and": [{"attribute": "ticket_id", "operator": "IN", "values": ids}, lately]}
        found += _every(service, ctx, ENTRY, wanted)
    return found


def _every(service: Runtime, ctx: Context, type_name: str, wanted: dict[str, Any]) -> list[int]:
    """The latest of what fits, in ids."""
    query = read_query({"filter": wanted, "sorts": ["-updated_at"], "limit": _PAGE, "total": "none"})
    found: list[int] = []
    while len(found) < MOST_TICKETS:
        page = service.entities.query(ctx, type_name, query, View("json", ()))
        found += [one.id for one in page.entities]
        if page.next_cursor is None:
            break
        query = replace(query, cursor=page.next_cursor)
    return found[:MOST_TICKETS]
