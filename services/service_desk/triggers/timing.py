"""What time brings to triggers: a row per trigger and ticket with the instant it is due, found by an index.

Rows follow the events of tickets; a new version looks at the tickets that are there, some at a time. An instant that
lay behind us when the trigger was declared is history: nothing is done about it. Whether a ticket still is as the
trigger says, and since when, is asked again when it is due.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from services.service_desk.macros import store
from services.service_desk.promises.instants import ms, naive, text
from services.service_desk.promises.keeping import TICKET
from services.service_desk.triggers.firing import Stage, fire
from services.service_desk.triggers.ledger import Cause
from services.service_desk.triggers.spelling import TIME, Trigger
from shared.kernel.clock import now
from shared.kernel.db import Connection
from shared.service.questions import with_answers

_AT_ONCE = 200
_FORGETFUL = 3600_000
"""Who waits for an hour or longer begins a chain of causes anew: that is no loop, it is a reminder."""
_PUT = """
insert into desk_due (trigger_id, ticket_id, due_at, chain)
select t, i, d, %(chain)s::int[] from unnest(%(t)s::int[], %(i)s::bigint[], %(d)s::timestamp[]) g(t, i, d)
on conflict (trigger_id, ticket_id) do update set due_at = excluded.due_at, chain = excluded.chain
"""
_DROP = """
delete from desk_due where (trigger_id, ticket_id) in (select * from unnest(%(t)s::int[], %(i)s::bigint[]))
"""
_DUE = """
select trigger_id, ticket_id, due_at, chain from desk_due where due_at <= %(now)s order by due_at, trigger_id, ticket_id
limit %(limit)s for update skip locked
"""
_WAITING = """
select exists (select from desk_due where due_at <= %(now)s)
    or exists (select from desk_rule where kind = 'trigger' and filled_to is not null and not gone)
"""
Values = Mapping[str, Any]
Row = tuple[int, int, int]


def follow(stage: Stage, ticket: int, before: Values, after: Values, chain: Sequence[int]) -> None:
    """Note when triggers will be due for a ticket that has changed, where that is another instant than before."""
    wanted: list[Row] = []
    dropped: list[tuple[int, int]] = []
    for trigger in stage.book.timed:
        due, was = trigger.due(after), trigger.due(before)
        if due == was:
            continue
        if due is None:
            dropped.append((trigger.id, ticket))
        else:
            wanted.append((trigger.id, ticket, due))
    put(stage.connection, wanted, chain)
    drop(stage.connection, dropped)


def put(connection: Connection, rows: Sequence[Row], chain: Sequence[int] = ()) -> None:
    """Rows as they are from now on."""
    if rows:
        columns = {"t": [row[0] for row in rows], "i": [row[1] for row in rows], "d": [naive(row[2]) for row in rows]}
        connection.run(_PUT, {**columns, "chain": list(chain)})


def drop(connection: Connection, rows: Sequence[tuple[int, int]]) -> None:
    """Rows no more."""
    if rows:
        connection.run(_DROP, {"t": [row[0] for row in rows], "i": [row[1] for row in rows]})


def forget(connection: Connection, tickets: Sequence[int]) -> None:
    """Tickets that are no more."""
    if tickets:
        connection.run("delete from desk_due where ticket_id = any(%(ids)s::bigint[])", {"ids": list(tickets)})


def begin(connection: Connection, trigger: int, *, waits: bool) -> None:
    """After a trigger was declared: have the tickets that are there looked at, if it waits for time at all. What was
    due for it by an earlier version stays so, until it is asked again."""
    store.fill(connection, trigger, 0 if waits else None)
    if not waits:
        connection.run("delete from desk_due where trigger_id = %(id)s", {"id": trigger})


def waiting(connection: Connection) -> bool:
    """Whether there is anything to look at."""
    row = connection.row(_WAITING, {"now": naive(ms(now()))})
    return bool(row and row[0])


def look(stage: Stage) -> int:
    """Look at some tickets that were there before a trigger was declared; how many."""
    found = [one for one in store.current(stage.connection, store.TRIGGER).values() if one.filled_to is not None]
    if not found:
        return 0
    declared = found[0]
    trigger = stage.book.now.get(declared.id)
    ids = stage.home.ids(stage.connection, TICKET, declared.filled_to or 0, limit=_AT_ONCE)
    states = stage.home.states(stage.connection, TICKET, ids) if trigger is not None else {}
    fits = stage.answers(trigger.links, states) if trigger is not None else {}
    begun = ms(declared.at)
    rows = [
        (declared.id, ident, due)
        for ident, state in states.items()
        if trigger is not None
        and (due := trigger.due(with_answers(state.values, fits.get(ident)))) is not None
        and due >= begun
    ]
    put(stage.connection, rows)
    store.fill(stage.connection, declared.id, ids[-1] if len(ids) == _AT_ONCE and trigger is not None else None)
    return len(ids)


def ring(stage: Stage) -> int:
    """Have some triggers fire that are due by now; how many rows were looked at."""
    moment = now()
    found = stage.connection.rows(_DUE, {"now": naive(ms(moment)), "limit": _AT_ONCE})
    if not found:
        return 0
    states = stage.home.states(stage.connection, TICKET, sorted({row[1] for row in found}), lock=True)
    links = [
        one for ident in {row[0] for row in found} if ident in stage.book.now for one in stage.book.now[ident].links
    ]
    fits = stage.answers(links, states)
    values = {ticket: with_answers(state.values, fits.get(ticket)) for ticket, state in states.items()}
    done: list[tuple[int, int]] = []
    later: list[Row] = []
    for ident, ticket, _, chain in found:
        trigger = stage.book.now.get(ident)
        due = trigger.due(values[ticket]) if trigger is not None and ticket in values else None
        if due is not None and due > ms(moment):
            later.append((ident, ticket, due))
            continue
        done.append((ident, ticket))
        if trigger is not None and due is not None:
            fire(stage, trigger, ticket, _cause(trigger, due, chain, moment))
    # What fired may have moved its own instant: that is told on the log, and noted when it is heard.
    drop(stage.connection, done)
    put(stage.connection, later)
    return len(found)


def _cause(trigger: Trigger, due: int, chain: Sequence[int], moment: datetime) -> Cause:
    late = max((ms(moment) - due) // 1000, 0)
    why = {"on": TIME, "due_at": text(due), "late_seconds": late}
    waits = trigger.timing is not None and abs(trigger.timing.offset) >= _FORGETFUL
    return Cause(f"time/{text(due)}", () if waits else tuple(chain), why)
