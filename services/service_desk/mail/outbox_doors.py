"""HTTP: what goes out by e-mail and what became of it, what came in, and sending once more what did not go."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from flask import Response
from pydantic import BaseModel

from services.service_desk.mail import outbox
from services.service_desk.mail.post_office import post_office
from services.service_desk.mail.resending import resend
from services.service_desk.promises.instants import asked, naive
from services.service_desk.promises.keeping import ENTRY, TICKET
from shared.kernel.errors import Invalid
from shared.service.permissions import Mode, require
from shared.service.web.native.present import entity_id
from shared.service.web.operation import Operation, QueryParam, answer
from shared.service.web.request import context, int_param, text_param

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

TAG = "E-mail"
_PAGE, _MOST = 100, 500


class Going(BaseModel):
    """A message that goes out: of which entry, to whom, what became of it. doubtful: how often a server may have taken
    it without our learning so."""

    id: str
    ticket: str
    entry: str
    state: str
    automatic: bool
    attempts: int
    doubtful: int
    queued_at: str
    to: str | None = None
    message_id: str | None = None
    reason: str | None = None
    next_at: str | None = None
    settled_at: str | None = None


class GoingOut(BaseModel):
    """A page, the latest first. on: whether mail is sent at all; problem: why not."""

    on: bool
    problem: str | None = None
    results: list[Going]


class CameIn(BaseModel):
    """An e-mail that came in, without what it said. sender: empty once it was forgotten."""

    message_id: str
    sender: str
    automatic: bool
    quiet: bool
    outcome: str
    ticket: str | None
    entry: str | None
    at: datetime


class Messages(BaseModel):
    """A page, the latest first."""

    results: list[CameIn]


def _permit(service: Runtime, mode: Mode) -> None:
    name = ENTRY if mode == "write" else TICKET
    require(context().actor, "objects", service.catalog.type(name).defn, mode)


def read_mail(service: Runtime) -> Response:
    """What goes out."""
    _permit(service, "read")
    state, ticket = text_param("state") or None, text_param("ticket")
    if state is not None and state not in outbox.STATES:
        raise Invalid.one("state", "INVALID_OPTION", f"state is one of {', '.join(outbox.STATES)}")
    wanted = entity_id(TICKET, ticket) if ticket else None
    limit, before = int_param("limit", _PAGE, _MOST, least=1) or _PAGE, int_param("before", None)
    with service.db.connect() as connection:
        found = outbox.listed(connection, state, wanted, before, limit)
    office = post_office(service.settings)
    body: dict[str, Any] = {"on": office.server is not None, "results": [one.to_document() for one in found]}
    return answer(body if office.server else {**body, "problem": office.problem})


def send_again(service: Runtime, id: str) -> Response:
    """Queue it once more."""
    _permit(service, "write")
    return answer(resend(service, context(), entity_id("message", id)).to_document(), 202)


def read_messages(service: Runtime) -> Response:
    """What came in."""
    _permit(service, "read")
    limit, shown = int_param("limit", _PAGE, _MOST, least=1) or _PAGE, text_param("before")
    before = naive(asked("before", shown)) if shown else None
    with service.db.connect() as connection:
        return answer({"results": outbox.received(connection, text_param("outcome") or None, before, limit)})


OPERATIONS = (
    Operation(
        "GET",
        "/api/v1/service_desk/mail",
        "readMail",
        "See what goes out by e-mail",
        read_mail,
        query=(
            QueryParam("state", "string", f"Only these: {', '.join(outbox.STATES)}"),
            QueryParam("ticket", "string", "Of one ticket only"),
            QueryParam("before", "integer", "Only what was queued before the message of this id"),
            QueryParam("limit", "integer", "How many", _PAGE),
        ),
        response=GoingOut,
        tag=TAG,
    ),
    Operation(
        "POST",
        "/api/v1/service_desk/mail/{id}/resend",
        "resendMail",
        "Send once more what did not go",
        send_again,
        success=202,
        response=Going,
        tag=TAG,
    ),
    Operation(
        "GET",
        "/api/v1/service_desk/messages",
        "readMessages",
        "See what came in by e-mail",
        read_messages,
        query=(
            QueryParam("outcome", "string", "Only these: opened, added or dropped"),
            QueryParam("before", "string", "Only what came before this instant"),
            QueryParam("limit", "integer", "How many", _PAGE),
        ),
        response=Messages,
        tag=TAG,
    ),
)
