"""An e-mail becomes an entry of the ticket that it answers, or a new ticket. The same e-mail again changes nothing.

It answers a ticket when it refers to a message of it, or names it in its subject and comes from who asked. What a
machine wrote opens no ticket, waits for no answer and moves no clock: it is noted with the ticket it answers, or
dropped. A customer who writes about a ticket that is closed, or waits for them, makes it wait for us; where it is
closed for good, a new ticket follows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.service_desk.domain.mail import Mail
from services.service_desk.promises.keeping import ENTRY, TICKET
from shared.kernel.context import Context
from shared.kernel.errors import Conflict, Invalid
from shared.service.entities import Draft, Entity, ItemError, Ref, Update, Upsert, View

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

_TICKET_VIEW = View("json", ("status", "pipeline", "requester_email", "thread_id"))
_ENTRY_VIEW = View("json", ("ticket_id",))
_WAITING = ("closed", "waiting_on_customer")


@dataclass(frozen=True, slots=True)
class Received:
    """What became of an e-mail. ticket, entry: None when it was dropped. opened: a ticket was made of it; again: it had
    been received before."""

    ticket: int | None = None
    entry: int | None = None
    opened: bool = False
    again: bool = False


def receive(service: Runtime, ctx: Context, mail: Mail) -> Received:
    """Take an e-mail in. Raises what the corridor does."""
    known = _entries(service, ctx, (mail.message_id,))
    if known:
        return Received(_ticket_of(known[0]), known[0].id, again=True)
    ticket = _answered(service, ctx, mail)
    opened = False
    if ticket is None:
        if mail.automatic:
            return Received()
        ticket, opened = _opened(service, ctx, mail, None)
    elif not mail.automatic and ticket.values.get("status") in _WAITING:
        ticket, opened = _woken(service, ctx, mail, ticket)
    try:
        entry = _entered(service, ctx, mail, ticket.id)
    except Conflict:  # somebody else took the same message in at this moment
        taken = _entries(service, ctx, (mail.message_id,))
        return Received(_ticket_of(taken[0]) if taken else ticket.id, taken[0].id if taken else None, again=True)
    return Received(ticket.id, entry.id, opened)


def _answered(service: Runtime, ctx: Context, mail: Mail) -> Entity | None:
    """The live ticket that an e-mail answers."""
    about = [_ticket_of(one) for one in _entries(service, ctx, mail.references)]
    refs = [Ref(one) for one in about]
    refs += [Ref(attribute="thread_id", value=one) for one in (mail.message_id, *mail.references)]
    found = [one for one in service.entities.read(ctx, TICKET, refs, _TICKET_VIEW) if one is not None]
    if found or mail.ticket is None:
        return found[0] if found else None
    # A number can be guessed: only who asked is believed.
    (named,) = service.entities.read(ctx, TICKET, [Ref(mail.ticket)], _TICKET_VIEW)
    return named if named is not None and named.values.get("requester_email") == mail.sender else None


def _opened(service: Runtime, ctx: Context, mail: Mail, parent: int | None) -> tuple[Entity, bool]:
    """A ticket about this e-mail. Known by the message's id: whoever was killed after this finds it again."""
    values: dict[str, object] = {
        "subject": mail.topic or "(no subject)",
        "content": mail.text or None,
        "source": "EMAIL",
        "requester_email": mail.sender,
        "thread_id": mail.message_id,
        "parent_id": parent,
    }
    ref = Ref(attribute="thread_id", value=mail.message_id)
    (made,) = service.entities.upsert(ctx, TICKET, [Upsert(ref, values)], _TICKET_VIEW)
    return _entity(made), True


def _woken(service: Runtime, ctx: Context, mail: Mail, ticket: Entity) -> tuple[Entity, bool]:
    """A ticket that waits for us from now on; one that follows it where it stays closed."""
    stage = _stage_waiting_on_us(service, str(ticket.values.get("pipeline")))
    if stage is None:
        return ticket, False
    try:
        (moved,) = service.entities.update(ctx, TICKET, [Update(Ref(ticket.id), {"stage": stage})], _TICKET_VIEW)
        return _entity(moved), False
    except Invalid:
        if ticket.values.get("status") != "closed":
            return ticket, False
        return _opened(service, ctx, mail, ticket.id)


def _stage_waiting_on_us(service: Runtime, pipeline: str) -> str | None:
    """The stage of a pipeline that says so; else its first open one."""
    options = service.catalog.type(TICKET).attributes["stage"].options
    mine = [one for one in options if one.parent == pipeline and one.detail.get("isClosed") != "true"]
    ours = [one for one in mine if one.detail.get("statusCategory") == "waiting_on_us"]
    return next((one.value for one in (*ours, *mine)), None)


def _entered(service: Runtime, ctx: Context, mail: Mail, ticket: int) -> Entity:
    automatic = {"author": "SYSTEM", "visibility": "INTERNAL"} if mail.automatic else {"author": "CUSTOMER"}
    values = {
        **automatic,
        "ticket_id": str(ticket),
        "author_email": mail.sender,
        "body": mail.text or "(no text)",
        "message_id": mail.message_id,
    }
    (made,) = service.entities.create(ctx, ENTRY, [Draft(values)], _ENTRY_VIEW)
    return _entity(made)


def _entries(service: Runtime, ctx: Context, message_ids: tuple[str, ...]) -> list[Entity]:
    refs = [Ref(attribute="message_id", value=one) for one in message_ids]
    return [one for one in service.entities.read(ctx, ENTRY, refs, _ENTRY_VIEW) if one is not None] if refs else []


def _ticket_of(entry: Entity) -> int:
    return int(entry.values["ticket_id"])


def _entity(outcome: Entity | ItemError) -> Entity:
    if isinstance(outcome, ItemError):
        raise outcome.error
    return outcome
