"""The statements that keep the timeline: set-wise, a constant number whatever the batch."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from services.contacts.domain.activities import TYPES as ACTIVITIES
from services.contacts.timeline.entries import ENTRY, HOMES, PASSED_ON, TICKET, Entry
from shared.contracts.event import Event
from shared.kernel.db import Connection
from shared.kernel.json import dumps

Key = tuple[str, int]

_LOCK = "select pg_advisory_xact_lock(7021)"
_COLUMNS = """subject_type, subject_id, at, key, kind, ref_type, ref_id, recorded_at, service, actor, source, source_id,
    phase, data"""
_PUT = f"""
insert into timeline_entry ({_COLUMNS})
select {_COLUMNS} from json_to_recordset(%(rows)s::json) as r(
    subject_type text, subject_id bigint, at timestamp, key text, kind text, ref_type text, ref_id bigint,
    recorded_at timestamp, service text, actor text, source text, source_id text, phase text, data jsonb)
where not exists (select from timeline_gone g where g.entity_type = r.subject_type and g.id = r.subject_id)
    and not exists (select from timeline_gone g where g.entity_type = r.ref_type and g.id = r.ref_id)
order by subject_type, subject_id, at, key
on conflict do nothing
"""
_LISTED = "(select * from unnest(%(types)s::text[], %(ids)s::bigint[]))"
_GONE = f"""
with noted as (insert into timeline_gone (entity_type, id) select * from {_LISTED} g on conflict do nothing),
own as (delete from timeline_entry where (subject_type, subject_id) in {_LISTED}),
about as (delete from timeline_entry where ref_id is not null and (ref_type, ref_id) in {_LISTED}),
turns as (delete from timeline_turn where (subject_type, subject_id) in {_LISTED}),
led as (delete from timeline_link where (subject_type, subject_id) in {_LISTED}),
said as (delete from timeline_said where ('{ENTRY}', id) in {_LISTED} or ('{TICKET}', ticket_id) in {_LISTED})
delete from timeline_link where (ref_type, ref_id) in {_LISTED}
"""
_LENT = """
update timeline_entry set data = jsonb_set(data, '{changes}', (data -> 'changes') - %(keys)s::text[])
where key >= %(low)s and key < %(high)s and data ? 'changes' and ((subject_type = %(type)s and subject_id = %(id)s)
    or (ref_id is not null and ref_type = %(type)s and ref_id = %(id)s))
"""
_LINK = """
insert into timeline_link as l (ref_type, ref_id, subject_type, subject_id, live, clock, origin)
select * from unnest(%(rt)s::text[], %(ri)s::bigint[], %(st)s::text[], %(si)s::bigint[], %(live)s::bool[],
    %(clock)s::bigint[], %(origin)s::text[])
on conflict (ref_type, ref_id, subject_type, subject_id)
do update set live = excluded.live, clock = excluded.clock, origin = excluded.origin
where (l.clock, l.origin) < (excluded.clock, excluded.origin)
"""
_TAKE_BACK = f"""
delete from timeline_entry e using timeline_link l
where (l.ref_type, l.ref_id) in {_LISTED} and not l.live
    and e.ref_type = l.ref_type and e.ref_id = l.ref_id and e.kind = any(%(kinds)s)
    and e.subject_type = l.subject_type and e.subject_id = l.subject_id
"""
_PASS_ON = f"""
insert into timeline_entry ({_COLUMNS})
select l.subject_type, l.subject_id, e.at, e.key, e.kind, l.ref_type, l.ref_id, e.recorded_at, e.service, e.actor,
    e.source, e.source_id, null, e.data
from timeline_link l join timeline_entry e on e.subject_type = l.ref_type and e.subject_id = l.ref_id
    and e.kind = any(%(kinds)s) and e.ref_type = ''
where (l.ref_type, l.ref_id) in {_LISTED} and l.live
    and not exists (select from timeline_gone g where g.entity_type = l.subject_type and g.id = l.subject_id)
on conflict do nothing
"""
_CLEAR = """
delete from timeline_entry where ref_type = %(type)s and ref_id = any(%(ids)s::bigint[]) and kind = %(type)s
returning subject_type, subject_id
"""
_LED = """
select ref_id, subject_type, subject_id from timeline_link
where ref_type = %(type)s and ref_id = any(%(ids)s::bigint[]) and live
"""


def one_at_a_time(connection: Connection) -> None:
    """Followers of several logs take turns: a link that one of them undoes must not be missed by another, which just
    lets a line stand there."""
    connection.row(_LOCK)


def put(connection: Connection, entries: Iterable[Entry]) -> None:
    """Add lines; ones that are there stay as they are, and nothing is told of who was erased."""
    rows = [_row(one) for one in entries]
    if rows:
        connection.run(_PUT, {"rows": dumps(rows).decode()}, prepare=True)


def _row(one: Entry) -> dict[str, Any]:
    return {
        "subject_type": one.subject_type,
        "subject_id": one.subject_id,
        "at": naive(one.at),
        "key": one.key,
        "kind": one.kind,
        "ref_type": one.ref_type,
        "ref_id": one.ref_id,
        "recorded_at": naive(one.recorded_at),
        "service": one.service,
        "actor": one.actor,
        "source": one.source,
        "source_id": one.source_id,
        "phase": one.phase,
        "data": one.data or None,
    }


def naive(moment: datetime) -> datetime:
    """As it is kept: UTC without zone."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def forget(connection: Connection, entities: Collection[Key]) -> None:
    """Take out every line of or about erased entities, and keep any from coming."""
    if entities:
        listed = sorted(entities)
        connection.run(_GONE, {"types": [one for one, _ in listed], "ids": [one for _, one in listed]})


def unlearn(connection: Connection, event: Event) -> None:
    """Take out what entities have, or once had, of somebody who is erased; of an event that tells no such thing,
    nothing."""
    for ident, low, high, keys in event.detail.get("lent", ()):
        begin, end = (f"{event.entity_type}.{ident}.{version:08d}" for version in (int(low), int(high) + 1))
        params = {"type": event.entity_type, "id": int(ident), "low": begin, "high": end, "keys": list(keys)}
        connection.run(_LENT, params)


Stamp = tuple[int, str]
Said = Mapping[tuple[str, int, str, int], tuple[Stamp, bool]]
"""(ref type, ref id, subject type, subject id) -> when and where that was last said, and whether they are linked."""


def link(connection: Connection, said: Said) -> None:
    """Note on whose timelines lines stand; what was said last counts, whenever it comes."""
    if said:
        rows = [(*key, live, *stamp) for key, (stamp, live) in sorted(said.items())]
        names = ("rt", "ri", "st", "si", "live", "clock", "origin")
        connection.run(_LINK, {name: [row[n] for row in rows] for n, name in enumerate(names)}, prepare=True)


def pass_on(connection: Connection, entities: Collection[Key]) -> None:
    """Let the lines of these deals and tickets stand where their links say, and nowhere else."""
    listed = sorted(one for one in entities if one[0] in HOMES)
    if listed:
        params = {"types": [one for one, _ in listed], "ids": [one for _, one in listed], "kinds": list(PASSED_ON)}
        connection.run(_TAKE_BACK, params, prepare=True)
        connection.run(_PASS_ON, params, prepare=True)


def clear(connection: Connection, kind: str, ids: Sequence[int]) -> set[Key]:
    """Take activities off all timelines; whose those were."""
    assert kind in ACTIVITIES
    return set(connection.rows(_CLEAR, {"type": kind, "ids": list(ids)}, prepare=True))


def led(connection: Connection, kind: str, ids: Sequence[int]) -> list[tuple[int, Key]]:
    """To which entities of other services activities are linked."""
    rows = connection.rows(_LED, {"type": kind, "ids": list(ids)}, prepare=True)
    return [(ident, (to_type, to_id)) for ident, to_type, to_id in rows]
