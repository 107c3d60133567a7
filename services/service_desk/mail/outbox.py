"""Rows of the outbox and of what came in: the statements. Every function runs inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.kernel.clock import iso
from shared.kernel.db import Connection

QUEUED, SENT, FAILED, HELD = "queued", "sent", "failed", "held"
OFF, UNADDRESSED, WITHDRAWN = "off", "unaddressed", "withdrawn"
STATES = (QUEUED, SENT, FAILED, HELD, OFF, UNADDRESSED, WITHDRAWN)
KEEP_DAYS = 90

_NOW = "timezone('utc', clock_timestamp())"
_ROW = """id, entry_id, ticket_id, token, automatic, state, to_email, message_id, reason, attempts, doubtful, queued_at,
    allowed_at, handed_at, next_at, settled_at"""
_SETTLE = f"""
update mail_out set state = %(state)s, reason = %(reason)s, handed_at = null, next_at = null, settled_at = {_NOW},
    attempts = attempts + %(tried)s
where id = %(id)s
"""
_ADDRESS = """
update mail_out set to_email = %(to)s, message_id = %(message_id)s, ticket_id = %(ticket)s where id = %(id)s
"""
_HANDED = f"update mail_out set handed_at = {_NOW} where id = %(id)s"
_DOUBT = "update mail_out set doubtful = doubtful + 1, handed_at = null where id = %(id)s"
_TRIED = f"""
update mail_out set attempts = attempts + 1, reason = %(reason)s, handed_at = null,
    next_at = {_NOW} + %(pause)s * interval '1 second'
where id = %(id)s
"""
_ALONE = "select pg_advisory_xact_lock(7114, hashtext(%(to)s))"
_RECENT = f"""
select count(*) from mail_out
where to_email = %(to)s and allowed_at > {_NOW} - interval '1 hour' and id <> %(id)s
"""
_ALLOWED = f"update mail_out set allowed_at = {_NOW} where id = %(id)s"
_AGAIN = f"""
update mail_out set state = 'queued', reason = '', attempts = 0, next_at = null, settled_at = null, to_email = null,
    untold = false,
    queued_at = case when state in ('sent', 'queued') then queued_at else {_NOW} end
where id = %(id)s and state not in ('sent', 'queued') returning entry_id
"""
_LISTED = f"""
select {_ROW} from mail_out
where id < %(before)s and (%(state)s::text is null or state = %(state)s)
    and (%(ticket)s::bigint is null or ticket_id = %(ticket)s)
order by id desc limit %(limit)s
"""
_TICKETS = "select ticket_id from mail_out where message_id = any(%(ids)s::text[])"
_RETURNED = """
select id, entry_id from mail_out where message_id = any(%(ids)s::text[]) and state in ('sent', 'queued')
    and not exists (select from mail_in where message_id = %(report)s) order by id for update
"""
_THREAD = """
select message_id from (
    select message_id, at from mail_in where ticket_id = any(%(tickets)s::bigint[]) and not automatic
    union all
    select message_id, queued_at from mail_out where ticket_id = any(%(tickets)s::bigint[]) and state = 'sent') said
where at < %(before)s order by at desc, message_id limit %(limit)s
"""
_NOTE = """
insert into mail_in (message_id, sender, automatic, quiet, outcome, ticket_id, entry_id)
values (%(message_id)s, %(sender)s, %(automatic)s, %(quiet)s, %(outcome)s, %(ticket)s, %(entry)s) on conflict do nothing
"""
_QUIET = "select automatic or quiet from mail_in where ticket_id = %(ticket)s order by at desc limit 1"
_RECEIVED = """
select message_id, sender, automatic, quiet, outcome, ticket_id, entry_id, at from mail_in
where (%(before)s::timestamp is null or at < %(before)s) and (%(outcome)s::text is null or outcome = %(outcome)s)
order by at desc limit %(limit)s
"""
_LONG_AGO = f"< {_NOW} - interval '{KEEP_DAYS} days'"
_PURGE = (
    f"delete from mail_in where sender <> '' and ticket_id is null and at {_LONG_AGO}",
    f"update mail_in set sender = '' where sender <> '' and at {_LONG_AGO}",
    f"update mail_out set to_email = null where to_email is not null and settled_at {_LONG_AGO}",
)
_UNADDRESS = """
with sent as (update mail_out set to_email = null where ticket_id = %(ticket)s and lower(to_email) = lower(%(email)s))
update mail_in set sender = '' where ticket_id = %(ticket)s and lower(sender) = lower(%(email)s)
"""
_FORGET = {
    "ticket": ("ticket_id", "delete from mail_in where ticket_id = any(%(ids)s::bigint[])"),
    "ticket_entry": ("entry_id", "delete from mail_in where entry_id = any(%(ids)s::bigint[])"),
}


@dataclass(frozen=True, slots=True)
class Going:
    """A row of the outbox."""

    id: int
    entry: int
    ticket: int
    token: str
    automatic: bool
    state: str
    to: str | None
    message_id: str | None
    reason: str
    attempts: int
    doubtful: int
    queued_at: datetime
    allowed_at: datetime | None
    handed_at: datetime | None
    next_at: datetime | None
    settled_at: datetime | None

    def to_document(self) -> dict[str, Any]:
        """As JSON."""
        found: dict[str, Any] = {
            "id": str(self.id),
            "ticket": str(self.ticket),
            "entry": str(self.entry),
            "state": self.state,
            "automatic": self.automatic,
            "attempts": self.attempts,
            "doubtful": self.doubtful,
            "queued_at": iso(self.queued_at),
        }
        moments = {"next_at": self.next_at, "settled_at": self.settled_at}
        more = {"to": self.to, "message_id": self.message_id, "reason": self.reason or None}
        found |= {name: value for name, value in more.items() if value is not None}
        return found | {name: iso(value) for name, value in moments.items() if value is not None}


def find(connection: Connection, ident: int, *, lock: bool = False) -> Going | None:
    """One row."""
    end = " for update" if lock else ""
    row = connection.row(f"select {_ROW} from mail_out where id = %(id)s{end}", {"id": ident})
    return None if row is None else Going(*row)


def listed(
    connection: Connection, state: str | None, ticket: int | None, before: int | None, limit: int
) -> list[Going]:
    """A page, the latest first."""
    params = {"state": state, "ticket": ticket, "before": before or 2**63 - 1, "limit": limit}
    return [Going(*row) for row in connection.rows(_LISTED, params)]


def address(connection: Connection, ident: int, to: str, message_id: str, ticket: int) -> None:
    """Settle whom a message goes to, and as which one."""
    connection.run(_ADDRESS, {"id": ident, "to": to, "message_id": message_id, "ticket": ticket})


def allow(connection: Connection, ident: int, to: str, most: int) -> bool:
    """Let an automatic message through, unless so many went to this address within the hour. One at a time."""
    connection.row(_ALONE, {"to": to})
    row = connection.row(_RECENT, {"to": to, "id": ident})
    if row is not None and row[0] >= most:
        return False
    connection.run(_ALLOWED, {"id": ident})
    return True


def hand(connection: Connection, ident: int) -> None:
    """The server is about to have it."""
    connection.run(_HANDED, {"id": ident}, prepare=True)


def doubt(connection: Connection, ident: int) -> None:
    """A server had it, and nobody learned what it said: it may have gone."""
    connection.run(_DOUBT, {"id": ident})


def tried(connection: Connection, ident: int, reason: str, pause: float) -> None:
    """It did not go, or nobody knows; it will be tried again."""
    connection.run(_TRIED, {"id": ident, "reason": reason, "pause": pause})


def give_up(connection: Connection, ident: int, reason: str) -> None:
    """It could not even be tried; its entry is told later."""
    settle(connection, ident, FAILED, reason, attempted=False)
    connection.run("update mail_out set untold = true where id = %(id)s", {"id": ident})


def untold(connection: Connection, limit: int) -> dict[int, int]:
    """Entries that do not tell yet that they could not be sent, by row; those are told from now on."""
    rows = connection.rows(
        "update mail_out set untold = false where id in (select id from mail_out where untold order by id limit %(n)s"
        " for update skip locked) returning id, entry_id",
        {"n": limit},
    )
    return {row[0]: row[1] for row in rows}


def settle(connection: Connection, ident: int, state: str, reason: str = "", *, attempted: bool = True) -> None:
    """What became of it."""
    connection.run(_SETTLE, {"id": ident, "state": state, "reason": reason, "tried": int(attempted)})


def again(connection: Connection, ident: int) -> int | None:
    """Queue once more what did not go; its entry. None: it went, or is on its way, or is not there."""
    row = connection.row(_AGAIN, {"id": ident})
    return None if row is None else int(row[0])


def tickets_of(connection: Connection, message_ids: Collection[str]) -> list[int]:
    """The tickets that messages of ours are about."""
    if not message_ids:
        return []
    return [row[0] for row in connection.rows(_TICKETS, {"ids": list(message_ids)}, prepare=True)]


def returned(connection: Connection, report: str, message_ids: Collection[str]) -> dict[int, int]:
    """Entries of messages of ours that a report tells of, by row, locked; none for a report that was taken in before:
    what was sent once more since may have arrived."""
    rows = connection.rows(_RETURNED, {"report": report, "ids": list(message_ids)})
    return {row[0]: row[1] for row in rows}


def thread(connection: Connection, tickets: Collection[int], before: datetime, limit: int) -> list[str]:
    """The last message ids of what was said about tickets before an instant, the oldest first."""
    params = {"tickets": list(tickets), "before": before, "limit": limit}
    return [row[0] for row in reversed(connection.rows(_THREAD, params))]


def note(connection: Connection, **values: Any) -> None:
    """A message that came in."""
    connection.run(_NOTE, values, prepare=True)


def heard_a_machine(connection: Connection, ticket: int) -> bool:
    """Whether the last message about a ticket was a machine's, or asks for no automatic answer."""
    row = connection.row(_QUIET, {"ticket": ticket})
    return row is not None and bool(row[0])


def received(connection: Connection, outcome: str | None, before: datetime | None, limit: int) -> list[dict[str, Any]]:
    """What came in, the latest first."""
    names = ("message_id", "sender", "automatic", "quiet", "outcome", "ticket", "entry", "at")
    rows = connection.rows(_RECEIVED, {"outcome": outcome, "before": before, "limit": limit})
    return [
        {
            **dict(zip(names, row, strict=True)),
            "ticket": None if row[5] is None else str(row[5]),
            "entry": None if row[6] is None else str(row[6]),
            "at": iso(row[7]),
        }
        for row in rows
    ]


def move(connection: Connection, entries: Collection[int], ticket: int) -> None:
    """What went out and came in with these entries is about another ticket from now on."""
    for table in ("mail_out", "mail_in"):
        sql = f"update {table} set ticket_id = %(ticket)s where entry_id = any(%(entries)s::bigint[])"
        connection.run(sql, {"ticket": ticket, "entries": list(entries)})


def purge(connection: Connection) -> int:
    """Forget what came in long ago and led to nothing, and whose addresses went with the rest; how many."""
    return sum(connection.run(sql) for sql in _PURGE)


def forget(connection: Connection, type_name: str, ids: Collection[int]) -> None:
    """Take erased tickets or entries out of everything."""
    found = _FORGET.get(type_name)
    if found is not None:
        column, came_in = found
        connection.run(f"delete from mail_out where {column} = any(%(ids)s::bigint[])", {"ids": list(ids)})
        connection.run(came_in, {"ids": list(ids)})


def unaddress(connection: Connection, ticket: int, email: str) -> None:
    """Take an address out of what went out and came in about a ticket that stays."""
    connection.run(_UNADDRESS, {"ticket": ticket, "email": email})
