"""Archive and restore: rows move to tables of the same columns, so that live lists and counts never say `not deleted`.

Archiving releases unique keys; restoring takes them back, or says who has them meanwhile. Entities that are absorbed by
a merge move the same way, and come back when it is undone.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from functools import lru_cache
from typing import Any

from shared.eav.catalog import LiveType, StaleCatalog
from shared.eav.guard import guard_params, guarded
from shared.eav.query.reading import reader
from shared.eav.store import statements
from shared.eav.store.rows import Side, naive, place, records, shown_at
from shared.eav.store.state import State, Written, checksum, document
from shared.eav.store.write import state_of
from shared.eav.tables import FIXED, search_name, slot_names, table_name
from shared.eav.types import kind_of
from shared.kernel.clock import now
from shared.kernel.context import Context
from shared.kernel.db import Connection

_HISTORY = (
    "insert into eav_history(entity_id, version, type_id, kind, effective_at, actor, source, source_id, correlation,"
    " changed) select id, version, %(type_id)s, %(kind)s, %(at)s, %(actor)s, %(source)s, %(source_id)s,"
    " %(correlation)s, '{}' from moved"
)


@lru_cache(maxsize=64)
def _archive_sql(table: int, pool: tuple[int, int, int, int], banks: int) -> str:
    """Move rows of all banks away; their keys, documents and options go. Answers (id, version, catalog version)."""
    slots = [column for column, _, _ in slot_names(pool)]
    fixed = [name for name, _ in FIXED if name not in ("id", "version", "updated_at")]
    kept = ", ".join([*fixed, *slots])
    parts = [
        f"gone as (delete from {table_name(table)} where id = any(%(ids)s) returning *)",
        f"moved as (insert into {table_name(table, archive=True)}(id, version, updated_at, archived_at, {kept})"
        f" select id, version + 1, %(at)s, %(at)s, {kept} from gone returning id, version)",
        f"documents as (delete from {search_name(table)} where id in (select id from gone))",
        "keys as (delete from eav_unique where entity_id in (select id from gone))",
        "options as (delete from eav_multi where entity_id in (select id from gone))",
        f"history as ({_HISTORY})",
    ]
    for bank in range(2, banks + 1):
        columns = ", ".join(["id", *slots])
        parts.append(f"gone{bank} as (delete from {table_name(table, bank)} where id = any(%(ids)s) returning *)")
        parts.append(
            f"moved{bank} as (insert into {table_name(table, bank, archive=True)}({columns})"
            f" select {columns} from gone{bank})"
        )
    seen = "(select version from eav_version where type_id = %(type_id)s)"
    return f"with {', '.join(parts)} select id, version, {seen} from moved"


def _stamp(live: LiveType, context: Context, kind: str) -> dict[str, Any]:
    at = now()
    return {
        "at": naive(at),
        "kind": kind,
        "type_id": live.id,
        "actor": context.actor.id,
        "source": context.source,
        "source_id": context.source_id,
        "correlation": context.correlation,
    }


def archive(connection: Connection, live: LiveType, ids: Sequence[int], context: Context) -> list[Written]:
    """Archive these entities; unknown or archived ids are left out of the answer."""
    wanted = {"ids": sorted(set(ids))}
    # Locked by a statement of its own: the one that moves must see what writes it waited for left in other tables.
    with guarded(live):
        connection.rows(statements.lock(live.table), {**wanted, **guard_params(live)}, prepare=True)
    return put_away(connection, live, wanted["ids"], context, "archived")


def put_away(connection: Connection, live: LiveType, ids: Sequence[int], context: Context, kind: str) -> list[Written]:
    """Move entities that the caller has locked to the archive; history tells of it by `kind`."""
    sql = _archive_sql(live.table, live.pool, live.banks)
    stamp = _stamp(live, context, kind)
    rows = connection.rows(sql, {"ids": sorted(ids), **stamp}, prepare=True)
    if any(seen != live.version for _, _, seen in rows):
        raise StaleCatalog(live.name)
    at = shown_at(stamp["at"])
    return [Written(State(ident, version, "", at, {}), {}, kind) for ident, version, _ in sorted(rows)]


def archived_state(connection: Connection, live: LiveType, ident: int) -> State | None:
    """The whole state of one archived entity, locked, or None."""
    view = reader(live, live.kept, "canonical", archive=True)
    if not 0 < ident < 2**63:
        return None
    with guarded(live):
        row = next(iter(view.locked_rows(connection, [ident], guard_params(live))), None)
    return None if row is None else state_of(view, row)


@lru_cache(maxsize=64)
def _restore_sql(table: int, pool: tuple[int, int, int, int], banks: int) -> str:
    slots = [column for column, _, _ in slot_names(pool)]
    fixed = [name for name, _ in FIXED if name not in ("version", "updated_at", "checksum")]
    kept = [*fixed, *slots]
    parts = [
        "given as (select * from json_to_recordset(%(rows)s::json) as g(id bigint, checksum bigint, doc text))",
        f"gone as (delete from {table_name(table, archive=True)} where id in (select id from given) returning *)",
        f"moved as (insert into {table_name(table)}(version, updated_at, checksum, {', '.join(kept)})"
        f" select gone.version + 1, %(at)s, given.checksum, {', '.join(f'gone.{one}' for one in kept)}"
        " from gone join given on given.id = gone.id returning id, version)",
        f"documents as (insert into {search_name(table)}(id, doc)"
        " select given.id, given.doc from given join moved on moved.id = given.id where given.doc is not null)",
        "keys as (insert into eav_unique(attribute_id, key, entity_id, alias) select k.a, k.k, k.e, k.other"
        " from unnest(%(ua)s::int[], %(uk)s::text[], %(ue)s::bigint[], %(uo)s::bool[]) k(a, k, e, other)"
        " order by 1, 2)",
        "options as (insert into eav_multi(attribute_id, value, entity_id)"
        " select * from unnest(%(ma)s::int[], %(mv)s::bigint[], %(me)s::bigint[]))",
        f"history as ({_HISTORY})",
    ]
    for bank in range(2, banks + 1):
        columns = ", ".join(["id", *slots])
        source = table_name(table, bank, archive=True)
        parts.append(f"gone{bank} as (delete from {source} where id in (select id from given) returning *)")
        parts.append(
            f"moved{bank} as (insert into {table_name(table, bank)}({columns}) select {columns} from gone{bank})"
        )
    return f"with {', '.join(parts)} select id, version from moved"


def unique_keys(live: LiveType, state: State) -> list[tuple[int, str]]:
    """(attribute id, key) of every unique value of a state."""
    return _side(live, state).unique


def _side(live: LiveType, state: State) -> Side:
    side = Side()
    for key, value in state.values.items():
        attribute = live.by_id[int(key)]
        place(attribute, kind_of(attribute).from_json(value, attribute), {}, {}, {}, side)
    return side


def restore(
    connection: Connection,
    live: LiveType,
    states: Sequence[State],
    context: Context,
    *,
    without: Container[tuple[int, str]] = (),
    aliases: Sequence[tuple[int, str, int]] = (),
    kind: str = "restored",
) -> list[Written]:
    """Bring archived entities back; the caller then clears the values whose keys they come back `without`.

    aliases: further unique keys that lead to them, as (attribute id, key, entity id).
    Raises UniqueViolation (psycopg) when a unique value was taken meanwhile.
    """
    sides = [(state.id, _side(live, state)) for state in states]
    keys = [(a, key, ident, False) for ident, side in sides for a, key in side.unique]
    keys = [one for one in [*keys, *((*alias, True) for alias in aliases)] if one[:2] not in without]
    options = [(a, value, ident) for ident, side in sides for a, value in side.options]
    stamp = _stamp(live, context, kind)
    rows = [
        {"id": one.id, "checksum": checksum(one.values, one.version + 1), "doc": document(live, one.values)}
        for one in states
    ]
    params = {
        **stamp,
        "rows": records(rows),
        **{f"u{name}": [row[n] for row in keys] for n, name in enumerate("akeo")},
        **{f"m{name}": [row[n] for row in options] for n, name in enumerate("ave")},
    }
    versions = dict(connection.rows(_restore_sql(live.table, live.pool, live.banks), params, prepare=True))
    for state in states:
        state.version = versions[state.id]
        state.updated_at = shown_at(stamp["at"])
    return [Written(state, {}, kind) for state in states]
