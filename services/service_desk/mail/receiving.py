"""An e-mail becomes an entry of the ticket that it answers, or a new ticket. The same e-mail again changes nothing.

It answers a ticket when it refers to a message of it, or names it in its subject and comes from who asked. What a
machine wrote opens no ticket, waits for no answer and moves no clock: it is noted with the ticket it answers, or
dropped; so is what comes from our own address. Whoever answers a message of ours joins its ticket, whoever they are, on
the side of who asked: they were shown it. What we say still goes to who asked, and nobody else. A customer who writes
wakes their ticket (`reopening`); where it is closed for good, a new ticket follows it. What a mail server gives back is
marked as not delivered.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from services.service_desk.attachments import store
from services.service_desk.attachments.store import LEFT_OUT
from services.service_desk.domain.attachments import left_out_text
from services.service_desk.domain.mail import Mail
from services.service_desk.mail import outbox
from services.service_desk.mail.post_office import post_office
from services.service_desk.promises.keeping import ENTRY, TICKET
from services.service_desk.reopening import STAYS_CLOSED
from shared.kernel.context import Context
from shared.kernel.errors import Conflict, Invalid
from shared.service.entities import Draft, Entity, ItemError, Ref, Upsert, View
from shared.service.home import Home
from shared.service.permissions import require

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

_TICKET_VIEW = View("json", ("requester_email", "thread_id"))
_ENTRY_VIEW = View("json", ("ticket_id",))


@dataclass(frozen=True, slots=True)
class Received:
    """What became of an e-mail. ticket, entry: None when it was dropped. opened: a ticket was made of it; again: it had
    been received before."""

    ticket: int | None = None
    entry: int | None = None
    opened: bool = False
    again: bool = False

    @property
    def outcome(self) -> str:
        """In one word."""
        return "again" if self.again else "opened" if self.opened else "added" if self.entry else "dropped"


def receive(service: Runtime, ctx: Context, mail: Mail) -> Received:
    """Take an e-mail in. Raises what the corridor does."""
    sender = post_office(service.settings).sender
    if sender is not None and mail.sender == sender.address.lower():
        # Our own answer, sent back by a list or a rule: what it would open, it would open again.
        mail = replace(mail, automatic=True, quiet=True)
    _returned(service, ctx, mail)
    found = _received(service, ctx, mail)
    _note(service, mail, found)
    return found


def _received(service: Runtime, ctx: Context, mail: Mail) -> Received:
    known = _entries(service, ctx, (mail.message_id,))
    if known:
        return Received(_ticket_of(known[0]), known[0].id, again=True)
    ticket = _answered(service, ctx, mail)
    opened = False
    if ticket is None:
        if mail.automatic:
            return Received()
        ticket, opened = _opened(service, ctx, mail, None)
    try:
        try:
            entry = _entered(service, ctx, mail, ticket.id)
        except Invalid as refused:
            if refused.errors[0].code != STAYS_CLOSED:
                raise
            ticket, opened = _opened(service, ctx, mail, ticket.id)
            entry = _entered(service, ctx, mail, ticket.id)
    except Conflict:  # somebody else took the same message in at this moment
        taken = _entries(service, ctx, (mail.message_id,))
        return Received(_ticket_of(taken[0]) if taken else ticket.id, taken[0].id if taken else None, again=True)
    return Received(ticket.id, entry.id, opened)


def _returned(service: Runtime, ctx: Context, mail: Mail) -> None:
    """What a mail server gives back was not delivered: outbox and entry tell so; its message id stays known."""
    if not mail.undelivered:
        return
    require(ctx.actor, "objects", service.catalog.type(ENTRY).defn, "write")
    with service.db.transaction() as connection:
        entries = outbox.returned(connection, mail.message_id, mail.undelivered)
        for row in entries:
            outbox.settle(connection, row, outbox.FAILED, mail.failure, attempted=False)
        values = {entry: {"delivery": outbox.FAILED.upper()} for entry in entries.values()}
        if values:
            Home(service.engine).keep(connection, ENTRY, values, ctx)


def _note(service: Runtime, mail: Mail, found: Received) -> None:
    """That it came, and what became of it: messages that were dropped leave no other trace."""
    with service.db.transaction() as connection:
        outbox.note(
            connection,
            message_id=mail.message_id,
            sender=mail.sender,
            automatic=mail.automatic,
            quiet=mail.quiet,
            outcome=found.outcome if not found.again else "added",
            ticket=found.ticket,
            entry=found.entry,
        )


def _answered(service: Runtime, ctx: Context, mail: Mail) -> Entity | None:
    """The live ticket that an e-mail answers."""
    about = [_ticket_of(one) for one in _entries(service, ctx, mail.references)]
    with service.db.connect() as connection:
        ours = outbox.tickets_of(connection, mail.references)
    refs = [Ref(one) for one in (*about, *ours)]
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
        "requester_name": mail.name or None,
        "thread_id": mail.message_id,
        "parent_id": parent,
    }
    ref = Ref(attribute="thread_id", value=mail.message_id)
    (made,) = service.entities.upsert(ctx, TICKET, [Upsert(ref, values)], _TICKET_VIEW)
    return _entity(made), True


def _entered(service: Runtime, ctx: Context, mail: Mail, ticket: int) -> Entity:
    automatic = {"author": "SYSTEM", "visibility": "INTERNAL"} if mail.automatic else {"author": "CUSTOMER"}
    values: dict[str, object] = {
        **automatic,
        "ticket_id": str(ticket),
        "author_email": mail.sender,
        "author_name": mail.name or None,
        "body": mail.text or "(no text)",
        "message_id": mail.message_id,
        LEFT_OUT: left_out_text(mail.left_out) or None,
    }
    if mail.attachments:  # whoever is killed before the entry is made leaves files that are forgotten after a day
        require(ctx.actor, "objects", service.catalog.type(ENTRY).defn, "write")
        with service.db.transaction() as connection:
            files = store.add(connection, mail.attachments, ctx.actor.id)
        values["attachment_ids"] = ";".join(map(str, files))
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
