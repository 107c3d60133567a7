"""What was said about tickets, on the timelines of the tickets and of their customers.

Kept apart from the lines as far as it was told, so that it does not matter in what order that comes: an entry's lines
are made anew whenever something about it, or about whom its ticket is linked to, changes. Not for activities, which
live here and are looked up (`activities`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from services.contacts.domain.activities import title
from services.contacts.timeline.entries import ENTRY, HOMES, INTERNAL_NOTE, PUBLIC_REPLY, TICKET
from services.contacts.timeline.store import naive
from shared.contracts.event import ARCHIVED, CREATED, RESTORED, UPDATED, Event
from shared.kernel.db import Connection
from shared.kernel.json import dumps
from shared.service.home import LiveType

_INTERNAL = "INTERNAL"
_STANDS = {CREATED: True, RESTORED: True, ARCHIVED: False}
_BEGUN = "ticket_id, at, recorded_at, kind, author, actor, source, source_id"
_FIRST = ", ".join(f"{one} = coalesce(s.{one}, excluded.{one})" for one in _BEGUN.split(", "))
_KEEP = f"""
insert into timeline_said as s (id, {_BEGUN}, title, told, live, stood)
select id, {_BEGUN}, title, told, live, stood from json_to_recordset(%(rows)s::json) as r(
    id bigint, ticket_id bigint, at timestamp, recorded_at timestamp, kind text, author text, actor text, source text,
    source_id text, title text, told int, live bool, stood int)
where not exists (select from timeline_gone g where g.entity_type = '{ENTRY}' and g.id = r.id)
    and not exists (select from timeline_gone g where g.entity_type = '{TICKET}' and g.id = r.ticket_id)
order by id
on conflict (id) do update set {_FIRST},
    title = case when excluded.told > s.told then excluded.title else s.title end,
    told = greatest(s.told, excluded.told),
    live = case when excluded.stood > s.stood then excluded.live else s.live end,
    stood = greatest(s.stood, excluded.stood)
where excluded.told > s.told or excluded.stood > s.stood or (s.ticket_id is null and excluded.ticket_id is not null)
returning id
"""
_CLEAR = f"""
delete from timeline_entry e where e.ref_type = '{ENTRY}' and e.ref_id = any(%(ids)s::bigint[])
"""
_LEAVE = f"""
delete from timeline_entry e using timeline_link l join timeline_said s on s.ticket_id = l.ref_id
where l.ref_type = '{TICKET}' and l.ref_id = any(%(tickets)s::bigint[]) and not l.live
    and e.ref_type = '{ENTRY}' and e.ref_id = s.id
    and e.subject_type = l.subject_type and e.subject_id = l.subject_id
"""
_STAND = f"""
insert into timeline_entry (subject_type, subject_id, at, key, kind, ref_type, ref_id, recorded_at, service, actor,
    source, source_id, data)
select g.subject_type, g.subject_id, s.at, '{ENTRY}.' || s.id, s.kind, '{ENTRY}', s.id, s.recorded_at,
    '{HOMES[TICKET]}', s.actor, s.source, s.source_id,
    jsonb_strip_nulls(jsonb_build_object('ticket', s.ticket_id::text, 'author', s.author, 'title', s.title))
from timeline_said s cross join lateral (
    select '{TICKET}' as subject_type, s.ticket_id as subject_id
    union all select l.subject_type, l.subject_id from timeline_link l
    where l.ref_type = '{TICKET}' and l.ref_id = s.ticket_id and l.live) g
where (s.id = any(%(ids)s::bigint[]) or s.ticket_id = any(%(tickets)s::bigint[]))
    and s.live and s.ticket_id is not null
    and not exists (select from timeline_gone o where o.entity_type = g.subject_type and o.id = g.subject_id)
order by 1, 2, 3, 4
on conflict do nothing
"""


@dataclass(frozen=True, slots=True)
class Saying:
    """What was told of one entry: how it began, if that was told; its text and whether it is there, each as of a
    version (0: nothing was told of that)."""

    id: int
    begun: Mapping[str, Any] = field(default_factory=dict)
    title: str | None = None
    told: int = 0
    live: bool = True
    stood: int = 0

    def joined(self, other: Saying) -> Saying:
        """Both, the later version counting; the order does not matter."""
        text, stand = (max((self, other), key=lambda one: (one.told, one.title or ""))), self
        if other.stood > self.stood:
            stand = other
        found = replace(text, begun=self.begun or other.begun)
        return replace(found, live=stand.live, stood=stand.stood)

    def row(self) -> dict[str, Any]:
        """As it is written."""
        begun = dict.fromkeys(_BEGUN.split(", ")) | dict(self.begun)
        return {"id": self.id, **begun, "title": self.title, "told": self.told, "live": self.live, "stood": self.stood}


def sayings(meaning: Callable[[str], LiveType | None], events: Iterable[Event]) -> Iterator[Saying]:
    """What events tell of entries. Pure. Raises LookupError for one whose type is not yet known."""
    for event in events:
        if event.entity_type != ENTRY or event.entity_id is None:
            continue
        live = meaning(ENTRY)
        if live is None:
            raise LookupError(f"an event about {ENTRY} came before its definition")
        keys = {name: live.attributes[name].key for name in _ASKED if name in live.attributes}
        values = {name: event.changed[key][1] for name, key in keys.items() if key in event.changed}
        found = Saying(event.entity_id)
        if event.kind == CREATED:
            found = replace(found, begun=_begun(event, values))
        if event.kind == CREATED or (event.kind == UPDATED and "body" in values):
            found = replace(found, title=title(values), told=event.version)
        if event.kind in _STANDS:
            found = replace(found, live=_STANDS[event.kind], stood=event.version)
        yield found


_ASKED = ("ticket_id", "visibility", "author", "said_at", "body")


def _begun(event: Event, values: Mapping[str, Any]) -> dict[str, Any]:
    if values.get("ticket_id") is None:
        return {}  # erased since: its event lies there without values
    said = values.get("said_at")
    at = datetime.fromisoformat(said) if said else event.effective_at or event.at
    return {
        "ticket_id": int(values["ticket_id"]),
        "at": naive(at).isoformat(),
        "recorded_at": naive(event.at).isoformat(),
        "kind": INTERNAL_NOTE if values.get("visibility") == _INTERNAL else PUBLIC_REPLY,
        "author": values.get("author"),
        "actor": event.actor,
        "source": event.source,
        "source_id": event.source_id,
    }


def keep(connection: Connection, told: Iterable[Saying]) -> list[int]:
    """Note what was told; the entries of which that was news. Nothing is noted of whom was erased."""
    known: dict[int, Saying] = {}
    for one in told:
        known[one.id] = known[one.id].joined(one) if one.id in known else one
    if not known:
        return []
    rows = dumps([one.row() for one in known.values()]).decode()
    return [row[0] for row in connection.rows(_KEEP, {"rows": rows}, prepare=True)]


def stand(connection: Connection, entries: Sequence[int], tickets: Collection[int]) -> None:
    """Let these entries, and all of these tickets, stand where the links of their tickets say, and nowhere else."""
    params = {"ids": list(entries), "tickets": sorted(tickets)}
    if entries:
        connection.run(_CLEAR, params, prepare=True)
    if tickets:
        connection.run(_LEAVE, params, prepare=True)
    if entries or tickets:
        connection.run(_STAND, params, prepare=True)
