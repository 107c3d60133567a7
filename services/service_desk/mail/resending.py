"""Queue a message once more that did not go: after its server, its address or the settings were put right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.service_desk.mail import outbox, queueing
from services.service_desk.promises.keeping import ENTRY
from shared.kernel.context import Context
from shared.kernel.errors import Conflict, NotFound
from shared.service.home import Home
from shared.service.work import ledger

if TYPE_CHECKING:
    from shared.service.runtime import Runtime


def resend(service: Runtime, ctx: Context, ident: int) -> outbox.Going:
    """The message, queued. Raises NotFound, and Conflict for one that went or is on its way."""
    with service.db.transaction() as connection:
        found = outbox.find(connection, ident, lock=True)
        if found is None:
            raise NotFound("message", [str(ident)])
        entry = outbox.again(connection, ident)
        if entry is None:
            raise Conflict(f"This message is {found.state}: there is nothing to send again")
        Home(service.engine).keep(connection, ENTRY, {entry: {"delivery": outbox.QUEUED.upper()}}, ctx)
        kind, phase = queueing.SENDING, queueing.PHASE
        ledger.start(connection, kind, ident, entity_type=ENTRY, phase=phase, context=ctx)
        again = outbox.find(connection, ident)
        assert again is not None
        return again
