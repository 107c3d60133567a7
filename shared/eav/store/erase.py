"""The statements of erasing: every row that holds a value of some entities goes, in all tables of the engine.

Callers hold the rows. History keeps one row per entity that says it was erased, without a value. Not for archiving.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef
from shared.eav.guard import GUARDED, guard, guard_params, guarded
from shared.eav.query.reading import Reader, reader
from shared.eav.store.state import State
from shared.eav.store.write import state_of
from shared.eav.tables import search_name, table_name
from shared.kernel.context import Context
from shared.kernel.db import Connection, compiled

Key = tuple[int, str]

_FAMILY = """
with heads as (
    select distinct coalesce(a.survivor, g.id) as id
    from unnest(%(ids)s::bigint[]) g(id) left join eav_absorbed a on a.id = g.id)
select id from heads union select a.id from eav_absorbed a join heads h on a.survivor = h.id order by 1
"""
_KEYS = "select attribute_id, key from eav_unique where entity_id = any(%(ids)s::bigint[])"
_LINKS = """
delete from eav_link where relation = any(%(relations)s::int[]) and from_id = any(%(ids)s::bigint[])
returning relation, from_id, to_id
"""
_BACK = """
delete from eav_link l using unnest(%(r)s::int[], %(f)s::bigint[], %(t)s::bigint[]) g(r, f, t)
where l.relation = g.r and l.from_id = g.f and l.to_id = g.t
"""
_CLEAR = """
with gone as (select unnest(%(ids)s::bigint[]) as id),
noted as (delete from eav_merge_link where other_id in (select id from gone)),
led as (delete from eav_absorbed where id in (select id from gone) or survivor in (select id from gone)),
merges as (delete from eav_merge where survivor in (select id from gone)),
keys as (delete from eav_unique where entity_id in (select id from gone)),
options as (delete from eav_multi where entity_id in (select id from gone)),
past as (delete from eav_history where entity_id in (select id from gone))
select 1
"""
_ERASED = """
insert into eav_history(entity_id, version, type_id, kind, effective_at, actor, source, source_id, correlation, changed)
select id, version, %(type_id)s, 'erased', timezone('utc', clock_timestamp()), %(actor)s, %(source)s, %(source_id)s,
    %(correlation)s, '{}' from unnest(%(ids)s::bigint[], %(versions)s::int[]) g(id, version)
"""
# Merges that were undone, by which values of these entities passed to others, and from those to further ones.
_LENT = """
with recursive passed as (
    select m.id, m.survivor, m.version, m.undone_version, m.absorbed, m.sources::jsonb as sources from eav_merge m
    where m.type_id = %(type)s and m.absorbed && %(ids)s::bigint[] and m.undone_version is not null
    union
    select m.id, m.survivor, m.version, m.undone_version, m.absorbed, m.sources::jsonb from passed p
    join eav_merge m on p.survivor = any(m.absorbed) and m.id > p.id and m.undone_version is not null)
select * from passed order by id
"""
_NO_ALIASES = "update eav_merge set aliases = '[]' where id = any(%(ids)s::bigint[])"
_UNLEARN = """
update eav_history h set changed = h.changed - %(keys)s::text[]
where h.entity_id = %(id)s and h.version between %(low)s and %(high)s
"""


def family(connection: Connection, ids: Sequence[int]) -> list[int]:
    """The ids, whom they mean, and all that were merged into those: one person."""
    return [row[0] for row in connection.rows(_FAMILY, {"ids": sorted(set(ids))})]


def states(
    connection: Connection,
    live: LiveType,
    ids: Sequence[int],
    *,
    archived: bool,
    lock: bool = True,
    attributes: tuple[str, ...] | None = None,
) -> list[tuple[State, Any]]:
    """Whole states, or with these attributes only, locked, each with the instant it was recorded at; absorbed ones are
    among the archived."""
    view = reader(live, live.kept if attributes is None else attributes, "canonical", archive=archived)
    with guarded(live):
        rows = connection.rows(_states_sql(view, lock), {"ids": list(ids), **guard_params(live)})
    return [(state_of(view, row[:-1]), row[-1]) for row in rows]


def _states_sql(view: Reader, lock: bool) -> str:
    main = view.source.main
    wanted = sa.func.any(sa.cast(sa.bindparam("ids"), pg.ARRAY(sa.BigInteger())))
    query = view.select(absorbed=True).add_columns(main.c.recorded_at.label("recorded"))
    query = query.where(main.c.id == wanted, GUARDED).order_by(main.c.id)
    return compiled(query.with_for_update(of=main) if lock else query)


def archived_with(connection: Connection, live: LiveType, attribute_id: int, slot: Any) -> list[int]:
    """Archived entities that have a value in an attribute's slot; reads the whole archive, which has no such index.
    Raises StaleCatalog rather than to miss a slot that another process took."""
    attribute = live.by_id[attribute_id]
    if attribute.column is None:
        guard(connection, live)
        return []
    table = table_name(live.table, attribute.bank, archive=True)
    return [row[0] for row in connection.rows(f"select id from {table} where {attribute.column} = %(v)s", {"v": slot})]


def naming(connection: Connection, live: LiveType, attribute: AttributeDef, slots: Collection[Any]) -> list[int]:
    """Entities, live or archived, with one of these in an attribute's slot. Reads the whole archive. Raises
    StaleCatalog rather than to miss a slot that another process took."""
    if not slots:
        return []
    if attribute.column is None:
        guard(connection, live)
        return []
    tables = [table_name(live.table, attribute.bank, archive=archive) for archive in (False, True)]
    found = " union all ".join(f"select id from {one} where {attribute.column} = any(%(slots)s)" for one in tables)
    return sorted({row[0] for row in connection.rows(found, {"slots": list(slots)})})


def held_keys(connection: Connection, ids: Sequence[int]) -> list[Key]:
    """All unique keys that lead to these entities, their own and those that merges brought along."""
    return [(row[0], row[1]) for row in connection.rows(_KEYS, {"ids": list(ids)}, prepare=True)]


def unlink(connection: Connection, relations: dict[int, int], ids: Sequence[int]) -> list[tuple[int, int, int]]:
    """Remove every link, in both directions; (relation, from, to) as seen from these entities.

    relations: those that lead away from entities of their type, with the inverse of each.
    """
    rows = connection.rows(_LINKS, {"relations": list(relations), "ids": list(ids)})
    back = [(relations[relation], to, start) for relation, start, to in rows]
    if back:
        connection.run(_BACK, {name: [row[n] for row in back] for n, name in enumerate("rft")})
    return [(row[0], row[1], row[2]) for row in rows]


@lru_cache(maxsize=64)
def _rows_sql(table: int, banks: int) -> str:
    tables = [table_name(table, bank, archive=archive) for bank in range(1, banks + 1) for archive in (False, True)]
    parts = [f"g{n} as (delete from {name} where id = any(%(ids)s::bigint[]))" for n, name in enumerate(tables)]
    parts.append(f"documents as (delete from {search_name(table)} where id = any(%(ids)s::bigint[]))")
    return f"with {', '.join(parts)} select 1"


def remove(connection: Connection, live: LiveType, versions: dict[int, int], context: Context) -> None:
    """Remove rows, keys, options, documents, merges and history of these entities; `versions`: the ones they end at."""
    ids = list(versions)
    connection.row(_rows_sql(live.table, live.banks), {"ids": ids})
    connection.row(_CLEAR, {"ids": ids})
    params = {
        "ids": ids,
        "versions": list(versions.values()),
        "type_id": live.id,
        "actor": context.actor.id,
        "source": context.source,
        "source_id": context.source_id,
        "correlation": context.correlation,
    }
    connection.run(_ERASED, params)


def lent(connection: Connection, live: LiveType, ids: Sequence[int]) -> list[tuple[int, int, int, list[str]]]:
    """What others once had of these entities by merges that were undone: (entity, first version, last, attribute keys).

    Ask before `remove`. What such merges noted of unique values is forgotten at once.
    """
    rows = connection.rows(_LENT, {"type": live.id, "ids": list(ids)})
    carried: dict[int, set[str] | None] = dict.fromkeys(ids)
    found = []
    for _, survivor, low, high, absorbed, sources in rows:
        keys = {key for key, source in sources.items() if source is None}
        for carrier in carried.keys() & set(absorbed):
            had = carried[carrier]
            keys |= {key for key, source in sources.items() if source == carrier and (had is None or key in had)}
        already = carried.setdefault(survivor, set())
        if already is not None:
            already |= keys
            found.append((survivor, low, high, sorted(keys)))
    if rows:
        connection.run(_NO_ALIASES, {"ids": [row[0] for row in rows]})
    return found


def unlearn(connection: Connection, survivor: int, low: int, high: int, keys: Sequence[str]) -> None:
    """Take attributes out of an entity's history between two versions."""
    connection.run(_UNLEARN, {"id": survivor, "low": low, "high": high, "keys": list(keys)})
