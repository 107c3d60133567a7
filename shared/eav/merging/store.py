"""The statements of merges: set-wise, a constant number however many entities, values and aliases there are.

Callers hold the rows of all entities concerned. Links have statements of their own, in `linked`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from shared.eav.catalog import LiveType
from shared.eav.guard import GUARDED, guard_params, guarded
from shared.eav.query.reading import reader
from shared.eav.store.state import Change, State
from shared.eav.store.write import state_of
from shared.kernel import json
from shared.kernel.clock import iso
from shared.kernel.db import Connection, compiled

Alias = tuple[int, str, int, bool]
"""(attribute id, key, who had it before the merge, whether as an alias already)."""


@dataclass(frozen=True, slots=True)
class Merge:
    """One merge as stored. version: the survivor's after it; sources: attribute key -> whose value it became."""

    id: int
    survivor: int
    version: int
    absorbed: tuple[int, ...]
    at: str
    undone_version: int | None
    sources: dict[str, int | None]
    aliases: tuple[Alias, ...]


_SINCE = """
select distinct on (h.entity_id, k.key) h.entity_id, k.key, h.effective_at
from eav_history h cross join unnest(%(keys)s::text[]) k(key)
where h.entity_id = any(%(ids)s::bigint[]) and h.changed ? k.key order by h.entity_id, k.key, h.version desc
"""
_TAKE_KEYS = """
with held as (select attribute_id, key, entity_id, alias from eav_unique where entity_id = any(%(ids)s::bigint[])),
taken as (update eav_unique u set entity_id = %(survivor)s, alias = true from held h
    where u.attribute_id = h.attribute_id and u.key = h.key)
select attribute_id, key, entity_id, alias from held order by 1, 2
"""
_ADD_ALIASES = """
insert into eav_unique(attribute_id, key, entity_id, alias)
select a, k, e, true from unnest(%(a)s::int[], %(k)s::text[], %(e)s::bigint[]) g(a, k, e) order by 1, 2
on conflict do nothing
"""
_DROP_ALIASES = """
delete from eav_unique u using unnest(%(a)s::int[], %(k)s::text[]) g(a, k)
where u.attribute_id = g.a and u.key = g.k and u.entity_id = %(survivor)s and u.alias
"""
_RECORD = """
with merge as (
    insert into eav_merge(type_id, survivor, version, absorbed, sources, aliases)
    values (%(type)s, %(survivor)s, %(version)s, %(ids)s::bigint[], %(sources)s::json, %(aliases)s::json)
    returning id, at),
led as (update eav_absorbed set survivor = %(survivor)s where survivor = any(%(ids)s::bigint[])),
absorbed as (
    insert into eav_absorbed(id, type_id, survivor, into_id, merge_id)
    select g.id, %(type)s, %(survivor)s, %(survivor)s, merge.id from merge, unnest(%(ids)s::bigint[]) g(id))
select id from merge
"""
_COLUMNS = "m.id, m.survivor, m.version, m.absorbed, m.at, m.undone_version, m.sources, m.aliases"
_OF = f"select {_COLUMNS} from eav_merge m where m.type_id = %(type)s and m.survivor = %(id)s order by m.id desc"
_PAST = f"""
select h.survivor, {_COLUMNS} from (
    select coalesce((select survivor from eav_absorbed where id = %(id)s and type_id = %(type)s), %(id)s) as survivor
) h left join eav_merge m on m.survivor = h.survivor and m.undone_version is null order by m.id
"""
_CHANGED = "select changed from eav_history where entity_id = %(id)s and version = %(version)s and kind = 'merged'"
_MIXED = """
select survivor from eav_absorbed where type_id = %(type)s and survivor <> all(%(besides)s::bigint[])
and (id = any(%(ids)s::bigint[])) <> (survivor = any(%(ids)s::bigint[])) order by survivor limit 1
"""
_UNDO = """
with recursive below as (
    select a.id, a.into_id as head from eav_absorbed a where a.into_id = any(%(ids)s::bigint[])
    union all
    select a.id, b.head from below b join eav_absorbed a on a.into_id = b.id),
freed as (delete from eav_absorbed where id = any(%(ids)s::bigint[])),
led as (update eav_absorbed a set survivor = b.head from below b where a.id = b.id)
update eav_merge set undone_version = %(version)s where id = %(merge)s
"""


def mixed(connection: Connection, live: LiveType, ids: Collection[int], besides: Collection[int]) -> int | None:
    """A survivor that consists of some of these entities and of others; none of `besides`."""
    row = connection.row(_MIXED, {"type": live.id, "ids": list(ids), "besides": list(besides)})
    return None if row is None else int(row[0])


def since(connection: Connection, ids: Sequence[int], keys: Sequence[str]) -> dict[tuple[int, str], str]:
    """(entity id, attribute key) -> the instant since when the value is what it is; creations are not in history."""
    rows = connection.rows(_SINCE, {"ids": list(ids), "keys": list(keys)})
    return {(ident, key): iso(at) for ident, key, at in rows}


def take_keys(connection: Connection, absorbed: Sequence[int], survivor: int) -> list[Alias]:
    """Make all unique keys of the absorbed aliases of the survivor; what they were before."""
    params = {"ids": list(absorbed), "survivor": survivor}
    return [tuple(row) for row in connection.rows(_TAKE_KEYS, params, prepare=True)]


def add_aliases(connection: Connection, aliases: Sequence[tuple[int, str, int]]) -> None:
    """Let unique keys lead to entities; keys that somebody has by now are left alone."""
    if aliases:
        connection.run(_ADD_ALIASES, {name: [one[n] for one in aliases] for n, name in enumerate("ake")}, prepare=True)


def drop_aliases(connection: Connection, survivor: int, keys: Sequence[tuple[int, str]]) -> None:
    """Take aliases away, where they still are aliases of this entity."""
    if keys:
        params = {"a": [a for a, _ in keys], "k": [key for _, key in keys], "survivor": survivor}
        connection.run(_DROP_ALIASES, params, prepare=True)


def record(
    connection: Connection,
    live: LiveType,
    state: State,
    absorbed: Sequence[int],
    sources: dict[str, int | None],
    aliases: Sequence[Alias],
) -> int:
    """Note a merge; whoever led to an absorbed entity leads to the survivor from now on. The merge's id."""
    params = {
        "type": live.id,
        "survivor": state.id,
        "version": state.version,
        "ids": list(absorbed),
        "sources": json.dumps(sources).decode(),
        "aliases": json.dumps(aliases).decode(),
    }
    row = connection.row(_RECORD, params, prepare=True)
    assert row is not None
    return int(row[0])


def merges_of(connection: Connection, live: LiveType, survivor: int) -> list[Merge]:
    """All merges into an entity, the latest first, undone ones included."""
    return [_merge(row) for row in connection.rows(_OF, {"type": live.id, "id": survivor}, prepare=True)]


def past(connection: Connection, live: LiveType, ident: int) -> tuple[int, list[Merge]]:
    """Whom an id means, and the merges into that entity which hold, the earliest first; one statement."""
    rows = connection.rows(_PAST, {"type": live.id, "id": ident}, prepare=True)
    return rows[0][0], [_merge(row[1:]) for row in rows if row[1] is not None]


def aliases_of(merges: Sequence[Merge]) -> list[tuple[int, str]]:
    """Unique keys that merges brought along."""
    return sorted({(attribute, key) for one in merges for attribute, key, _, _ in one.aliases})


def merged_changes(connection: Connection, merge: Merge) -> dict[str, Change]:
    """What a merge changed of its survivor."""
    row = connection.row(_CHANGED, {"id": merge.survivor, "version": merge.version}, prepare=True)
    return {} if row is None else {key: (old, new) for key, (old, new) in row[0].items()}


def undo(connection: Connection, merge: Merge, version: int) -> None:
    """Let the absorbed ids be their own again, with all that were merged into them before."""
    params = {"ids": list(merge.absorbed), "merge": merge.id, "version": version}
    connection.run(_UNDO, params, prepare=True)


def absorbed_states(connection: Connection, live: LiveType, ids: Sequence[int]) -> list[State]:
    """Whole states of absorbed entities, locked, by id. Raises StaleCatalog."""
    view = reader(live, live.kept, "canonical", archive=True)
    main = view.source.main.c.id
    wanted = sa.func.any(sa.cast(sa.bindparam("ids"), pg.ARRAY(sa.BigInteger())))
    query = view.select(absorbed=True).where(main == wanted, GUARDED).order_by(main)
    sql = compiled(query.with_for_update(of=view.source.main))
    with guarded(live):
        rows = connection.rows(sql, {"ids": list(ids), **guard_params(live)})
    return [state_of(view, row) for row in rows]


def _merge(row: Sequence[Any]) -> Merge:
    ident, survivor, version, absorbed, at, undone, sources, aliases = row
    return Merge(
        ident, survivor, version, tuple(absorbed), iso(at), undone, sources, tuple(tuple(one) for one in aliases)
    )
