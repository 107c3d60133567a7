"""HTTP: triggers, what fired and why, and what a trigger would have done.

Reading needs the read scope of tickets, declaring and trying the right to change their schema: what triggers do is done
by the system.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from flask import Response
from pydantic import BaseModel

from services.service_desk.macros import commands as declaring
from services.service_desk.macros.answers import DeclaredBody, DeclaredTrigger, Listing, Tried
from services.service_desk.macros.bodies import TriggerChange, TriggerIn
from services.service_desk.macros.doors import (
    declaring_home,
    home_of,
    listed,
    permit,
    shown,
    unknown_in,
)
from services.service_desk.macros.store import TRIGGER
from services.service_desk.promises.keeping import TICKET
from services.service_desk.triggers import commands, finding, ledger
from services.service_desk.triggers.book import readable
from services.service_desk.triggers.ledger import OUTCOMES
from services.service_desk.triggers.spelling import types
from services.service_desk.triggers.trying import tried
from shared.kernel.clock import now
from shared.kernel.errors import Invalid
from shared.service.web.native.present import entity_id
from shared.service.web.operation import Operation, QueryParam, answer, no_content
from shared.service.web.request import context, int_param, json_object, known_keys, text_param

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

TAG = "Triggers"
_USUAL_DAYS, _MOST_DAYS = 7, 90
_WAITING = {"attribute": "status", "operator": "EQ", "value": "waiting_on_customer"}
_TRIGGER: dict[str, Any] = {
    "name": "remind",
    "on": ["time"],
    "filter": _WAITING,
    "at": {"attribute": "stage_entered_at", "after": 172800},
    "actions": [{"reply": {"text": "Dear {{ requester.name }}, are you still there?"}}],
}


class Fired(BaseModel):
    """A trigger fired for a ticket: why, by which chain of triggers, and what came of it."""

    id: str
    trigger: str
    version: int
    ticket: str
    at: str
    cause: str
    why: dict[str, Any]
    chain: list[int]
    outcome: str
    reason: str | None = None
    did: dict[str, Any] | None = None


class Ledger(BaseModel):
    """The latest first; next_before leads on."""

    results: list[Fired]
    next_before: str | None = None


class Try(BaseModel):
    """A draft of a trigger, or the name of one, over some tickets, or those that changed in the last days."""

    trigger: TriggerChange | str
    tickets: list[str] | None = None
    days: int = _USUAL_DAYS


def permit_conditions(service: Runtime, body: Mapping[str, Any]) -> None:
    """Whoever asks through links needs the right to read what lies there. Raises Forbidden."""
    for tree in (body.get("filter"), body.get("was")):
        with suppress(Invalid):  # what is wrong with a filter is told by who reads it
            home_of(service).asking.permit(context(), TICKET, tree if isinstance(tree, Mapping) else None)


def read_triggers(service: Runtime) -> Response:
    """All triggers in force, disabled ones too."""
    return listed(service, TRIGGER)


def read_trigger(service: Runtime, name: str) -> Response:
    """One trigger; whether it can still be read."""
    permit(service, "read")
    home = declaring_home(service)
    with service.db.connect() as connection:
        found = declaring.wanted(connection, TRIGGER, name)
        return answer({**shown(found), "readable": readable(found, types(home.type)) is not None})


def declare_trigger(service: Runtime) -> Response:
    """A trigger, or another version of one."""
    permit(service, "write")
    body = json_object()
    permit_conditions(service, body)
    unknown = unknown_in(service, body.get("actions"))
    return answer(shown(commands.declare(declaring_home(service), body, context(), unknown)), 201)


def change_trigger(service: Runtime, name: str) -> Response:
    """Some words of a trigger: another version of it."""
    permit(service, "write")
    body = json_object()
    permit_conditions(service, body)
    unknown = unknown_in(service, body.get("actions"))
    return answer(shown(commands.change(declaring_home(service), name, body, context(), unknown)))


def withdraw_trigger(service: Runtime, name: str) -> Response:
    """A trigger no more; what it did stays in the ledger."""
    permit(service, "write")
    declaring.withdraw(home_of(service), TRIGGER, name)
    return no_content()


def read_fired(service: Runtime) -> Response:
    """What fired and why."""
    permit(service, "read")
    trigger, ticket, outcome = text_param("trigger"), text_param("ticket"), text_param("outcome")
    if outcome and outcome not in OUTCOMES:
        raise Invalid.one("outcome", "INVALID_OPTION", f"outcome must be one of {', '.join(OUTCOMES)}")
    limit = int_param("limit", 100, 500, least=1) or 100
    wanted = entity_id(TICKET, ticket) if ticket else None
    before = int_param("before", None)
    with service.db.connect() as connection:
        found = ledger.listed(connection, trigger or None, wanted, outcome or None, before, limit)
    more = {"next_before": found[-1]["id"]} if len(found) == limit else {}
    return answer({"results": found, **more})


def try_trigger(service: Runtime) -> Response:
    """What a trigger would have done."""
    permit(service, "write")
    body = json_object()
    known_keys(body, ("trigger", "tickets", "days"))
    days, raw = body.get("days", _USUAL_DAYS), body.get("trigger")
    if not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= _MOST_DAYS:
        raise Invalid.one("days", "INVALID_INTEGER", f"days must be a whole number from 1 to {_MOST_DAYS}")
    if isinstance(raw, str):
        with service.db.connect() as connection:
            raw = dict(declaring.wanted(connection, TRIGGER, raw).body)
    if not isinstance(raw, dict):
        raise Invalid.one("trigger", "REQUIRED_FIELD", "trigger must be a draft, or the name of a trigger")
    permit_conditions(service, raw)
    unknown = unknown_in(service, raw.get("actions"))
    home = declaring_home(service)
    since, ctx = now() - timedelta(days=days), context()
    tickets = finding.tickets(service, ctx, body.get("tickets"), since)
    entries = finding.entries(service, ctx, tickets, since)
    with service.db.connect() as connection:
        found = commands.draft(connection, home, raw, unknown)
        done = tried(home, connection, found, tickets, entries, since, ctx.actor)
    return answer({**done, "whole": len(tickets) < finding.MOST_TICKETS})


def _operation(method: str, path: str, name: str, summary: str, handler: Any, **more: Any) -> Operation:
    return Operation(method, f"/api/v1/service_desk/triggers{path}", name, summary, handler, tag=TAG, **more)


_DRAFT = {key: value for key, value in _TRIGGER.items() if key != "name"}
_FIRED = (
    QueryParam("trigger", "string", "Of one trigger only, by name"),
    QueryParam("ticket", "string", "Of one ticket only"),
    QueryParam("outcome", "string", "Only what was done, failed or stopped"),
    QueryParam("before", "integer", "Only rows before this one"),
    QueryParam("limit", "integer", "How many", 100),
)
OPERATIONS = (
    _operation("GET", "", "readTriggers", "Read triggers", read_triggers, response=Listing),
    _operation(
        "POST", "", "declareTrigger", "Declare a trigger", declare_trigger, success=201, body=TriggerIn,
        response=DeclaredBody, example=_TRIGGER,
    ),
    _operation("GET", "/fired", "readFired", "Read which triggers fired, and why", read_fired, query=_FIRED,
        response=Ledger),
    _operation(
        "POST", "/try", "tryTrigger", "See what a trigger would have done", try_trigger, read_only=True, body=Try,
        response=Tried, example={"trigger": _DRAFT, "days": 7},
    ),
    _operation("GET", "/{name}", "readTrigger", "Read a trigger", read_trigger, response=DeclaredTrigger),
    _operation(
        "PATCH", "/{name}", "changeTrigger", "Change, enable or disable a trigger", change_trigger,
        body=TriggerChange, response=DeclaredBody, example={"enabled": False},
    ),
    _operation("DELETE", "/{name}", "withdrawTrigger", "Withdraw a trigger", withdraw_trigger, success=204),
)  # fmt: skip
