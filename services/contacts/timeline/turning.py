"""What contacts and companies show of their activities: how many, the last contact, the last and the next activity.

Worked out from the timeline and written like any other value, as the system's own. Nothing hears these values, so that
no circle closes. Time turns what is to come into what was: `timeline_turn` knows when that is next so for whom.

last contact: the latest call, e-mail, meeting, message or letter that lies behind us. last activity: the latest of
those, of notes and of completed tasks. next activity: the earliest open task, overdue or not, or contact to come.
Activities that were called off count as activities and as nothing else.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from services.contacts.domain.activities import CONTACT, OTHER, PLANNED
from services.contacts.timeline.entries import CUSTOMERS
from services.contacts.timeline.store import Key, naive
from shared.kernel.context import SYSTEM, Context
from shared.kernel.db import Connection
from shared.service.home import Home

SOURCE = "ACTIVITIES"
_AT_ONCE = 500

_ENTRIES = "from timeline_entry e where e.subject_type = g.type and e.subject_id = g.id and e.phase"
_NOW = "%(now)s::timestamp"
_WORKED_OUT = f"""
select g.type, g.id, (select count(*) {_ENTRIES} is not null),
    (select max(e.at) {_ENTRIES} = '{CONTACT}' and e.at <= {_NOW}),
    (select max(e.at) {_ENTRIES} = '{OTHER}' and e.at <= {_NOW}),
    (select min(e.at) {_ENTRIES} = '{PLANNED}'),
    (select min(e.at) {_ENTRIES} = '{CONTACT}' and e.at > {_NOW}),
    (select min(e.at) {_ENTRIES} = '{OTHER}' and e.at > {_NOW})
from unnest(%(types)s::text[], %(ids)s::bigint[]) g(type, id)
"""
_TURNS = """
with gone as (
    delete from timeline_turn t using unnest(%(types)s::text[], %(ids)s::bigint[], %(ats)s::timestamp[]) g(type, id, at)
    where t.subject_type = g.type and t.subject_id = g.id and g.at is null)
insert into timeline_turn (subject_type, subject_id, at)
select * from unnest(%(types)s::text[], %(ids)s::bigint[], %(ats)s::timestamp[]) g(type, id, at) where at is not null
on conflict (subject_type, subject_id) do update set at = excluded.at
"""
_DUE = "select subject_type, subject_id from timeline_turn where at <= %(now)s order by at limit %(limit)s"


def settle(connection: Connection, home: Home, subjects: Collection[Key], now: datetime, cause: str | None) -> int:
    """Bring these contacts and companies to what their activities say at `now`; how many changed. One write each."""
    wanted = sorted(one for one in set(subjects) if one[0] in CUSTOMERS)
    if not wanted:
        return 0
    params: dict[str, Any] = {"types": [one for one, _ in wanted], "ids": [ident for _, ident in wanted]}
    rows = connection.rows(_WORKED_OUT, {**params, "now": naive(now)}, prepare=True)
    values: dict[str, dict[int, dict[str, Any]]] = {}
    turns: dict[Key, datetime | None] = {}
    for kind, ident, count, contacted, other, planned, to_come, other_to_come in rows:
        values.setdefault(kind, {})[ident] = {
            "activity_count": Decimal(count),
            "last_contacted_at": _instant(contacted),
            "last_activity_at": _instant(max((one for one in (contacted, other) if one), default=None)),
            "next_activity_at": _instant(min((one for one in (planned, to_come) if one), default=None)),
        }
        turns[kind, ident] = min((one for one in (to_come, other_to_come) if one), default=None)
    connection.run(_TURNS, {**params, "ats": [turns[one] for one in wanted]}, prepare=True)
    context = Context(actor=SYSTEM, source=SOURCE, cause=cause)
    return sum(home.keep(connection, kind, found, context) for kind, found in sorted(values.items()))


def turn(connection: Connection, home: Home, now: datetime) -> int:
    """Settle those for whom something to come has become something that was; how many there were, 500 at most."""
    due = connection.rows(_DUE, {"now": naive(now), "limit": _AT_ONCE})
    settle(connection, home, due, now, None)
    return len(due)


def _instant(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)
