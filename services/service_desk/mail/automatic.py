"""What the system itself says to who asked: the one way for triggers, macros and surveys to send an e-mail.

It is an entry of the ticket like any other, by the author SYSTEM: shown with the ticket, moving no clock, sent by the
same outbox. Says of itself that a machine wrote it, and is held back where that could make a loop (`sending`): then its
`delivery` says so. Not for what an agent says, which is an ordinary entry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.service_desk.promises.keeping import ENTRY
from shared.kernel.context import Context
from shared.service.entities import ItemError, Ref, Upsert, View

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

_VIEW = View("json", ("ticket_id",))


def say(service: Runtime, ctx: Context, ticket: int, text: str, *, because: str) -> int:
    """Say something to who asked, once for each `because` (say, `trigger/7/ticket/42/event/9`; at most 200 characters);
    the id of the entry, which is the former one when it was said before.

    Raises what the corridor does, Invalid for a ticket that is not there. Whether it is sent, and when, the entry's
    `delivery` tells.
    """
    values: dict[str, object] = {
        "ticket_id": str(ticket),
        "author": "SYSTEM",
        "visibility": "PUBLIC",
        "body": text,
        "said_for": because,
    }
    ref = Ref(attribute="said_for", value=because)
    found = service.entities.read(ctx, ENTRY, [ref], _VIEW)[0]
    if found is None:
        made = service.entities.upsert(ctx, ENTRY, [Upsert(ref, values)], _VIEW)[0]
        if isinstance(made, ItemError):
            raise made.error
        found = made
    return found.id
