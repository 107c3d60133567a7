"""Operators' doors on a service's bus: how it is doing, and events put aside because a handler could not take them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from flask import Response
from pydantic import BaseModel

from shared.bus.dead_letters import DeadLetter, letters
from shared.bus.overview import Followed, Overview, overview
from shared.bus.settling import Settled, replay, skip, subscription_of
from shared.kernel.clock import iso
from shared.kernel.errors import CrmError, Invalid, NotFound, Unavailable
from shared.service.permissions import BUS_READ, BUS_WRITE, require_scope
from shared.service.web.operation import Operation, QueryParam, answer
from shared.service.web.request import context, int_param, text_param

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

MOST_LETTERS = 500


class BusStatus(BaseModel):
    """The log's head, who reads it, whom the service follows."""

    service: str
    log: dict[str, Any]
    readers: list[dict[str, Any]]
    follows: list[dict[str, Any]]


class DeadLetterPage(BaseModel):
    """Events put aside, oldest first."""

    results: list[dict[str, Any]]
    next_after: str | None = None


class SettledDocument(BaseModel):
    """What became of letters: `skipped` were given up, `applied` are in, `left` stay for the reason in `error`;
    `taken_over`: the entity was made what it is at its source. `events`: letters that are no more."""

    events: int
    skipped: int
    applied: int
    left: int
    taken_over: bool
    error: str | None = None


def status(service: Runtime) -> Response:
    """Log, readers, subscriptions with their lag."""
    require_scope(context().actor, BUS_READ)
    with service.db.connect() as connection:
        found = overview(connection)
    return answer(status_document(service.manifest.name, found), 200, {"Cache-Control": "no-store"})


def status_document(name: str, found: Overview) -> dict[str, Any]:
    """An overview as JSON."""
    return {
        "service": name,
        "log": {"tick": found.tick, "events": found.events, "last_event_at": iso(found.last_event)},
        "readers": [
            {"name": one.name, "behind": one.behind, "seen_at": iso(one.seen_at), "lost": one.lost}
            for one in found.readers
        ],
        "follows": [_followed(one) for one in found.follows],
    }


def _followed(one: Followed) -> dict[str, Any]:
    state = one.state
    return {
        "subscription": state.subscription,
        "source": state.source,
        "state": state.state,
        "behind": state.behind,
        "lag_seconds": None if one.lag_seconds is None else round(one.lag_seconds, 3),
        "dead_letters": state.dead_letters,
        "dead_letter": one.letter and {"error": one.letter.error, "since": iso(one.letter.since)},
        "skipped": one.account and one.account.skipped,
        "told": one.account and one.account.told,
        "taken": one.account and one.account.taken,
        "error": state.error,
        "failures": state.failures,
        "since": iso(state.since),
        "seen_at": iso(state.seen_at),
    }


def listing(service: Runtime) -> Response:
    """A page of letters."""
    require_scope(context().actor, BUS_READ)
    limit = int_param("limit", 50, MOST_LETTERS, least=1) or 50
    with service.db.connect() as connection:
        found = letters(
            connection, text_param("subscription") or None, after=int_param("after", 0) or 0, limit=limit + 1
        )
    body: dict[str, Any] = {"results": [_letter(one) for one in found[:limit]]}
    if len(found) > limit:
        body["next_after"] = str(found[limit - 1].id)
    return answer(body)


def _letter(one: DeadLetter) -> dict[str, Any]:
    return {
        "id": str(one.id),
        "subscription": one.subscription,
        "event_id": str(one.event_id),
        "kind": one.kind,
        "entity_type": one.entity_type,
        "entity_id": None if one.entity_id is None else str(one.entity_id),
        "error": one.error,
        "behind": one.behind,
        "attempts": one.attempts,
        "at": iso(one.at),
    }


def replaying(service: Runtime, id: str) -> Response:
    """Apply a letter, and what waits behind it."""
    return _settle(service, id, replay)


def skipping(service: Runtime, id: str) -> Response:
    """Give a letter up, and apply what waits behind it."""
    return _settle(service, id, skip)


def _settle(service: Runtime, id: str, how: Any) -> Response:
    require_scope(context().actor, BUS_WRITE)
    number = int(id) if id.isascii() and id.isdigit() and len(id) < 19 else 0
    with service.db.connect() as connection:
        name = subscription_of(connection, number)
    if name is None:
        raise NotFound("dead letter", [id])
    subscription = service.follows.get(name)
    if subscription is None:
        raise Invalid.one("id", "NOT_FOLLOWED", f"this service no longer follows anything as {name}")
    try:
        done: Settled = how(service.db, name, subscription.handler, number, subscription.renew)
        return answer({"events": done.events, **asdict(done)})
    except CrmError:
        raise
    except Exception as error:
        raise Unavailable(f"the handler of {name} still fails: {type(error).__name__}") from error


_LETTER = {"id": "1", "subscription": "reporting.contacts", "event_id": "42", "kind": "entity.updated",
           "entity_type": "contact", "entity_id": "7", "error": "ValueError", "behind": False, "attempts": 1,
           "at": "2026-01-02T03:04:05.000Z"}  # fmt: skip


def operations(name: str) -> tuple[Operation, ...]:
    """The bus doors of the service `name`."""
    base = f"/api/v1/{name}"
    paging = (
        QueryParam("subscription", "string", "Only letters of this subscription"),
        QueryParam("after", "integer", "`next_after` of the page before"),
        QueryParam("limit", "integer", f"Letters per page, at most {MOST_LETTERS}", 50),
    )
    return (
        Operation("GET", f"{base}/bus", "readBus", "How the service's bus is doing", status, response=BusStatus,
                  tag="Bus", description="Needs `crm.bus.read`."),
        Operation("GET", f"{base}/dead-letters", "listDeadLetters", "Events that a handler could not take", listing,
                  query=paging, response=DeadLetterPage, tag="Bus", description="Needs `crm.bus.read`.",
                  answer_example={"results": [_LETTER]}),
        Operation("POST", f"{base}/dead-letters/{{id}}/replay", "replayDeadLetter",
                  "Apply an event put aside, and those that wait behind it", replaying, response=SettledDocument,
                  tag="Bus", description="Needs `crm.bus.write`."),
        Operation("POST", f"{base}/dead-letters/{{id}}/skip", "skipDeadLetter",
                  "Give an event put aside up, and apply those that wait behind it", skipping, response=SettledDocument,
                  tag="Bus", description="Exactly this one. Where the follower keeps entities at their versions, the "
                  "entity is taken over as its source has it, so that later events fit. Needs `crm.bus.write`."),
    )  # fmt: skip
