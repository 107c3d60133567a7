"""Rows of the ledger: what made which trigger fire, once, and what came of it.

A row is written before anything is done, and in one transaction with it: who finds it there does nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from shared.kernel.clock import iso, now
from shared.kernel.db import Connection
from shared.kernel.json import dumps, loads

DONE, FAILED, STOPPED = "done", "failed", "stopped"
OUTCOMES = (DONE, FAILED, STOPPED)
_MARK = "fired/"
_NOTE = """
insert into desk_fired (trigger_id, version, ticket_id, cause, at, chain, why, outcome)
values (%(trigger)s, %(version)s, %(ticket)s, %(cause)s, %(at)s, %(chain)s::int[], %(why)s::jsonb, 'done')
on conflict do nothing returning id
"""
_SETTLE = """
update desk_fired set outcome = %(outcome)s, reason = %(reason)s, did = %(did)s::jsonb where id = %(id)s
"""
_CHAINS = "select id, chain || trigger_id from desk_fired where id = any(%(ids)s::bigint[])"
_LIST = """
select f.id, f.trigger_id, r.name, f.version, f.ticket_id, f.cause, f.at, f.chain, f.why::text, f.outcome, f.reason,
    f.did::text
from desk_fired f left join desk_rule r on r.id = f.trigger_id
where (%(trigger)s::text is null or r.name = %(trigger)s) and (%(ticket)s::bigint is null or f.ticket_id = %(ticket)s)
    and (%(outcome)s::text is null or f.outcome = %(outcome)s) and (%(before)s::bigint is null or f.id < %(before)s)
order by f.id desc limit %(limit)s
"""


_TIDY = """
delete from desk_fired where id in (select id from desk_fired order by id limit %(limit)s)
    and at < timezone('utc', clock_timestamp()) - %(days)s * interval '1 day'
"""
KEPT_DAYS = 400
_AT_ONCE = 5000


@dataclass(frozen=True, slots=True)
class Cause:
    """What makes a trigger fire for a ticket: its name, which says it once and for all, the triggers on the way to it,
    and what is told of it."""

    name: str
    chain: tuple[int, ...]
    why: Mapping[str, Any]


def note(connection: Connection, trigger: int, version: int, ticket: int, cause: Cause) -> int | None:
    """The number of the new row; None when the cause was taken up before."""
    params = {
        "trigger": trigger,
        "version": version,
        "ticket": ticket,
        "cause": cause.name,
        "at": now().astimezone(UTC).replace(tzinfo=None),
        "chain": list(cause.chain),
        "why": dumps(cause.why).decode(),
    }
    row = connection.row(_NOTE, params, prepare=True)
    return None if row is None else int(row[0])


def settle(connection: Connection, ident: int, outcome: str, reason: str | None, did: object = None) -> None:
    """What came of it."""
    told = None if did is None else dumps(did).decode()
    connection.run(_SETTLE, {"id": ident, "outcome": outcome, "reason": reason, "did": told}, prepare=True)


def mark(ident: int) -> str:
    """What writes say of their cause that a row of the ledger led to."""
    return f"{_MARK}{ident}"


def marked(cause: str | None) -> int | None:
    """The row that such a cause names, None for any other."""
    number = (cause or "").removeprefix(_MARK)
    return int(number) if cause and cause.startswith(_MARK) and number.isdecimal() else None


def chains(connection: Connection, causes: Collection[str | None]) -> dict[str, tuple[int, ...]]:
    """By cause, the triggers that led to what it caused, from the first."""
    ids = sorted({ident for one in causes if (ident := marked(one)) is not None})
    if not ids:
        return {}
    return {mark(ident): tuple(chain) for ident, chain in connection.rows(_CHAINS, {"ids": ids}, prepare=True)}


def listed(
    connection: Connection, trigger: str | None, ticket: int | None, outcome: str | None, before: int | None, limit: int
) -> list[dict[str, Any]]:
    """Rows as doors show them, the latest first."""
    params = {"trigger": trigger, "ticket": ticket, "outcome": outcome, "before": before, "limit": limit}
    return [_shown(row) for row in connection.rows(_LIST, params)]


def tidy(connection: Connection) -> int:
    """Forget some rows that are older than anybody asks for, and than any page of the log; how many."""
    return connection.run(_TIDY, {"limit": _AT_ONCE, "days": KEPT_DAYS})


def _shown(row: Sequence[Any]) -> dict[str, Any]:
    ident, trigger, name, version, ticket, cause, at, chain, why, outcome, reason, did = row
    moment: datetime = at
    return {
        "id": str(ident),
        "trigger": name or str(trigger),
        "version": version,
        "ticket": str(ticket),
        "at": iso(moment),
        "cause": cause,
        "why": loads(why),
        "chain": list(chain),
        "outcome": outcome,
        "reason": reason,
        "did": None if did is None else loads(did),
    }
