"""Rows of clocks: progress as JSON and back, and the statements that read and write many at once.

A row is what its progress and the steps that were added to it since come to. Whoever changes a ticket adds a step,
which rides along with the event and takes no look at what there is; whoever reads the row folds the steps, and whoever
writes it (the next round, or somebody who says something) writes what they have come to.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.service_desk.domain.clocks import follow
from services.service_desk.domain.policies import Book, Target
from services.service_desk.domain.progress import Clock, Progress, Promise, Run, Step
from services.service_desk.domain.thresholds import Reached, next_look, passed
from services.service_desk.promises.instants import ms, naive
from shared.kernel.db import Connection
from shared.kernel.json import dumps, loads
from shared.kernel.listed import Listed
from shared.service.questions import answered
from shared.service.steps import Rider

# How many more values a clock has in a row before the promise that it missed, which most have not.
_PLAIN = 9
_COLUMNS = "ticket_id, at, progress, live, next_at, revision"
_GIVEN = """json_to_recordset(%(rows)s::json) as r(
    ticket_id bigint, at timestamp, progress jsonb, live bool, next_at timestamp, revision bigint)"""
_CREATE = Listed(
    f"insert into sla_clock ({_COLUMNS}) select {_COLUMNS} from {{given}} r on conflict do nothing",
    "clock",
    {
        "ticket_id": "bigint", "at": "timestamp", "progress": "jsonb", "live": "bool", "next_at": "timestamp",
        "revision": "bigint",
    },
)  # fmt: skip
# The limit takes nothing away: of such a function PostgreSQL expects a hundred rows and would read all clocks for them,
# of a limit that it cannot see, ten.
_PUT = f"""
update sla_clock c set at = r.at, progress = r.progress, live = r.live, next_at = r.next_at, revision = r.revision,
    seq = c.seq + 1, redo = false, pending = '[]'
from (select * from {_GIVEN} limit (select %(count)s::bigint)) r where c.ticket_id = r.ticket_id
"""
_ROW = "ticket_id, progress::text, next_at, revision, redo, gone, seq, recorded_at, pending::text"
# What happened earlier than what is known, or is told under another book, cannot be carried on. The next round looks.
_ADD = Listed(
    """
update sla_clock c set pending = c.pending || r.steps, at = greatest(c.at, r.at), live = true, seq = c.seq + 1,
    redo = r.first < c.at or c.revision <> %(revision)s,
    next_at = case when r.first >= c.at and c.revision = %(revision)s then least(c.next_at, %(told)s::timestamp) end
from {given} r where c.ticket_id = r.ticket_id and not c.redo and not c.gone
""",
    "step",
    {"ticket_id": "bigint", "first": "timestamp", "at": "timestamp", "steps": "jsonb"},
    by="ticket_id",
)
_LOCKED = f"""
select {_ROW} from sla_clock where ticket_id = any(%(ids)s::bigint[]) order by ticket_id for update
"""
_HELD = "select 1 from sla_clock where ticket_id = any(%(ids)s::bigint[]) order by ticket_id for update"
_REDO = "update sla_clock set redo = true, gone = %(gone)s, next_at = null where ticket_id = any(%(ids)s::bigint[])"
# Also those that are to be worked out anew already: who does so now may not see what is being written.
_AGAIN = """
update sla_clock set redo = true, next_at = null where ticket_id in (
    select ticket_id from sla_clock where ticket_id = any(%(ids)s::bigint[]) and not gone
    order by ticket_id for update)
"""
_REACHED = """
insert into sla_action (ticket_id, target, cycle, round, threshold, policy_id, version, at, noticed_at)
select ticket_id, target, cycle, round, threshold, policy_id, version, at, noticed_at
from json_to_recordset(%(rows)s::json) as r(ticket_id bigint, target text, cycle int, round int, threshold text,
    policy_id int, version int, at timestamp, noticed_at timestamp)
on conflict do nothing
"""


@dataclass(frozen=True, slots=True)
class Row:
    """A ticket's row. recorded: since when its clocks are watched; what they reached before is history, told later.

    progress: with the steps that were added; reached: what lies before them, which nobody has noted yet. redo: also
    where one of them cannot be carried on.
    """

    ticket: int
    progress: Progress
    next_at: int | None
    revision: int
    redo: bool
    gone: bool
    seq: int
    recorded: int
    reached: tuple[Reached, ...] = ()

    def news(self, reached: Iterable[Reached]) -> list[tuple[int, Reached]]:
        """What of it something is to be done about."""
        return [(self.ticket, one) for one in reached if one.at >= self.recorded]


def locked(connection: Connection, book: Book, ids: Collection[int]) -> dict[int, Row]:
    """Rows of tickets, locked until the transaction ends."""
    rows = connection.rows(_LOCKED, {"ids": f"{{{','.join(map(str, ids))}}}"}, prepare=True)
    return {row[0]: _row(book, row) for row in rows}


def hold(connection: Connection, ids: Collection[int]) -> None:
    """Lock rows that are about to be replaced."""
    connection.rows(_HELD, {"ids": list(ids)}, prepare=True)


def listed(connection: Connection, book: Book, where: str, params: Mapping[str, Any]) -> list[Row]:
    """Rows by a condition of our own."""
    return [_row(book, row) for row in connection.rows(f"select {_ROW} from sla_clock where {where}", params)]


def created(rows: Iterable[Mapping[str, Any]]) -> Rider:
    """What makes rows of new tickets; those that are there stay."""
    return Rider(*_CREATE.of(list(rows)))


def added(steps: Mapping[int, Sequence[Step]], revision: int, told: int) -> Rider:
    """What adds steps, in order of time, to tickets that are there. told: now."""
    given = []
    for ticket, several in steps.items():
        first = naive(several[0].at).isoformat()
        last = first if len(several) == 1 else naive(max(one.at for one in several)).isoformat()
        pending = [[one.at, one.state, one.priority, one.facts, told] for one in several]
        given.append({"ticket_id": ticket, "first": first, "at": last, "steps": pending})
    sql, params = _ADD.of(given)
    return Rider(sql, {**params, "revision": revision, "told": naive(told).isoformat()})


def put(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows as they are from now on."""
    if rows:
        connection.run(_PUT, {"rows": dumps(rows).decode(), "count": len(rows)}, prepare=True)


def redo(connection: Connection, ids: Collection[int], *, gone: bool = False) -> None:
    """Have rows worked out anew; those gone are looked at by nobody."""
    if ids:
        connection.run(_REDO, {"ids": list(ids), "gone": gone})


def again(connection: Connection, ids: Collection[int]) -> None:
    """Have rows of tickets that are there worked out anew."""
    if ids:
        connection.run(_AGAIN, {"ids": list(ids)}, prepare=True)


def note(connection: Connection, found: Iterable[tuple[int, Reached]], noticed: int) -> int:
    """Put thresholds into the ledger; how many were not in it."""
    rows = [
        {
            "ticket_id": ticket,
            "target": one.clock.target,
            "cycle": one.clock.cycle,
            "round": one.clock.round,
            "threshold": one.threshold.name,
            "policy_id": one.clock.policy,
            "version": one.clock.version,
            "at": naive(one.at).isoformat(),
            "noticed_at": naive(noticed).isoformat(),
        }
        for ticket, one in found
    ]
    return connection.run(_REACHED, {"rows": dumps(rows).decode()}) if rows else 0


def record(book: Book, ticket: int, progress: Progress, revision: int, seen: int) -> dict[str, Any]:
    """A row as it is written. seen: up to when its thresholds are in the ledger."""
    coming = next_look(book, progress, seen)
    return {
        "ticket_id": ticket,
        "at": naive(progress.at).isoformat(),
        "progress": as_json(progress),
        "live": bool(progress.live),
        "next_at": None if coming is None else naive(coming).isoformat(),
        "revision": revision,
    }


def as_json(one: Progress) -> list[Any]:
    """Progress as JSON."""
    policy = None if one.policy is None else [one.policy.policy, one.policy.version]
    live, ended = ([_clock_json(clock) for clock in clocks] for clocks in (one.live, one.ended))
    return [one.at, one.state, one.priority, dict(one.facts), policy, one.cycle, one.round, live, ended]


def from_json(book: Book, raw: Sequence[Any]) -> Progress:
    """Progress out of JSON. A policy that the book has not got is none."""
    at, state, priority, facts, policy, cycle, number, live, ended = raw
    held = None if policy is None else book.version(*policy)
    clocks = (tuple(_clock(one) for one in several) for several in (live, ended))
    return Progress(at, state, priority, facts, held, cycle, number, *clocks)


def _clock_json(one: Clock) -> list[Any]:
    return [
        one.target, one.cycle, one.round, one.started, one.as_of, one.run, one.elapsed, one.paused, one.policy,
        one.version, one.calendar, one.length, one.due, one.breached, one.stopped,
        *(() if one.missed is None else (list(one.missed),)),
    ]  # fmt: skip


def _clock(raw: Sequence[Any]) -> Clock:
    target, cycle, number, started, as_of, run, *rest = raw
    missed = (Promise(*one) for one in rest[_PLAIN:])
    return Clock(Target(target), cycle, number, started, as_of, Run(run), *rest[:_PLAIN], *missed)


def _row(book: Book, row: Sequence[Any]) -> Row:
    ident, progress, next_at, revision, again, gone, seq, recorded, pending = row
    coming = None if next_at is None else ms(next_at)
    known, reached, late = carried_on(book, from_json(book, loads(progress)), loads(pending))
    return Row(ident, known, coming, revision, again or late, gone, seq, ms(recorded), reached)


def carried_on(
    book: Book, progress: Progress, pending: Sequence[Sequence[Any]]
) -> tuple[Progress, tuple[Reached, ...], bool]:
    """Progress with steps as they were added, what was reached before them, and whether one of them comes too late:
    what was reached until that was told was reached all the same."""
    reached: list[Reached] = []
    for at, state, priority, facts, told in pending:
        if at < progress.at:
            return progress, (*reached, *passed(book, progress, told)[1]), True
        progress, found = passed(book, progress, at - 1)
        reached += found
        progress = follow(book, (Step(at, state, priority, {**answers_of(progress), **facts}),), progress)
    return progress, tuple(reached), False


def answers_of(progress: Progress) -> dict[str, Any]:
    """What is known of linked entities: a write of the ticket changes nothing about them."""
    return {key: value for key, value in progress.facts.items() if answered(key)}
