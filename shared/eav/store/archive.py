"""Archive and restore: rows move to tables of the same columns, so that live lists and counts never say `not deleted`.

Archiving releases unique keys; restoring takes them back, or says who has them meanwhile.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from functools import lru_cache
from typing import Any

from shared.eav.catalog import LiveType, StaleCatalog
from shared.eav.guard import guard_params, guarded
from shared.eav.query.reading import reader
from shared.eav.store import statements
from shared.eav.store.rows import Side, naive, place, shown_at
from shared.eav.store.state import State, Written, checksum, document
from shared.eav.store.write import state_of
from shared.eav.tables import FIXED, search_name, slot_names, table_name
from shared.eav.types import kind_of
from shared.kernel.clock import now
from shared.kernel.context import Context
from shared.kernel.db import Connection

_HISTORY = (
    "insert into eav_history(entity_id, version, type_id, kind, effective_at, actor, source, source_id, correlation,"
    " changed) select id, version, %(type_id)s, '{kind}', %(at)s, %(actor)s, %(source)s, %(source_id)s,"
    " %(correlation)s, '{{}}' from {moved}"
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
        "history as (" + _HISTORY.format(kind="archived", moved="moved") + ")",
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


def _stamp(live: LiveType, context: Context) -> dict[str, Any]:
    at = now()
    return {
        "at": naive(at),
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
    sql = _archive_sql(live.table, live.pool, live.banks)
    rows = connection.rows(sql, {**wanted, **_stamp(live, context)}, prepare=True)
    if any(seen != live.version for _, _, seen in rows):
        raise StaleCatalog(live.name)
    return [Written(State(ident, version, "", "", {}), {}, "archived") for ident, version, _ in sorted(rows)]


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
    kept = ", ".join([*fixed, *slots])
    parts = [
        f"gone as (delete from {table_name(table, archive=True)} where id = %(id)s returning *)",
        f"moved as (insert into {table_name(table)}(version, updated_at, checksum, {kept})"
        f" select version + 1, %(at)s, %(checksum)s, {kept} from gone returning id, version)",
        f"documents as (insert into {search_name(table)}(id, doc)"
        " select id, %(doc)s::text from moved where %(doc)s::text is not null)",
        "keys as (insert into eav_unique(attribute_id, key, entity_id)"
        " select k.a, k.k, moved.id from moved, unnest(%(ua)s::int[], %(uk)s::text[]) k(a, k))",
        "options as (insert into eav_multi(attribute_id, value, entity_id)"
        " select o.a, o.v, moved.id from moved, unnest(%(ma)s::int[], %(mv)s::bigint[]) o(a, v))",
        "history as (" + _HISTORY.format(kind="restored", moved="moved") + ")",
    ]
    for bank in range(2, banks + 1):
        columns = ", ".join(["id", *slots])
        source = table_name(table, bank, archive=True)
        parts.append(f"gone{bank} as (delete from {source} where id = %(id)s returning *)")
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
    connection: Connection, live: LiveType, state: State, context: Context, *, without: Container[tuple[int, str]] = ()
) -> Written:
    """Bring an archived entity back; the caller then clears the values whose keys it comes back `without`.

    Raises UniqueViolation (psycopg) when a unique value was taken meanwhile.
    """
    side = _side(live, state)
    keys = [one for one in side.unique if one not in without]
    stamp = _stamp(live, context)
    params = {
        **stamp,
        "id": state.id,
        "checksum": checksum(state.values, state.version + 1),
        "doc": document(live, state.values),
        "ua": [a for a, _ in keys],
        "uk": [key for _, key in keys],
        "ma": [a for a, _ in side.options],
        "mv": [value for _, value in side.options],
    }
    sql = _restore_sql(live.table, live.pool, live.banks)
    rows = connection.rows(sql, params, prepare=True)
    state.version = rows[0][1]
    state.updated_at = shown_at(stamp["at"])
    return Written(state, {}, "restored")
