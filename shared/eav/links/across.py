"""What links to entities of other services need besides: stubs for ids that are not known yet, whom ids mean that were
absorbed elsewhere, and when links were last undone.

Two services write the same link without asking each other. Each write has a stamp, and of all that is said of a pair
and a relation the greatest stamp counts: see `joining` for what that comes to, `receiving` for what the other says.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from shared.eav.catalog import LiveType
from shared.eav.links.holding import End
from shared.eav.links.plan import Row, Want, named
from shared.eav.links.relations import RelationBook, RelationDef
from shared.eav.links.store import MAX_ID
from shared.eav.tables import search_name, table_name
from shared.kernel.db import Connection

PENDING = "PENDING"
"""The source of a stub: somebody linked to this id, its home has not told of it."""

_NOW = "timezone('utc', clock_timestamp())"
_HEIRS = """
with recursive above as (
    select id, into_id from eav_mirror_absorbed where type_id = %(type)s and id = any(%(ids)s::bigint[])
    union
    select a.id, m.into_id from above a join eav_mirror_absorbed m on m.type_id = %(type)s and m.id = a.into_id)
select distinct on (id) id, into_id from above a
where not exists (select from eav_mirror_absorbed m where m.type_id = %(type)s and m.id = a.into_id)
"""
_ABSORBED = """
with recursive below as (
    select id from eav_mirror_absorbed where type_id = %(type)s and into_id = %(id)s
    union
    select m.id from below b join eav_mirror_absorbed m on m.type_id = %(type)s and m.into_id = b.id)
select id from below order by id
"""
_SURVIVORS = """
with recursive above as (
    select g.name, g.id, m.type_id, m.into_id from unnest(%(names)s::text[], %(ids)s::bigint[]) g(name, id)
    join eav_type t on t.name = g.name join eav_mirror_absorbed m on m.type_id = t.id and m.id = g.id
    union
    select a.name, a.id, a.type_id, m.into_id from above a
    join eav_mirror_absorbed m on m.type_id = a.type_id and m.id = a.into_id)
select distinct on (name, id) name, id, into_id from above a
where not exists (select from eav_mirror_absorbed m where m.type_id = a.type_id and m.id = a.into_id)
"""
_NOTE = """
insert into eav_pending(type_id, id) select %(type)s, unnest(%(ids)s::bigint[]) on conflict do nothing
"""
_BURY = """
insert into eav_unlinked as u (relation, from_id, to_id, clock, origin)
select r, f, t, c, o from unnest(%(r)s::int[], %(f)s::bigint[], %(t)s::bigint[], %(c)s::bigint[], %(o)s::text[])
    g(r, f, t, c, o) order by 1, 2, 3
on conflict (relation, from_id, to_id) do update set clock = excluded.clock, origin = excluded.origin
where u.clock <= excluded.clock
"""
_TOUCH = """
update eav_link l set clock = %(clock)s, origin = null
from unnest(%(r)s::int[], %(f)s::bigint[], %(t)s::bigint[]) g(r, f, t)
where l.relation = g.r and l.from_id = g.f and l.to_id = g.t and l.clock < %(clock)s
"""
_FOUND = """
insert into {search} as s (id, doc, linked) select unnest(%(ids)s::bigint[]), '', true
on conflict (id) do update set linked = true where not s.linked
"""
_NEWEST = """
select max(u.clock) from unnest(%(r)s::int[], %(f)s::bigint[], %(t)s::bigint[]) g(r, f, t)
join eav_unlinked u on u.relation = g.r and u.from_id = g.f and u.to_id = g.t
"""


def heirs(connection: Connection, live: LiveType, ids: Collection[int]) -> dict[int, int]:
    """{absorbed id: survivor} among ids of a mirror, as its home tells of merges."""
    asked = sorted(one for one in set(ids) if 0 < one <= MAX_ID)
    if not asked:
        return {}
    return dict(connection.rows(_HEIRS, {"type": live.id, "ids": asked}))


def absorbed_into(connection: Connection, live: LiveType, ident: int) -> list[int]:
    """The ids of a mirror that mean this one by now: absorbed by it, or by whom it absorbed."""
    return [row[0] for row in connection.rows(_ABSORBED, {"type": live.id, "id": ident})]


def survivors(connection: Connection, ends: Iterable[End]) -> dict[End, int]:
    """The same for ids of several mirrors, by type and id."""
    asked = set(ends)
    params = {"names": [name for name, _ in asked], "ids": [ident for _, ident in asked]}
    return {(name, ident): into for name, ident, into in connection.rows(_SURVIVORS, params)}


def pend(connection: Connection, lives: Mapping[str, LiveType], missing: Iterable[End]) -> set[End]:
    """Accept ids that a mirror has not seen: each gets a stub, which shows the link until its home tells of it or has
    had the time to. Not ids that it knows to be archived or erased. Those that were accepted."""
    by_type: dict[str, list[int]] = {}
    for name, ident in sorted(missing):
        if lives[name].mirror and 0 < ident <= MAX_ID:
            by_type.setdefault(name, []).append(ident)
    return {(name, one) for name, ids in by_type.items() for one in _pend(connection, lives[name], ids)}


def _pend(connection: Connection, live: LiveType, ids: Sequence[int]) -> set[int]:
    table, params = table_name(live.table), {"type": live.id, "ids": list(ids)}
    connection.run(
        f"insert into {table}(id, version, created_at, updated_at, recorded_at, source)"
        f" select unnest(%(ids)s::bigint[]), 0, {_NOW}, {_NOW}, {_NOW}, '{PENDING}' on conflict do nothing",
        params,
    )
    # After the stubs: whoever archives an entity looks for stubs first, so that one of the two sees the other.
    archive = table_name(live.table, archive=True)
    known = {row[0] for row in connection.rows(f"select id from {archive} where id = any(%(ids)s::bigint[])", params)}
    if known:
        gone = {"ids": sorted(known)}
        connection.run(f"delete from {table} where id = any(%(ids)s::bigint[]) and version = 0", gone)
    accepted = set(ids) - known
    connection.run(_NOTE, {"type": live.id, "ids": sorted(accepted)})
    return accepted


def found_by_words(connection: Connection, ends: Iterable[tuple[LiveType, int]]) -> None:
    """What is linked to is looked for by its words: see `mirroring.prepare`. After the links, in their transaction;
    ends that are of no mirror are passed over. Those whose words have not been told yet get an empty document."""
    by_table: dict[int, set[int]] = {}
    for live, ident in ends:
        if live.mirror:
            by_table.setdefault(live.table, set()).add(ident)
    for table, ids in sorted(by_table.items()):
        connection.run(_FOUND.format(search=search_name(table)), {"ids": sorted(ids)}, prepare=True)


def newest(connection: Connection, relations: RelationBook, wants: Iterable[Want]) -> int:
    """The newest clock at which one of these links, or one of its labels, was undone; 0 when none leads elsewhere."""
    rows = {
        named(relation, one.from_id, one.to_id)
        for one in wants
        if one.from_id > 0
        for relation in relations.between(one.from_type, one.to_type)
        if relation.across
    }
    return newest_of(connection, rows)


def newest_of(connection: Connection, names: Collection[Row]) -> int:
    """The newest clock at which one of these links was undone; 0 for none."""
    found = connection.row(_NEWEST, triples(names), prepare=True) if names else None
    return found[0] or 0 if found else 0


def bury(connection: Connection, rows: Iterable[tuple[Row, int, str | None]]) -> None:
    """Note when links were undone, by their names, and where (None: here)."""
    stamps = {row: (clock, origin) for row, clock, origin in sorted(rows, key=lambda one: one[1])}
    if stamps:
        given = {"c": [one for one, _ in stamps.values()], "o": [one for _, one in stamps.values()]}
        connection.run(_BURY, {**triples(stamps), **given}, prepare=True)


def touch(connection: Connection, links: Iterable[tuple[RelationDef, int, int]], clock: int) -> None:
    """Say anew that these are linked: who gives a pair a label says so, and whoever undid the link earlier did not
    know of that."""
    both = [
        row
        for one, start, end in links
        for row in ((one.id, start, end), (one.inverse, end, start))
    ]  # fmt: skip
    if both:
        connection.run(_TOUCH, {**triples(sorted(both)), "clock": clock}, prepare=True)


def triples(rows: Iterable[Row]) -> dict[str, Any]:
    """Rows as parameters r, f and t."""
    listed = list(rows)
    return {name: [row[n] for row in listed] for n, name in enumerate("rft")}
