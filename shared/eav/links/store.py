"""The statements of the link store: set-wise, a constant number whatever the batch.

A pair of types has a carrier, an end whose rows are locked against each other, so that whoever writes a link reads
first what it comes to: writers of one pair, of one register or of one limit follow each other. The other end is only
held fast, so that it cannot vanish: any number may link to the same entity at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from shared.eav.catalog import LiveType
from shared.eav.guard import guarded
from shared.eav.links.plan import Row, Stored
from shared.eav.links.relations import RelationDef, worked_out
from shared.eav.tables import table_name
from shared.kernel.db import Connection

MAX_ID = 2**63 - 1
_TREE_LOCK = 7004

_LINKS = """
select l.relation, l.from_id, l.to_id, l.clock from unnest(%(r)s::int[], %(f)s::bigint[], %(t)s::bigint[]) g(r, f, t)
join eav_link l on l.relation = g.r and l.from_id = g.f and l.to_id = g.t
"""
_ABOVE = """
with recursive above as (
select l.from_id, l.to_id from eav_link l where l.relation = %(r)s and l.from_id = any(%(f)s::bigint[])
union
select l.from_id, l.to_id from above a join eav_link l on l.relation = %(r)s and l.from_id = a.to_id)
select from_id, to_id from above
"""
_WRITE = """
with gone as (delete from eav_link l
    using unnest(%(gr)s::int[], %(gf)s::bigint[], %(gt)s::bigint[]) g(r, f, t)
    where l.relation = g.r and l.from_id = g.f and l.to_id = g.t)
insert into eav_link(relation, from_id, to_id, since, clock)
select r, f, t, s, %(clock)s
from unnest(%(r)s::int[], %(f)s::bigint[], %(t)s::bigint[], %(s)s::timestamp[]) n(r, f, t, s)
order by 1, 2, 3
"""
_REMOVE = """
delete from eav_link l using unnest(%(r)s::int[], %(f)s::bigint[], %(t)s::bigint[]) g(r, f, t)
where l.relation = g.r and l.from_id = g.f and l.to_id = g.t
returning l.relation, l.from_id, l.to_id, l.clock
"""


_FORGET = """
with gone as (delete from eav_link where relation >= %(base)s + %(number)s * %(span)s
    and relation < %(base)s + (%(number)s + 1) * %(span)s returning *)
delete from eav_link l using gone g
where l.relation = %(base)s + (g.relation - %(base)s) %% %(span)s * %(span)s + %(number)s
    and l.from_id = g.to_id and l.to_id = g.from_id
"""


def forget(connection: Connection, live: LiveType) -> None:
    """Remove the plain links of a type that goes for good with all its entities, and that nobody lists relations of."""
    made = worked_out(live.defn.wire_id)
    if made is not None:
        connection.run(_FORGET, made)


def lock_trees(connection: Connection, trees: Iterable[int]) -> None:
    """Writers of one tree follow each other: two that share no entity could close a circle together."""
    for ident in sorted(set(trees)):
        connection.row("select pg_advisory_xact_lock(%(key)s, %(id)s)", {"key": _TREE_LOCK, "id": ident}, prepare=True)


@lru_cache(maxsize=256)
def _lock_sql(ends: tuple[tuple[int, bool], ...]) -> str:
    parts, reads = [], []
    for n, (table, carrier) in enumerate(ends):
        strength = "no key update" if carrier else "key share"
        parts.append(
            f"l{n} as (select id from {table_name(table)} where (select eav_guard(%(t{n})s, %(v{n})s)) is not null"
            f" and id = any(%(i{n})s::bigint[]) order by id for {strength})"
        )
        reads.append(f"select {n}, id from l{n}")
    return f"with {', '.join(parts)} {' union all '.join(reads)}"


def lock(connection: Connection, ends: Mapping[str, tuple[LiveType, Collection[int], bool]]) -> dict[str, set[int]]:
    """Hold these entities, in the order of types and ids, under their types' guards; the live ones by type name.

    ends: type name -> (type, ids, whether it is a carrier). Raises StaleCatalog.
    """
    ordered = sorted(ends.values(), key=lambda one: one[0].id)
    if not ordered:
        return {}
    sql = _lock_sql(tuple((live.table, carrier) for live, _, carrier in ordered))
    params: dict[str, Any] = {}
    for n, (live, ids, _) in enumerate(ordered):
        params |= {f"t{n}": live.id, f"v{n}": live.version, f"i{n}": sorted(one for one in ids if 0 < one <= MAX_ID)}
    with guarded(ordered[0][0]):
        rows = connection.rows(sql, params, prepare=True)
    found: dict[str, set[int]] = {name: set() for name in ends}
    for n, ident in rows:
        found[ordered[n][0].name].add(ident)
    return found


@lru_cache(maxsize=256)
def _holders_sql(registers: tuple[tuple[int, int], ...]) -> str:
    cases = " ".join(
        f"when {relation} then exists(select from {table_name(table)} e where e.id = l.to_id)"
        for relation, table in registers
    )
    return f"""
    select l.relation, l.from_id, l.to_id, l.clock, case l.relation {cases} end
    from unnest(%(hr)s::int[], %(hf)s::bigint[]) g(r, f) join eav_link l on l.relation = g.r and l.from_id = g.f
    """


@lru_cache(maxsize=256)
def _counts_sql(limited: tuple[tuple[int, int], ...]) -> str:
    cases = " ".join(
        f"when {relation} then (select count(*) from eav_link l join {table_name(table)} e on e.id = l.to_id"
        " where l.relation = g.r and l.from_id = g.f)"
        for relation, table in limited
    )
    return f"select g.r, g.f, case g.r {cases} end from unnest(%(r)s::int[], %(f)s::bigint[]) g(r, f)"


def read(
    connection: Connection,
    rows: Collection[Row],
    holders: Collection[tuple[RelationDef, int]],
    limited: Collection[tuple[RelationDef, int]],
    tables: Mapping[str, int],
) -> Stored:
    """What is stored of these links, registers (with who carries them) and limits. `tables`: type name -> table."""
    stored = Stored()
    if rows:
        found = connection.rows(_LINKS, _triples(rows), prepare=True)
        stored.links = {(relation, start, end): clock for relation, start, end, clock in found}
    if holders:
        sql = _holders_sql(_with_tables(holders, tables))
        params = {"hr": [one.id for one, _ in holders], "hf": [carrier for _, carrier in holders]}
        for relation, start, end, clock, live in connection.rows(sql, params, prepare=True):
            stored.links[relation, start, end] = clock
            stored.holders[relation, start] = (end, live)
    if limited:
        sql = _counts_sql(_with_tables(limited, tables))
        params = {"r": [one.id for one, _ in limited], "f": [start for _, start in limited]}
        stored.counts = {(relation, start): n for relation, start, n in connection.rows(sql, params)}
    for tree in {one.id for one, _ in holders if one.tree}:
        above = [carrier for one, carrier in holders if one.id == tree]
        for child, parent in connection.rows(_ABOVE, {"r": tree, "f": above}):
            stored.parents[tree, child] = parent
    return stored


def _with_tables(pairs: Collection[tuple[RelationDef, int]], tables: Mapping[str, int]) -> tuple[tuple[int, int], ...]:
    return tuple(sorted({(one.id, tables[one.to_type]) for one, _ in pairs}))


def _triples(rows: Collection[Row]) -> dict[str, Any]:
    return {"r": [one[0] for one in rows], "f": [one[1] for one in rows], "t": [one[2] for one in rows]}


def write(connection: Connection, made: Mapping[Row, datetime], gone: Sequence[Row], clock: int) -> None:
    """Put rows, each since its instant, and remove others; both come in both directions. Nobody else can have put them
    since they were read: the carrier is locked."""
    removed = {f"g{name}": values for name, values in _triples(gone).items()}
    connection.run(_WRITE, {**_triples(made), "s": list(made.values()), **removed, "clock": clock}, prepare=True)


def remove(connection: Connection, rows: Collection[Row]) -> dict[Row, int]:
    """Remove rows where they are; the clocks of those that were there."""
    found = connection.rows(_REMOVE, _triples(rows), prepare=True)
    return {(relation, start, end): clock for relation, start, end, clock in found}
