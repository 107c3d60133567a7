"""HTTP: canned replies and macros, and macros to tickets.

Reading needs the read scope of tickets, declaring the right to change their schema, applying the write scopes of
tickets and of what is said about them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flask import Response
from pydantic import BaseModel

from services.service_desk.macros import commands, store
from services.service_desk.macros.answers import AppliedMacro, DeclaredBody, Listing, SaidText
from services.service_desk.macros.applying import apply, filled_in
from services.service_desk.macros.bodies import MacroIn, ReplyIn
from services.service_desk.macros.store import MACRO, REPLY, Declared
from services.service_desk.promises.keeping import ENTRY, TICKET
from shared.kernel.clock import iso
from shared.kernel.errors import FieldError, Invalid
from shared.service.entities import Draft
from shared.service.home import Home
from shared.service.permissions import Kind, Mode, require
from shared.service.references import unknown_references
from shared.service.web.native.present import entity_id
from shared.service.web.operation import Operation, answer, no_content
from shared.service.web.request import context, json_object, known_keys

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

TAG = "Macros"
_REPLY: dict[str, Any] = {
    "name": "thanks",
    "label": "Thank you",
    "text": 'Dear {{ requester.first_name | default("customer", true) }},\n\nthank you for "{{ ticket.subject }}".',
}
_MACRO: dict[str, Any] = {
    "name": "take-over",
    "actions": [{"set": {"priority": "HIGH"}}, {"note": {"text": "Looked at by {{ agent.name }}"}}],
}


class Apply(BaseModel):
    """To which tickets; preview: say what it would do, and do nothing. agent: the owner who acts."""

    tickets: list[str]
    preview: bool = False
    agent: str | None = None


class Preview(BaseModel):
    """A text, or the name of a canned reply, as it would be said about a ticket."""

    ticket: str
    text: str | None = None
    canned: str | None = None
    agent: str | None = None


def home_of(service: Runtime) -> Home:
    """The service's entities, as this process writes them."""
    return Home(service.engine, service.engine.publish, service.engine.judge)


def declaring_home(service: Runtime) -> Home:
    """The same by the catalog in force: for texts, macros and triggers, which may ask for attributes that another
    process has just made."""
    service.catalog.refresh()
    return home_of(service)


def permit(service: Runtime, mode: Mode, kind: Kind | None = None) -> None:
    """Whether the caller may read what is declared, or declare; kind: or something else."""
    usual: Kind = "schemas" if mode == "write" else "objects"
    require(context().actor, kind or usual, service.catalog.type(TICKET).defn, mode)


def shown(one: Declared) -> dict[str, Any]:
    """A declaration as JSON."""
    return {
        "id": str(one.id),
        "name": one.name,
        "version": one.version,
        "declared_at": iso(one.at),
        "created_by": one.by,
        "body": dict(one.body),
    }


def listed(service: Runtime, kind: str) -> Response:
    """All of a kind that are in force."""
    permit(service, "read")
    with service.db.connect() as connection:
        return answer({"results": [shown(one) for one in store.current(connection, kind).values()]})


def read_replies(service: Runtime) -> Response:
    """All canned replies."""
    return listed(service, REPLY)


def read_macros(service: Runtime) -> Response:
    """All macros."""
    return listed(service, MACRO)


def declare_reply(service: Runtime) -> Response:
    """A canned reply, or another version of one."""
    permit(service, "write")
    return answer(shown(commands.declare_reply(declaring_home(service), json_object(), context())), 201)


def declare_macro(service: Runtime) -> Response:
    """A macro, or another version of one."""
    permit(service, "write")
    body = json_object()
    unknown = unknown_in(service, body.get("actions"))
    return answer(shown(commands.declare_macro(declaring_home(service), body, context(), unknown)), 201)


def withdraw_reply(service: Runtime, name: str) -> Response:
    """A canned reply no more."""
    permit(service, "write")
    commands.withdraw(home_of(service), REPLY, name)
    return no_content()


def withdraw_macro(service: Runtime, name: str) -> Response:
    """A macro no more."""
    permit(service, "write")
    commands.withdraw(home_of(service), MACRO, name)
    return no_content()


def preview_reply(service: Runtime) -> Response:
    """A text as it would be said."""
    permit(service, "read")
    body = json_object()
    known_keys(body, ("ticket", "text", "canned", "agent"))
    return answer({"text": filled_in(declaring_home(service), context(), body, ticket_of(body), _agent(service, body))})


def apply_macro(service: Runtime, name: str) -> Response:
    """A macro to tickets."""
    permit(service, "write", "objects")
    require(context().actor, "objects", service.catalog.type(ENTRY).defn, "write")
    body = json_object()
    known_keys(body, ("tickets", "preview", "agent"))
    given = body.get("tickets")
    tickets = [entity_id(TICKET, one) for one in given] if isinstance(given, list) else []
    preview = body.get("preview", False)
    if not isinstance(preview, bool):
        raise Invalid.one("preview", "INVALID_BOOLEAN", "preview must be true or false")
    done = apply(home_of(service), context(), name, tickets, _agent(service, body), preview=preview)
    results = [one.as_json() for one in done.outcomes]
    return answer({"macro": done.macro.name, "version": done.macro.version, "preview": preview, "results": results})


def ticket_of(body: Mapping[str, Any]) -> int:
    """Which ticket a body means. Raises Invalid where it names none, NotFound for what can be no id."""
    ticket = body.get("ticket")
    if ticket in (None, "") or not isinstance(ticket, str | int) or isinstance(ticket, bool):
        raise Invalid.one("ticket", "REQUIRED_FIELD", "ticket must be the id of a ticket")
    return entity_id(TICKET, ticket)


def unknown_in(service: Runtime, actions: object) -> list[FieldError]:
    """Owners, queues and pools that actions name and nobody knows."""
    errors: list[FieldError] = []
    for place, one in enumerate(actions if isinstance(actions, list) else []):
        body = next(iter(one.values()), None) if isinstance(one, Mapping) else None
        kind = next(iter(one), "") if isinstance(one, Mapping) else ""
        errors += _unknown(service, f"actions[{place}].{kind}", _owners(kind, body))
        pool = body.get("pool") if kind == "assign" and isinstance(body, Mapping) else None
        if isinstance(pool, str) and service.assignment.members(TICKET, pool) is None:
            message = f"there is no pool {pool[:80]} of tickets"
            errors.append(FieldError(f"actions[{place}].assign.pool", "INVALID_OPTION", message))
    return errors


def _owners(kind: str, body: Any) -> list[Mapping[str, object]]:
    """Whom an action names, as values of tickets."""
    if kind == "set" and isinstance(body, Mapping):
        return [body]
    if kind == "assign" and isinstance(body, Mapping):
        return [{f"{name}_id": body[name] for name in ("owner", "queue") if name in body}]
    several = body.get("owners") if kind == "notify" and isinstance(body, Mapping) else body
    return [{"owner_id": one} for one in several] if kind in ("follow", "notify") and isinstance(several, list) else []


def _unknown(service: Runtime, where: str, values: list[Mapping[str, object]]) -> list[FieldError]:
    live = service.catalog.type(TICKET)
    found = unknown_references(service.foreign, live, [Draft(one) for one in values])
    return [FieldError(where, one.code, f"{where}: {one.message}") for several in found.values() for one in several]


def _agent(service: Runtime, body: Mapping[str, Any]) -> tuple[str, str]:
    """Who acts: the owner who is named, and the name of the caller."""
    given = body.get("agent")
    if given is not None:
        if not str(given).isdecimal():
            raise Invalid.one("agent", "INVALID_OPTION", "agent must be the id of an owner")
        wrong = _unknown(service, "agent", [{"owner_id": str(given)}])
        if wrong:
            raise Invalid(wrong)
    return ("" if given is None else str(given), context().actor.name)


def _operation(method: str, path: str, name: str, summary: str, handler: Any, **more: Any) -> Operation:
    return Operation(method, f"/api/v1/service_desk/{path}", name, summary, handler, tag=TAG, **more)


OPERATIONS = (
    _operation("GET", "replies", "readReplies", "Read canned replies", read_replies, response=Listing),
    _operation(
        "POST", "replies", "declareReply", "Declare a canned reply", declare_reply, success=201, body=ReplyIn,
        response=DeclaredBody, example=_REPLY,
    ),
    _operation("DELETE", "replies/{name}", "withdrawReply", "Withdraw a canned reply", withdraw_reply, success=204),
    _operation(
        "POST", "replies/preview", "previewReply", "See a text as it would be said about a ticket", preview_reply,
        read_only=True, body=Preview, response=SaidText, example={"ticket": "1", "text": "Dear {{ requester.name }}"},
    ),
    _operation("GET", "macros", "readMacros", "Read macros", read_macros, response=Listing),
    _operation(
        "POST", "macros", "declareMacro", "Declare a macro", declare_macro, success=201, body=MacroIn,
        response=DeclaredBody, example=_MACRO,
    ),
    _operation("DELETE", "macros/{name}", "withdrawMacro", "Withdraw a macro", withdraw_macro, success=204),
    _operation(
        "POST", "macros/{name}/apply", "applyMacro", "Apply a macro to tickets, or see what it would do", apply_macro,
        body=Apply, response=AppliedMacro, example={"tickets": ["1"], "preview": True},
    ),
)  # fmt: skip
