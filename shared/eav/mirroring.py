"""Rows of mirrors: what another service's entities look like here. For who keeps mirrors, inside its transaction.

A mirror is a type of the catalog like any other, so that links, filters and what is shown need no second way; but
nothing of it is validated, told or kept as history, for all that happens at its home. Attributes have their slots from
the start. An erased entity stays as an archived one without values, so that nobody links to it again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import _lru_cache_wrapper, lru_cache
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from shared.eav.catalog import Keyed, LiveType, keyed
from shared.eav.links.across import PENDING
from shared.eav.query.reading import ID, VERSION, Reader, reader
from shared.eav.store.rows import columns_of, naive, placed, records
from shared.eav.store.state import documented, segment
from shared.eav.store.write import state_of
from shared.eav.tables import search_name, table_name
from shared.eav.types import ValueProblem, kind_of
from shared.kernel.db import Connection, compiled

_SQL_TYPES = {"t": "text", "i": "bigint", "d": "timestamp", "n": "numeric"}
_PREPARED = """select exists (
    select from pg_attribute where attrelid = to_regclass(%(table)s) and attname = 'linked' and not attisdropped)"""
_KEPT = ("version", "created_at", "updated_at", "recorded_at", "source", "extra")


@dataclass(slots=True)
class Mirrored:
    """One entity of another service. values: canonical JSON by attribute key of the mirror."""

    id: int
    version: int
    archived: bool
    created_at: datetime
    updated_at: datetime
    values: dict[str, Any] = field(default_factory=dict)


def standing(connection: Connection, live: LiveType, ids: Collection[int]) -> dict[int, Mirrored]:
    """What is known of these entities. A stub has version 0."""
    found: dict[int, Mirrored] = {}
    for archived in (False, True):
        view, sql = _read(keyed(live), archived)
        for row in connection.rows(sql, {"ids": sorted(ids)}, prepare=True):
            state = state_of(view, row)
            made, changed = (datetime.fromisoformat(one) for one in (state.created_at, state.updated_at))
            known = found.get(row[ID])
            if known is None or known.version < row[VERSION]:
                found[row[ID]] = Mirrored(row[ID], row[VERSION], archived, made, changed, state.values)
    return found


@lru_cache(maxsize=64)
def _read(key: Keyed, archived: bool) -> tuple[Reader, str]:
    view = reader(key.live, key.live.kept, "canonical", archive=archived)
    wanted = sa.func.any(sa.cast(sa.bindparam("ids"), pg.ARRAY(sa.BigInteger())))
    return view, compiled(view.select(absorbed=True).where(view.source.main.c.id == wanted))


def between(connection: Connection, live: LiveType, after: int, upto: int) -> list[int]:
    """Ids with after < id <= upto, stubs left out."""
    tables = (table_name(live.table), table_name(live.table, archive=True))
    parts = (f"select id from {one} where id > %(after)s and id <= %(upto)s and version > 0" for one in tables)
    return [row[0] for row in connection.rows(" union ".join(parts), {"after": after, "upto": upto})]


def put(connection: Connection, live: LiveType, entities: Sequence[Mirrored]) -> None:
    """Make these entities what they are; a stub among them is one no longer. Two statements however many."""
    if not entities:
        return
    columns = tuple(dict(columns_of(live, live.stored))[1])
    away = [one.id for one in entities if one.archived]
    if away:
        # Somebody may be making a stub at this moment: this waits for it, and the deletion then sees it.
        stubs = f"insert into {table_name(live.table)}(id, version) select unnest(%(ids)s::bigint[]), 0"
        connection.run(f"{stubs} on conflict do nothing", {"ids": sorted(away)})
    reading = _reading(keyed(live))
    rows = [_row(reading, one) for one in sorted(entities, key=lambda one: one.id)]
    connection.row(_put_sql(live.table, columns), {"rows": records(rows), "type": live.id}, prepare=True)


def prepare(connection: Connection, live: LiveType) -> None:
    """Have the words of a mirror indexed for what is linked to, and nothing else; any number of times.

    Nobody asks for the words of others, and most entities of another service are linked to nothing here: keeping their
    trigrams took longer than all else about them. `linked` may be said of too many, never of too few: whoever writes a
    link says so (`across.found_by_words`), and only a creation, before which there was nothing to link to, does not.
    """
    search = search_name(live.table)
    if connection.row(_PREPARED, {"table": search}) == (False,):
        connection.run(f"alter table {search} add linked bool not null default true")
        connection.run(f"create index {search}_linked on {search} using gin(doc gin_trgm_ops) where linked")
        connection.run(f"drop index {search}_doc")


def texts(live: LiveType) -> frozenset[str]:
    """Keys of attributes of a mirror that any text has a place in."""
    return _texts(keyed(live))


@lru_cache(maxsize=64)
def _texts(of: Keyed) -> frozenset[str]:
    return frozenset(one.key for one in of.live.by_id.values() if kind_of(one).family == "t")


def has_place(live: LiveType, key: str, value: Any) -> bool:
    """Whether a value (canonical JSON) of an attribute of a mirror can be kept: an option may not be known yet."""
    try:
        _placed(_reading(keyed(live)), key, value)
    except (KeyError, ValueError, ValueProblem):
        return False
    return True


def _row(reading: Reading, one: Mirrored) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": one.id,
        "version": one.version,
        "archived": one.archived,
        "created_at": naive(one.created_at),
        "updated_at": naive(one.updated_at),
    }
    extra: dict[str, Any] = {}
    words = ""
    for key, value in one.values.items():
        column, slot, told, segment_of_it = _placed(reading, key, value)
        row[column] = slot
        words += segment_of_it
        if told is not None:
            extra[key] = told
    row["extra"] = extra or None
    row["doc"] = f"{words}\n" if words else None
    return row


Placed = tuple[str, Any, Any, str]
"""Where a value is kept: column, what that holds, what `extra` holds of it, its part of the search document."""
Reading: TypeAlias = "_lru_cache_wrapper[Placed]"
"""Reads values of one mirror: (attribute key, canonical JSON)."""


def _placed(reading: Reading, key: str, value: Any) -> Placed:
    return reading.__wrapped__(key, value) if isinstance(value, list) else reading(key, value)


@lru_cache(maxsize=64)
def _reading(of: Keyed) -> Reading:
    """Reads values of a mirror. Most of them are those of many: names, towns, industries."""
    live, kept = of.live, documented(of.live)

    @lru_cache(maxsize=4096, typed=True)
    def read(key: str, value: Any) -> Placed:
        attribute = live.by_id[int(key)]
        canonical = kind_of(attribute).from_json(value, attribute)
        slot, told, _, _, _ = placed(attribute, canonical)
        assert attribute.column is not None
        return attribute.column, slot, told, segment(attribute, canonical) if key in kept else ""

    return read


# Entities first, then their documents, as whoever links to them takes them: parts of one statement run in any order
# unless they ask for one another.
@lru_cache(maxsize=64)
def _put_sql(table: int, columns: tuple[str, ...]) -> str:
    slots = "".join(f", {one} {_SQL_TYPES[one[0]]}" for one in columns)
    kept = [*_KEPT, *columns]
    shape = "id bigint, version int, archived bool, created_at timestamp, updated_at timestamp, extra json, doc text"
    given = ", ".join(["id", "version", "created_at", "updated_at", "updated_at", "''", "extra", *columns])
    sets = ", ".join(f"{one} = excluded.{one}" for one in kept)
    here, there, search = table_name(table), table_name(table, archive=True), search_name(table)
    return f"""with given as (select * from json_to_recordset(%(rows)s::json) as g({shape}{slots})),
    gone as (delete from {here} where id in (select id from given where archived) returning 1),
    back as (delete from {there} where id in (select id from given where not archived)),
    put as (insert into {here}(id, {", ".join(kept)}) select {given} from given where not archived
        on conflict (id) do update set {sets} returning 1),
    away as (insert into {there}(id, {", ".join(kept)}, archived_at)
        select {given}, updated_at from given where archived
        on conflict (id) do update set {sets}),
    documents as (insert into {search}(id, doc, linked)
        select id, doc, version <> 1 or id in (select id from eav_pending where type_id = %(type)s) from given
        where not archived and doc is not null and (select count(*) from put) >= 0
        on conflict (id) do update set doc = excluded.doc),
    undocumented as (delete from {search} where id in (select id from given where archived or doc is null)
        and (select count(*) from put) >= 0 and (select count(*) from gone) >= 0),
    known as (delete from eav_pending where type_id = %(type)s and id in (select id from given))
    select 1"""


def drop_stubs(connection: Connection, live: LiveType, ids: Sequence[int]) -> None:
    """Forget ids that their home does not know."""
    params = {"type": live.id, "ids": list(ids)}
    connection.run(f"delete from {table_name(live.table)} where id = any(%(ids)s) and version = 0", params)
    connection.run("delete from eav_pending where type_id = %(type)s and id = any(%(ids)s)", params)


__all__ = ["PENDING", "Mirrored", "between", "drop_stubs", "has_place", "put", "standing"]
