"""The step in every write: where a ticket that stays loses its requester, who was erased, its mail forgets them too.

One statement per such ticket, none for any other write.
"""

from __future__ import annotations

from collections.abc import Sequence

from services.service_desk.mail import outbox
from services.service_desk.promises.keeping import TICKET
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.service.bereft import SOURCE
from shared.service.steps import LiveType, Written


def forget_requester(connection: Connection, live: LiveType, written: Sequence[Written], context: Context) -> None:
    """Take the address that a ticket had out of what is kept of its messages."""
    if live.name != TICKET or context.source != SOURCE:
        return
    key = live.attributes["requester_email"].key
    for one in written:
        old, new = one.changed.get(key, (None, None))
        if old is not None and new is None:
            outbox.unaddress(connection, one.state.id, old)
