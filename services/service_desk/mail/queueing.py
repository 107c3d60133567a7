"""The step in every write: a reply that is to go out is put into the outbox, in the transaction that makes it.

So is the question who somebody is that a ticket, or an answer to one, came from by e-mail.

Two statements where there is something to do, none otherwise. Nobody is asked here, nor anything sent: whoever wrote
waits for no mail server, and what was committed is sent, whatever dies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from services.service_desk.mail.automatic import SYSTEM
from services.service_desk.promises.keeping import ENTRY, TICKET
from services.service_desk.rules.entries import IMPORT, QUEUED
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.service.steps import LiveType, Written
from shared.service.work import small

SENDING, INTRODUCING, JOINING = "mail", "requester", "writer"
PHASE = "once"
_PUT = """
insert into mail_out (entry_id, ticket_id, automatic)
select * from unnest(%(entries)s::bigint[], %(tickets)s::bigint[], %(automatic)s::bool[]) on conflict do nothing
returning id
"""


class Queueing:
    """The step."""

    def __call__(self, connection: Connection, live: LiveType, written: Sequence[Written], context: Context) -> None:
        """Queue what is to go out, and who is to be found out about."""
        handle = _QUEUES.get(live.name)
        if handle is not None:
            handle(connection, live, [one for one in written if one.kind == "created"], context)


def _entries(connection: Connection, live: LiveType, made: Sequence[Written], context: Context) -> None:
    _outgoing(connection, live, made, context)
    if context.source != IMPORT and context.effective_at is None:
        names = ("author_email", "message_id")
        wrote = [one for one in made if _value(live, one, "author") == "CUSTOMER" and one.effective_at is None]
        known = [one.state.id for one in wrote if all(_value(live, one, name) is not None for name in names)]
        begin(connection, JOINING, known, context)


def _outgoing(connection: Connection, live: LiveType, made: Sequence[Written], context: Context) -> None:
    going = [one for one in made if _value(live, one, "delivery") == QUEUED]
    if not going:
        return
    rows = connection.rows(
        _PUT,
        {
            "entries": [one.state.id for one in going],
            "tickets": [int(_value(live, one, "ticket_id")) for one in going],
            "automatic": [_value(live, one, "author") == SYSTEM for one in going],
        },
        prepare=True,
    )
    begin(connection, SENDING, [row[0] for row in rows], context)


def _tickets(connection: Connection, live: LiveType, made: Sequence[Written], context: Context) -> None:
    if context.source == IMPORT or context.effective_at is not None:
        return
    asked = [
        one.state.id
        for one in made
        if one.effective_at is None
        and _value(live, one, "source") == "EMAIL"
        and _value(live, one, "requester_email") is not None
    ]
    begin(connection, INTRODUCING, asked, context)


def begin(connection: Connection, kind: str, numbers: Sequence[int], context: Context) -> None:
    """A piece of work for each number, in the caller's transaction."""
    entity_type = TICKET if kind == INTRODUCING else ENTRY
    small.begin(connection, kind, numbers, entity_type=entity_type, phase=PHASE, context=context)


def _value(live: LiveType, one: Written, name: str) -> Any:
    return one.state.values.get(live.attributes[name].key)


_QUEUES: dict[str, Callable[[Connection, LiveType, Sequence[Written], Context], None]] = {
    ENTRY: _entries,
    TICKET: _tickets,
}
