"""The kind of work that finds out who somebody is that a ticket came from by e-mail: a contact of that address, made
when there is none, and linked to the ticket. The ticket does not wait for it.

Contacts belong to the contacts service, which is asked as anybody would ask it: to make a contact of this address. It
makes one, or names the one it has, so that any number of messages at once make one contact, and doing it twice changes
nothing. While it is away, the question waits and keeps nothing else from being done.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from services.service_desk.mail.away import Away
from services.service_desk.promises.keeping import ENTRY, TICKET
from shared.kernel.context import SYSTEM, Context
from shared.kernel.db import Connection
from shared.kernel.json import JsonError, dumps, loads
from shared.kernel.telemetry import logger
from shared.service.entities import LinkTo, Ref, View
from shared.service.links import LinkItem
from shared.service.work import ledger, small
from shared.service.work.ledger import Claim, Counts, Job
from shared.service.work.running import JobProblem, Later

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

CONTACT = "contact"
PATH = "/api/v1/objects/contacts"
AWAY_SECONDS = 5.0
_SECONDS = 10.0
_TICKET = View("json", ("requester_email", "requester_name"))
_ENTRY = View("json", ("ticket_id", "author_email", "author_name"))
_AWAY = frozenset({401, 404, 408, 429})
"""Besides 5xx: a service that does not know our token yet, a front without it, too many at once."""
_away = Away(AWAY_SECONDS)
_log = logger("mail")


@dataclass(frozen=True, slots=True)
class Somebody:
    """Who wrote about which ticket."""

    ticket: int
    email: str
    name: str


Who = Callable[["Runtime", Context, int], Somebody | None]


def requester(runtime: Runtime, ctx: Context, ident: int) -> Somebody | None:
    """Who asked, by the ticket."""
    (ticket,) = runtime.entities.read(ctx, TICKET, [Ref(ident)], _TICKET)
    email = None if ticket is None else ticket.values.get("requester_email")
    if ticket is None or not email:
        return None
    return Somebody(ticket.id, str(email), str(ticket.values.get("requester_name") or ""))


def writer(runtime: Runtime, ctx: Context, ident: int) -> Somebody | None:
    """Who else wrote, by the entry; None when it was who asked."""
    (entry,) = runtime.entities.read(ctx, ENTRY, [Ref(ident)], _ENTRY)
    if entry is None:
        return None
    (ticket,) = runtime.entities.read(ctx, TICKET, [Ref(int(entry.values["ticket_id"]))], _TICKET)
    email = entry.values.get("author_email")
    if ticket is None or not email or email == ticket.values.get("requester_email"):
        return None
    return Somebody(ticket.id, str(email), str(entry.values.get("author_name") or ""))


class IntroducingKind:
    """Introduces one requester, or whoever else wrote about their ticket. The number of the job is the ticket, or the
    entry."""

    def __init__(self, who: Who) -> None:
        self._who = who

    def run(self, runtime: Runtime, claim: Claim) -> None:
        """Find the contact, or make it, and link the ticket to it. Raises Later while contacts is away, JobProblem when
        contacts refuses."""
        number = claim.job.number
        correlation = claim.job.correlation or f"{claim.job.kind}-{number}"
        ctx = Context(SYSTEM, "EMAIL", source_id=str(number), correlation=correlation)
        somebody = self._who(runtime, ctx, number)
        if somebody is not None:
            contact = self._contact(runtime, somebody)
            runtime.links.put(ctx, TICKET, [LinkItem(somebody.ticket, LinkTo(CONTACT, contact))])
        with runtime.db.transaction() as connection:
            ledger.complete(connection, claim, Counts(rows=1, updated=1))
            small.forget(connection, claim.job.id)

    def failed(self, connection: Connection, job: Job) -> None:
        """Ticket and entry keep the address; nobody is linked."""
        _log.warning("not introduced", who=job.kind, number=job.number, reason=job.reason)

    def _contact(self, runtime: Runtime, somebody: Somebody) -> int:
        why = _away.why(PATH)
        if why is not None:
            raise Later(AWAY_SECONDS, why)
        settings = runtime.settings
        token = settings.service_token.get_secret_value() if settings.service_token else ""
        try:
            answer = httpx.post(
                settings.front + PATH,
                content=dumps({"values": values_of(somebody.email, somebody.name)}),
                headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
                timeout=_SECONDS,
            )
            return _told(answer.status_code, loads(answer.content))
        except (httpx.HTTPError, JsonError) as error:
            _away.note(PATH, f"contacts cannot be asked: {type(error).__name__}")
            raise Later(AWAY_SECONDS, f"contacts cannot be asked: {type(error).__name__}") from error


def values_of(email: str, name: str) -> dict[str, str]:
    """A contact of this address, with what its sender called themselves: the last word is the last name."""
    first, _, last = name.strip().rpartition(" ")
    if not first:
        first, last = last, ""
    found = {"email": email, "first_name": first.strip(), "last_name": last.strip()}
    return {key: value for key, value in found.items() if value}


def _told(status: int, body: Any) -> int:
    """The contact that was made, or is there. Raises Later, JobProblem."""
    if status == 201:
        return int(body["id"])
    known = (body.get("context") or {}).get("existingId") if isinstance(body, dict) else None
    if status == 409 and known:
        return int(known[0])
    if status >= 500 or status in _AWAY or status == 409:
        _away.note(PATH, f"contacts answers {status}")
        raise Later(AWAY_SECONDS, f"contacts answers {status}")
    raise JobProblem(f"contacts refuses the requester: {status}")
