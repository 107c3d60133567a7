"""A trigger fires: once for a ticket and a cause, never twice on one chain of causes, and alone when it fails.

The row of the ledger, what is done and whatever the caller notes besides go in one transaction. What cannot be done is
undone to the savepoint and told in the ledger; what passes by itself (a database away) is raised, to be tried again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from services.service_desk.macros.commands import actions_of
from services.service_desk.macros.deeds import Ask, Hand, carried_out
from services.service_desk.mail import automatic
from services.service_desk.promises.keeping import TICKET
from services.service_desk.triggers import ledger
from services.service_desk.triggers.book import Book
from services.service_desk.triggers.ledger import DONE, FAILED, STOPPED, Cause
from services.service_desk.triggers.spelling import Trigger
from shared.kernel.context import SYSTEM, Context
from shared.kernel.db import Connection
from shared.kernel.errors import CrmError, Unavailable
from shared.kernel.telemetry import logger
from shared.service.home import Home
from shared.service.questions import Answers, Question

SOURCE = "TRIGGER"
MOST_LINKS = 10
"""How many triggers may follow from one another."""
_log = logger("service_desk.triggers")


@dataclass(frozen=True, slots=True)
class Stage:
    """Where triggers act: in whose transaction, on which entities, under which book."""

    connection: Connection
    home: Home
    book: Book
    ask: Ask | None = None

    def answers(self, asked: Iterable[Question], tickets: Collection[int]) -> Answers:
        """What is true of tickets among what triggers ask of linked entities, as it is now."""
        return self.home.asking.answers(self.connection, TICKET, asked, tickets)


def fire(stage: Stage, trigger: Trigger, ticket: int, cause: Cause, correlation: str | None = None) -> bool:
    """Have it fire; whether the cause was news. Raises Unavailable, and whatever the database raises."""
    connection = stage.connection
    ident = ledger.note(connection, trigger.id, trigger.version, ticket, cause)
    if ident is None:
        return False
    stop = looping(trigger, cause, stage.book)
    if stop is not None:
        ledger.settle(connection, ident, STOPPED, stop)
        return True
    try:
        with connection.transaction():
            hand = _hand(stage, trigger, ident, cause, ticket, correlation)
            (done,) = carried_out(hand, actions_of(stage.home, connection, trigger.body, automatic=True), [ticket])
            ledger.settle(connection, ident, DONE, None, told(done.as_json()))
    except Unavailable:
        raise
    except CrmError as error:
        _log.info("a trigger failed", trigger=trigger.name, ticket=ticket, error=error.category)
        ledger.settle(connection, ident, FAILED, error.message[:500])
    return True


def looping(trigger: Trigger, cause: Cause, book: Book) -> str | None:
    """Why it must not fire: it led to its own cause, or too many followed from one another. None: it may."""
    if trigger.id in cause.chain:
        way = " > ".join(book.names.get(one, str(one)) for one in (*cause.chain, trigger.id))
        return f"a loop: {way}"
    if len(cause.chain) >= MOST_LINKS:
        return f"{len(cause.chain)} triggers followed from one another: no further one does"
    return None


def told(did: dict[str, object]) -> dict[str, object]:
    """What the ledger keeps of what was done: which values and entries, not the words, which people may have erased."""
    said = did.get("said")
    entries = [{"id": one["id"], "visibility": one["visibility"]} for one in said] if isinstance(said, list) else []
    events = did.get("told")
    kinds = [one.get("name") or one.get("kind") for one in events] if isinstance(events, list) else []
    changed = did.get("changed")
    return {"changed": sorted(changed) if isinstance(changed, dict) else [], "said": entries, "told": kinds}


def _hand(stage: Stage, trigger: Trigger, ident: int, cause: Cause, ticket: int, correlation: str | None) -> Hand:
    context = Context(SYSTEM, SOURCE, source_id=f"{trigger.name}/{trigger.version}", cause=ledger.mark(ident))
    if correlation is not None:
        context = Context(SYSTEM, SOURCE, context.source_id, correlation, context.cause)
    author = automatic.author(f"trigger/{trigger.id}/{ticket}/{cause.name}")
    return Hand(stage.connection, stage.home, stage.book.replies, context, author, ask=stage.ask)
