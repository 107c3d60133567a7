"""What a ticket's own values tell of its clocks and of what was said, for lists, filters and reports.

Written as the system's own soon after clocks have moved, many changes at once; what clocks came to is recorded in the
same transaction. A ticket's door on its clocks tells the
same to the millisecond at any moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from services.service_desk.domain.clocks import reading
from services.service_desk.domain.policies import Target
from services.service_desk.domain.progress import ENDED, Clock, Progress, Run
from services.service_desk.promises import rows
from services.service_desk.promises.acting import SOURCE
from services.service_desk.promises.books import Loaded
from services.service_desk.promises.instants import aware, ms
from services.service_desk.promises.keeping import TICKET
from services.service_desk.promises.recording import record
from shared.kernel.clock import now
from shared.kernel.context import SYSTEM, Context
from shared.kernel.db import Connection
from shared.service.home import Home

_AT_ONCE = 500
UNSHOWN = "shown < seq and not gone"
_UNSHOWN = f"{UNSHOWN} order by ticket_id limit %(limit)s"
_SAID = """
select ticket_id, min(at) filter (where author = 'AGENT'), max(at), count(*) filter (where author = 'AGENT')
from sla_said where ticket_id = any(%(ids)s::bigint[]) group by ticket_id
"""
_SHOWN = """
update sla_clock c set shown = greatest(c.shown, g.seq)
from unnest(%(ids)s::bigint[], %(seqs)s::int[]) g(id, seq) where c.ticket_id = g.id
"""


def show(connection: Connection, home: Home, loaded: Loaded) -> int:
    """Bring some tickets to what their clocks say; how many were looked at."""
    found = rows.listed(connection, loaded.book, _UNSHOWN, {"limit": _AT_ONCE})
    if not found:
        return 0
    at, ids = ms(now()), [one.ticket for one in found]
    said = {row[0]: row[1:] for row in connection.rows(_SAID, {"ids": ids}, prepare=True)}
    values = {
        one.ticket: {**clock_values(loaded, one.progress, at), **said_values(one.progress, said.get(one.ticket))}
        for one in found
    }
    home.keep(connection, TICKET, values, Context(SYSTEM, SOURCE))
    record(connection, home, loaded, [one for one in found if not one.redo])  # else it comes again
    connection.run(_SHOWN, {"ids": ids, "seqs": [one.seq for one in found]}, prepare=True)
    return len(found)


def clock_values(loaded: Loaded, progress: Progress, at: int) -> dict[str, Any]:
    """What is told of the clocks of the present cycle; of several waits for an answer, of the last one."""
    found: dict[str, Any] = {"cycle": Decimal(progress.cycle)}
    clocks = [one for one in progress.clocks if one.cycle == progress.cycle]
    for target in Target:
        mine = [one for one in clocks if one.target is target]
        found |= _told(loaded, target, mine[-1] if mine else None, at)
    return found


def said_values(progress: Progress, said: Sequence[Any] | None) -> dict[str, Any]:
    """What is told of replies. What is said to have been said before the ticket was opened counts from its opening, as
    it does for clocks."""
    first, last, count = said or (None, None, 0)
    opened = min((one.started for one in progress.clocks), default=None)
    first_at, last_at = (None if one is None else max(ms(one), opened or ms(one)) for one in (first, last))
    waited = None if first_at is None or opened is None else Decimal(first_at - opened)
    return {
        "first_reply_at": None if first_at is None else aware(first_at),
        "last_reply_at": None if last_at is None else aware(last_at),
        "reply_count": Decimal(count) if count else None,
        "time_to_first_reply": waited,
    }


def _told(loaded: Loaded, target: Target, clock: Clock | None, at: int) -> dict[str, Any]:
    names = [f"{target.value}_{what}" for what in ("status", "due_at", "time")]
    if clock is None:
        return dict.fromkeys(names)
    ended = clock.run in ENDED
    shown = reading(loaded.book.timelines, clock, max(at, clock.as_of))
    due = aware(clock.due) if clock.due is not None else None
    spent = Decimal(clock.elapsed) if ended and clock.length is not None and clock.run is not Run.DROPPED else None
    return dict(zip(names, (shown.run.value, due, spent), strict=True))
