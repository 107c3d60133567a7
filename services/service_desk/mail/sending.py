"""The kind of work that sends one message of the outbox: whom to, whether, and what the server's answer means.

Sent once, as far as SMTP can tell: what the server accepted and we noted is never handed over again. Between the line
that ends a message and our note of the answer lies a moment in which nobody knows; whoever dies there, or loses the
connection, leaves a message that is handed over once more under the same message id, and counted as doubtful. Nothing
is lost: it is tried for days, and what is given up is kept with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

from services.service_desk.attachments import store
from services.service_desk.domain.letters import (
    MOST_REFERENCES,
    Letter,
    LetterProblem,
    Sender,
    message_id_of,
    plain_address,
    written,
)
from services.service_desk.mail import outbox
from services.service_desk.mail.away import Away
from services.service_desk.mail.outbox import Going
from services.service_desk.mail.post_office import PostOffice, post_office
from services.service_desk.mail.posting import Outcome, Posted, post
from services.service_desk.promises.keeping import ENTRY, TICKET
from shared.kernel.clock import now
from shared.kernel.context import SYSTEM, Context
from shared.kernel.db import Connection
from shared.service.entities import Entity, Ref, View
from shared.service.home import Home
from shared.service.work import ledger, small
from shared.service.work.ledger import Claim, Counts, Job, Lost
from shared.service.work.running import Later

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

SOURCE = "EMAIL"
PAUSES = (10.0, 30.0, 60.0, 300.0, 900.0, 1800.0, 3600.0)
"""Seconds between attempts; the last one again and again, until GIVE_UP."""
GIVE_UP = timedelta(days=3)
AWAY_SECONDS = 15.0
_ENTRY = View("json", ("body", "delivery"))
_TICKET = View("json", ("subject", "requester_email", "requester_name", "thread_id"))
_away = Away(AWAY_SECONDS)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a message without a server being asked."""

    state: str
    reason: str = ""


class SendingKind:
    """Sends one message. The number of the job is its row in the outbox."""

    def run(self, runtime: Runtime, claim: Claim) -> None:
        """Try it once. Raises Later when it is to be tried again, Lost when somebody else does."""
        with runtime.db.connect() as connection:
            going = outbox.find(connection, claim.job.number)
            if going is not None and going.handed_at is not None:
                outbox.doubt(connection, going.id)
        if going is None or going.state != outbox.QUEUED:
            with runtime.db.transaction() as connection:
                _done(connection, claim)
            return
        office = post_office(runtime.settings)
        found = _letter(runtime, going, office)
        if isinstance(found, Verdict):
            _settle(runtime, claim, going, found, attempted=False)
            return
        assert office.server is not None
        why = _away.why(str(office.server))
        if why is not None:
            raise Later(AWAY_SECONDS, why)
        letter, message = found
        posted = post(
            office.server,
            "" if going.automatic else letter.sender.address,
            plain_address(letter.to_address),
            message,
            lambda: _hand(runtime, claim, going),
        )
        _answered(runtime, claim, going, letter, posted, str(office.server))

    def failed(self, connection: Connection, job: Job) -> None:
        """What nobody could even try is kept with the reason."""
        outbox.give_up(connection, job.number, job.reason)


def _letter(runtime: Runtime, going: Going, office: PostOffice) -> tuple[Letter, bytes] | Verdict:
    """The message, its address settled; or why there is none."""
    if office.server is None or office.sender is None:
        return Verdict(outbox.OFF, office.problem)
    ctx = Context(SYSTEM, SOURCE)
    (entry,) = runtime.entities.read(ctx, ENTRY, [Ref(going.entry)], _ENTRY)
    (ticket,) = runtime.entities.read(ctx, TICKET, [Ref(going.ticket)], _TICKET)
    if entry is None or ticket is None:
        return Verdict(outbox.WITHDRAWN, "the entry or its ticket is not there any more")
    to = going.to or ticket.values.get("requester_email")
    if not to:
        return Verdict(outbox.UNADDRESSED, "the ticket names no address of who asked")
    if to.casefold() == office.sender.address.casefold():
        return Verdict(outbox.HELD, "it would go to ourselves")
    try:
        letter = _composed(runtime, going, entry, ticket, str(to), office.sender)
        found = letter, written(letter)
    except LetterProblem as problem:
        return Verdict(outbox.FAILED, str(problem))
    if going.to is None or (going.automatic and going.allowed_at is None):
        held = _addressed(runtime, going, letter)
        if held is not None:
            return held
    return found


def _composed(runtime: Runtime, going: Going, entry: Entity, ticket: Entity, to: str, sender: Sender) -> Letter:
    with runtime.db.connect() as connection:
        files = store.files(connection, going.entry)
    return Letter(
        sender=sender,
        to_address=to,
        to_name=str(ticket.values.get("requester_name") or ""),
        ticket=ticket.id,
        subject=str(ticket.values.get("subject") or ""),
        text=str(entry.values.get("body") or ""),
        message_id=going.message_id or message_id_of(going.token, going.entry, sender),
        references=_references(runtime, going, ticket),
        at=going.queued_at.replace(tzinfo=UTC, microsecond=0),
        automatic=going.automatic,
        attachments=files,
    )


def _references(runtime: Runtime, going: Going, ticket: Entity) -> tuple[str, ...]:
    """The thread: the message that opened the ticket, then the last ones."""
    with runtime.db.connect() as connection:
        family = Home(runtime.engine).family(connection, TICKET, ticket.id)
        known = outbox.thread(connection, family, going.queued_at, MOST_REFERENCES)
    opened = ticket.values.get("thread_id")
    return tuple(dict.fromkeys((str(opened), *known) if opened else known))


def _addressed(runtime: Runtime, going: Going, letter: Letter) -> Verdict | None:
    """Settle address and message id, once; an automatic message is let through, or held back."""
    most = runtime.settings.mail_automatic_per_hour
    with runtime.db.transaction() as connection:
        outbox.address(connection, going.id, letter.to_address, letter.message_id, letter.ticket)
        if not going.automatic:
            return None
        if outbox.heard_a_machine(connection, letter.ticket):
            return Verdict(outbox.HELD, "the last message came from a machine, or asks for no automatic answer")
        if not outbox.allow(connection, going.id, letter.to_address, most):
            return Verdict(outbox.HELD, f"{most} automatic messages went to this address within the hour")
    return None


def _hand(runtime: Runtime, claim: Claim, going: Going) -> None:
    """Before the server is told that the message is complete: it is still ours to send, and we noted that we do."""
    if not ledger.renew(runtime.db, claim):
        raise Lost(f"message {going.id}")
    with runtime.db.connect() as connection:
        outbox.hand(connection, going.id)


def _answered(runtime: Runtime, claim: Claim, going: Going, letter: Letter, posted: Posted, server: str) -> None:
    """Note what the server said."""
    if posted.outcome is Outcome.ACCEPTED:
        _settle(runtime, claim, going, Verdict(outbox.SENT), message_id=letter.message_id)
        return
    too_old = now() - going.queued_at.replace(tzinfo=UTC) > GIVE_UP
    if posted.outcome is Outcome.REFUSED or too_old:
        _settle(runtime, claim, going, Verdict(outbox.FAILED, posted.reason))
        return
    if posted.outcome is Outcome.AWAY:
        _away.note(server, posted.reason)
    pause = PAUSES[min(going.attempts, len(PAUSES) - 1)]
    with runtime.db.transaction() as connection:
        if posted.outcome is Outcome.UNKNOWN:
            outbox.doubt(connection, going.id)
        outbox.tried(connection, going.id, posted.reason, pause)
    raise Later(pause, posted.reason)


def _settle(
    runtime: Runtime, claim: Claim, going: Going, verdict: Verdict, *, attempted: bool = True, **values: Any
) -> None:
    """The outbox, the entry that tells of it and the ledger, in one transaction."""
    context = Context(SYSTEM, SOURCE, source_id=str(going.id), correlation=claim.job.correlation or f"mail-{going.id}")
    with runtime.db.transaction() as connection:
        outbox.settle(connection, going.id, verdict.state, verdict.reason, attempted=attempted)
        kept = {"delivery": verdict.state.upper(), **values}
        Home(runtime.engine).keep(connection, ENTRY, {going.entry: kept}, context)
        _done(connection, claim)


def _done(connection: Connection, claim: Claim) -> None:
    """The row of the outbox tells all there is to tell: the ledger need not."""
    ledger.complete(connection, claim, Counts(rows=1, updated=1))
    small.forget(connection, claim.job.id)
