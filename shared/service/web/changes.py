"""The feed door: GET /api/v1/{service}/changes, the service's log page by page for other services and integrations.

Pages are never cached anywhere, since erasure blanks values in place. Token events need a scope of their own.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flask import Response, request
from pydantic import BaseModel

from shared.bus.feed import MAX_LIMIT, MAX_WAIT, May
from shared.contracts.event import TOKEN
from shared.kernel.context import Actor
from shared.kernel.errors import Invalid
from shared.service.permissions import FEED_READ, TOKENS_READ, require_scope
from shared.service.web.operation import Operation, QueryParam, answer
from shared.service.web.request import context, int_param, list_param, text_param

if TYPE_CHECKING:
    from shared.service.runtime import Runtime


class ChangesPage(BaseModel):
    """A page of the feed: see `shared.bus.page`."""

    results: list[dict[str, Any]]
    after: str
    next: str
    epoch: str
    up_to_date: bool
    behind: int
    events: int
    events_before: int
    as_of: datetime


_READER = re.compile(r"[A-Za-z0-9._:-]{1,100}")


def visible_to(actor: Actor) -> May | None:
    """Which events the actor may see; None means all."""
    if actor.may(TOKENS_READ):
        return None
    return lambda kind, _entity_type: kind != TOKEN


def changes(service: Runtime) -> Response:
    """A page of events after a cursor."""
    actor = context().actor
    require_scope(actor, FEED_READ)
    reader = text_param("reader") or None
    if reader is not None and not _READER.fullmatch(reader):
        raise Invalid.one("reader", "INVALID_TEXT", "reader must be 1 to 100 letters, digits or . _ : -")
    page = service.feed.read(
        text_param("after") or None,
        types=list_param("types") or None,
        limit=int_param("limit", 500, MAX_LIMIT, least=1) or 500,
        wait=_seconds("wait"),
        may=visible_to(actor),
        reader=reader,
    )
    return answer(page.document(), 200, {"Cache-Control": "no-store"})


def _seconds(name: str) -> float:
    text = request.args.get(name, "").strip()
    if not text:
        return 0.0
    if not re.fullmatch(r"\d{1,3}(\.\d{1,3})?", text) or float(text) > MAX_WAIT:
        raise Invalid.one(name, "INVALID_NUMBER", f"{name} must be seconds from 0 to {MAX_WAIT:g}")
    return float(text)


def operations(name: str) -> tuple[Operation, ...]:
    """The feed door of the service `name`."""
    return (
        Operation(
            "GET",
            f"/api/v1/{name}/changes",
            "readChanges",
            "Read the service's change feed",
            changes,
            query=(
                QueryParam("after", "string", "`next` of the page before; `start` (oldest kept), `origin` or `now`"),
                QueryParam("types", "array", "Entity types, kinds or first words of kinds; all if left out"),
                QueryParam("limit", "integer", f"Events per page, at most {MAX_LIMIT}", 500),
                QueryParam("wait", "number", f"Seconds to wait for news, at most {MAX_WAIT:g}", 0),
                QueryParam("reader", "string", "Name under which the reached place holds back retention"),
            ),
            response=ChangesPage,
            tag="Changes",
            description="Needs `crm.feed.read`; token events also `crm.tokens.read`. 410: rebuild from the entities.",
        ),
    )
