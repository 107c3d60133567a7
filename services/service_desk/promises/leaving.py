"""What clocks of tickets came to that were archived before a round had told of it: recorded all the same.

A ticket that is closed and archived between two rounds was closed, and reports count it on its day. Nothing is told to
the ticket itself, which nobody can write now; should it come back, it is told then. What was absorbed by another one is
told with that.
"""

from __future__ import annotations

from dataclasses import replace

from services.service_desk.promises import rows
from services.service_desk.promises.books import Loaded
from services.service_desk.promises.folding import progress_of
from services.service_desk.promises.keeping import TICKET
from services.service_desk.promises.recording import record
from shared.kernel.db import Connection
from shared.service.home import Home
from shared.service.presence import heirs

UNTOLD = "shown < seq and gone"
_AT_ONCE = 500
_FOUND = f"{UNTOLD} order by ticket_id limit %(limit)s for update skip locked"
_TOLD = """
update sla_clock c set shown = greatest(c.shown, g.seq)
from unnest(%(ids)s::bigint[], %(seqs)s::int[]) g(id, seq) where c.ticket_id = g.id
"""


def waiting(connection: Connection) -> bool:
    """Whether there is any."""
    return connection.row(f"select from sla_clock where {UNTOLD} limit 1", prepare=True) is not None


def settle(connection: Connection, home: Home, loaded: Loaded) -> int:
    """Record some of them; how many were looked at."""
    found = rows.listed(connection, loaded.book, _FOUND, {"limit": _AT_ONCE})
    if not found:
        return 0
    ids = [one.ticket for one in found]
    elsewhere = heirs(connection, home.type(TICKET), ids)
    known = progress_of(connection, home, loaded, [one for one in ids if one not in elsewhere], archived=True)
    told = [replace(one, progress=known[one.ticket]) for one in found if one.ticket in known]
    record(connection, home, loaded, told, archived=True)
    connection.run(_TOLD, {"ids": ids, "seqs": [one.seq for one in found]}, prepare=True)
    return len(found)
