"""Pages of a timeline, newest first: index walks only, however long it is.

An entity's timeline is its own lines and those of all that were merged into it. Whoever asks for some kinds of lines,
or for those that somebody made, or may not read every type that lines are about, gets them from one walk per kind and
type, side by side.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.kernel.db import Connection

Place = tuple[datetime, str]
"""Behind which line to go on: its instant and its key."""
Facet = tuple[int, str, str]
"""Lines of one entity (id), of one kind, about one type ("" for the entity itself)."""

_COLUMNS = "at, key, kind, ref_type, ref_id, recorded_at, service, actor, source, source_id, data"
_CHOSEN = "e.subject_type = %(type)s"
_OWN = f"select {_COLUMNS} from timeline_entry e where {_CHOSEN} and e.subject_id = s.id{{conditions}}"
_LAST = "order by e.at desc, e.key desc limit %(rows)s"
_ALL = f"""
select distinct on (e.at, e.key) e.* from unnest(%(ids)s::bigint[]) s(id)
cross join lateral ({_OWN} {_LAST}) e {_LAST}
"""
_SOME = f"""
select distinct on (e.at, e.key) e.*
from unnest(%(ids)s::bigint[], %(kinds)s::text[], %(refs)s::text[]) s(id, kind, ref_type)
cross join lateral ({_OWN} and e.kind = s.kind and e.ref_type = s.ref_type {_LAST}) e {_LAST}
"""
_NEXT = """select e.kind, e.ref_type from timeline_entry e
    where e.subject_type = %(type)s and e.subject_id = {id}{{of}}{behind} order by e.kind, e.ref_type limit 1"""
# A walk over what differs: as many steps as there are facets, whatever the number of lines.
_FACETS = f"""
with recursive facet as (
    select s.id, f.kind, f.ref_type from unnest(%(ids)s::bigint[]) s(id)
    cross join lateral ({_NEXT.format(id="s.id", behind="")}) f
    union all
    select p.id, f.kind, f.ref_type from facet p
    cross join lateral ({_NEXT.format(id="p.id", behind=" and (e.kind, e.ref_type) > (p.kind, p.ref_type)")}) f)
select id, kind, ref_type from facet
"""
_OF = " and e.actor = %(actor)s"
_CONDITIONS = {
    "since": " and e.at >= %(since)s",
    "until": " and e.at < %(until)s",
    "actor": _OF,
    "place": " and (e.at, e.key) < (%(at)s, %(key)s)",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines. kinds: of these only, all when empty; since <= at < until, instants without zone; actor: who made
    them; place: behind that line."""

    kinds: Collection[str] = ()
    since: datetime | None = None
    until: datetime | None = None
    actor: str | None = None
    place: Place | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it is kept. Instants without zone."""

    at: datetime
    key: str
    kind: str
    ref_type: str
    ref_id: int | None
    recorded_at: datetime
    service: str
    actor: str | None
    source: str | None
    source_id: str | None
    data: dict[str, Any] | None


def facets(connection: Connection, subject_type: str, ids: Sequence[int], actor: str | None = None) -> list[Facet]:
    """What kinds of lines about what types there are; actor: of those that it made."""
    sql = _FACETS.format(of="" if actor is None else _OF)
    rows = connection.rows(sql, {"type": subject_type, "ids": list(ids), "actor": actor})
    return [(ident, kind, ref_type) for ident, kind, ref_type in rows]


def page(
    connection: Connection, subject_type: str, ids: Sequence[int], wanted: Wanted, among: Collection[Facet] | None
) -> tuple[list[Line], Place | None]:
    """A page, and where the next one begins. among: only lines of these facets, all when None; lines that somebody made
    are found by facet only."""
    params: dict[str, Any] = {
        "type": subject_type,
        "ids": list(ids),
        "rows": wanted.limit + 1,
        "since": wanted.since,
        "until": wanted.until,
        "actor": wanted.actor,
    }
    if wanted.place is not None:
        params["at"], params["key"] = wanted.place
    given = "".join(text for name, text in _CONDITIONS.items() if getattr(wanted, name) is not None)
    sql = _ALL
    if among is not None:
        sql = _SOME
        chosen = sorted(among)
        params |= {name: [one[n] for one in chosen] for n, name in enumerate(("ids", "kinds", "refs"))}
    rows = connection.rows(sql.format(conditions=given), params)
    lines = [Line(*row) for row in rows[: wanted.limit]]
    more = len(rows) > wanted.limit
    return lines, (lines[-1].at, lines[-1].key) if more else None
