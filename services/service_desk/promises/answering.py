"""Questions about clocks: how those of a ticket stand, and what was reached and done. Reads only."""

from __future__ import annotations

from typing import Any

from services.service_desk.domain.clocks import caught_up, reading
from services.service_desk.domain.progress import Clock
from services.service_desk.promises import rows
from services.service_desk.promises.acting import LATE_SECONDS
from services.service_desk.promises.books import PROMISE, Loaded, promise_of
from services.service_desk.promises.folding import progress_of
from services.service_desk.promises.instants import ms, naive, text
from services.service_desk.promises.keeping import TICKET
from services.service_desk.promises.sweeping import Desk
from shared.kernel.clock import now

_ACTIONS = """
select ticket_id, target, cycle, round, threshold, policy_id, version, at, noticed_at, done_at, outcome
from sla_action
where (%(ticket)s::bigint is null or ticket_id = %(ticket)s) and (%(before)s::timestamp is null or at < %(before)s)
    and (not %(late)s or noticed_at > at + %(seconds)s * interval '1 second')
order by at desc, ticket_id limit %(limit)s
"""


def clocks_of(desk: Desk, ticket: int, at: int | None) -> dict[str, Any] | None:
    """Every clock of a ticket as JSON, with the promise by which its status is (the one that was missed, the one that
    was met) and the one under which it counts; None for no live ticket."""
    ticket = next(iter(desk.home.read(TICKET, [ticket], ())), ticket)  # absorbed ones are their survivor
    with desk.home.database.connect() as connection:
        loaded = desk.book(connection)
        found = rows.listed(connection, loaded.book, "ticket_id = %(id)s", {"id": ticket})
        moment = ms(now()) if at is None else at
        known = found[0].progress if found and not found[0].redo and found[0].revision == loaded.revision else None
        if found and found[0].gone:
            return None
        if known is None or moment < known.at:
            # Worked out anew: what writes could not carry on, or how it stood earlier under what is known today.
            known = progress_of(connection, desk.home, loaded, [ticket]).get(ticket)
        if known is None:
            return None
    progress = caught_up(loaded.book, known, max(moment, known.at))
    return {
        "ticket": str(ticket),
        "at": text(max(moment, progress.at)),
        "status": progress.state,
        "cycle": progress.cycle,
        "clocks": [_clock(loaded, one, max(moment, progress.at)) for one in progress.clocks],
    }


def done_about(desk: Desk, ticket: int | None, late: bool, before: int | None, limit: int) -> dict[str, Any]:
    """Lines of the ledger, the latest first."""
    params = {
        "ticket": ticket,
        "before": None if before is None else naive(before),
        "late": late,
        "seconds": LATE_SECONDS,
        "limit": limit,
    }
    with desk.home.database.connect() as connection:
        loaded = desk.book(connection)
        found = connection.rows(_ACTIONS, params)
    names = ("ticket", "target", "cycle", "round", "threshold", "policy", "version", "at", "noticed_at", "done_at")
    results = []
    for row in found:
        policy = loaded.names.get(row[5])
        moments = [None if one is None else text(ms(one)) for one in row[7:10]]
        line = dict(zip(names, (str(row[0]), *row[1:5], policy, row[6], *moments), strict=True))
        results.append({**line, **(row[10] or {})})
    return {"results": results}


def _clock(loaded: Loaded, clock: Clock, at: int) -> dict[str, Any]:
    until = at if clock.stopped is None else clock.stopped
    shown = reading(loaded.book.timelines, clock, until)
    # A breach that time alone has brought is one of the promise that the clock is under.
    judged = clock.judged if shown.breached is not None else clock.promise
    told = promise_of(loaded, judged, until if shown.breached is None else shown.breached)
    return {
        "target": clock.target.value,
        "cycle": clock.cycle,
        "round": clock.round,
        "status": shown.run.value,
        "started_at": text(clock.started),
        "stopped_at": text(clock.stopped),
        "due_at": text(shown.due),
        "breached_at": text(shown.breached),
        "elapsed_ms": shown.elapsed,
        "paused_ms": shown.paused,
        "remaining_ms": shown.remaining,
        "calendar_ms": (clock.stopped or at) - clock.started,
        **(told or dict.fromkeys(PROMISE)),
        "counts_under": promise_of(loaded, clock.promise, until),
    }
