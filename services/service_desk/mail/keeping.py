"""Upkeep of what is noted of messages."""

from __future__ import annotations

from services.service_desk.mail import outbox
from services.service_desk.promises.keeping import ENTRY
from shared.kernel.context import SYSTEM, Context
from shared.kernel.db import Database
from shared.service.home import Home

_AT_ONCE = 200


def tidy(database: Database) -> int:
    """Forget addresses of long ago, and have entries tell that they could not be sent; how many."""
    with database.transaction() as connection:
        gone, untold = outbox.purge(connection), outbox.untold(connection, _AT_ONCE)
        if untold:
            values = {entry: {"delivery": outbox.FAILED.upper()} for entry in untold.values()}
            Home.of(database).keep(connection, ENTRY, values, Context(SYSTEM, "EMAIL"))
        return gone + len(untold)
