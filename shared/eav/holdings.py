"""What a type holds, for those who keep a copy or check one: canonical pages, checksums by id range, re-reading.

Pages are canonical JSON by attribute key, archived attributes included: what events tell, at one moment. Sums of
checksums are compared with a copy's; re-reading compares each checksum with the values it was made of, so that a
damaged value is seen where it lies. Not for showing entities to people: see `reads`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from shared.eav.catalog import Keyed, LiveType, keyed
from shared.eav.query.page import check_version
from shared.eav.query.reading import Reader, reader
from shared.eav.store.state import State, checksum
from shared.eav.store.write import state_of
from shared.eav.tables import table_name
from shared.kernel.db import Connection, bigint, compiled

_LINKS = """select relation, from_id, to_id, clock, origin from eav_link
where (relation, from_id, to_id) > (%(r)s::int, %(f)s::bigint, %(t)s::bigint)
order by relation, from_id, to_id limit %(limit)s"""
_HISTORY = """select entity_id, version, kind, at, effective_at, actor, changed from eav_history
where type_id = %(type)s and entity_id = any(%(ids)s::bigint[]) order by entity_id, version"""
_MADE = " union all ".join(
    f"select id, created_at, recorded_at, created_by from {{{table}}} where id = any(%(ids)s::bigint[])"
    for table in ("table", "archive")
)
# Products, so that two links that exchange their ends are seen; by remainders, so that none of them is too large.
_LINK_SUMS = """select relation, (from_id - 1) / %(span)s::bigint, count(*), sum(from_id)::text, sum(to_id)::text,
    sum((from_id %% 2147483647) * (to_id %% 2147483647))::text from {table}
where (relation, from_id) > (%(relation)s::int, %(after)s::bigint) group by 1, 2 order by 1, 2 limit %(limit)s"""
# Each table is summed up by itself: theirs are rows of different shapes.
_SUMS = """select part, sum(live)::int, sum(total)::text, sum(gone)::int, sum(versions)::text from (
    select (id - 1) / %(span)s::bigint as part, count(*) as live, sum(checksum) as total, 0 as gone,
        sum(version) as versions
    from {table} where id > %(after)s and id <= %(upto)s group by 1
    union all
    select (id - 1) / %(span)s::bigint, 0, 0, count(*), sum(version)
    from {archive} where id > %(after)s and id <= %(upto)s group by 1) tables group by 1 order by 1"""


@dataclass(frozen=True, slots=True)
class Held:
    """One entity as it is kept: canonical values by attribute key, and the checksum stored beside them."""

    id: int
    version: int
    created_at: str
    updated_at: str
    values: dict[str, Any]
    checksum: int
    archived: bool

    @property
    def sound(self) -> bool:
        """Whether values and version are those the checksum was made of."""
        return checksum(self.values, self.version - self.archived) == self.checksum


@dataclass(frozen=True, slots=True)
class HeldVersion:
    """One version of an entity as history keeps it; of the first one, whose values no history has, what remains of
    them when everything since is taken back. kind: `created`, `updated`..."""

    version: int
    kind: str
    at: datetime
    effective_at: datetime
    actor: str | None
    changed: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RangeSum:
    """Entities with low <= id <= high: how many, and the sum of their checksums as a decimal; how many archived ones,
    whose checksums are of another version, and the sum of the versions of all."""

    low: int
    high: int
    count: int
    total: str
    archived: int
    versions: str


def holdings(connection: Connection, live: LiveType, *, after: int, limit: int) -> list[Held]:
    """A page in id order behind `after`, archived entities among the others, as of one moment; a constant number of
    statements. Raises StaleCatalog, for the caller to reload and repeat.

    An archived entity's checksum is that of its last live version, one below the version it has.
    """
    params = {"after": bigint(after), "rows": limit}
    found: list[Held] = []
    with connection.transaction():
        connection.run("set transaction isolation level repeatable read, read only")
        for archived in (False, True):
            view, sql = _page(keyed(live), archived)
            rows = connection.rows(sql, params, prepare=True)
            check_version(connection, live, rows)
            found += [_held(state_of(view, row), row[-1], archived) for row in rows]
    return sorted(found, key=lambda one: one.id)[:limit]


def _held(state: State, summed: int, archived: bool) -> Held:
    return Held(state.id, state.version, state.created_at, state.updated_at, state.values, summed, archived)


@lru_cache(maxsize=128)
def _page(key: Keyed, archived: bool) -> tuple[Reader, str]:
    live = key.live
    view = reader(live, live.kept, "canonical", archive=archived)
    main = view.source.main
    # Absorbed entities as well: the log tells of each of their versions, the one that frees them included.
    query = view.select(absorbed=True).add_columns(main.c.checksum)
    query = query.where(main.c.id > sa.bindparam("after", type_=sa.BigInteger())).order_by(main.c.id)
    return view, compiled(query.limit(sa.bindparam("rows", type_=sa.Integer())))


def versions(connection: Connection, live: LiveType, held: Sequence[Held]) -> dict[int, list[HeldVersion]]:
    """Every version of these entities, oldest first. Of what was written since they were read, nothing."""
    params = {"ids": [one.id for one in held], "type": live.id}
    tables = {"table": table_name(live.table), "archive": table_name(live.table, archive=True)}
    rows: dict[int, list[HeldVersion]] = {}
    for ident, *row in connection.rows(_HISTORY, params):
        rows.setdefault(ident, []).append(HeldVersion(*row))
    made = {row[0]: row[1:] for row in connection.rows(_MADE.format(**tables), params)}
    found = {}
    for one in held:
        later = [step for step in rows.get(one.id, ()) if step.version <= one.version]
        first = dict(one.values)
        for step in reversed(later):
            first |= {key: old for key, (old, _) in step.changed.items()}
        began = {key: [None, value] for key, value in first.items() if value is not None}
        if one.id in made:
            created, recorded, actor = made[one.id]
            later.insert(0, HeldVersion(1, "created", recorded, created, actor, began))
        found[one.id] = later
    return found


def range_sums(connection: Connection, live: LiveType, *, after: int, span: int, ranges: int) -> Sequence[RangeSum]:
    """Sums over entities, by ranges of `span` ids, for `ranges` of them from the one behind `after`; no scan.
    Raises StaleCatalog: the table of a type that was removed may be another type's."""
    first = after // span
    params = {"after": first * span, "upto": (first + ranges) * span, "span": span}
    tables = {"table": table_name(live.table), "archive": table_name(live.table, archive=True)}
    rows = connection.rows(_SUMS.format(**tables), params)
    check_version(connection, live, ())
    return [RangeSum(part * span + 1, (part + 1) * span, *sums) for part, *sums in rows]


HeldLink = tuple[int, int, int, int, str | None]


def links(connection: Connection, *, after: tuple[int, int, int], limit: int) -> Sequence[HeldLink]:
    """A page of all links behind a place: (relation, from, to, clock, the service that wrote it unless it is this one),
    in that order; each link twice, once per direction."""
    params = {"r": after[0], "f": after[1], "t": after[2], "limit": limit}
    rows = connection.rows(_LINKS, params, prepare=True)
    return [(relation, here, there, clock, origin) for relation, here, there, clock, origin in rows]


@dataclass(frozen=True, slots=True)
class LinkSum:
    """Links of a relation that lead away from low <= id <= high: how many, and sums made of their ends, as one text."""

    relation: int
    low: int
    high: int
    count: int
    total: str


def link_sums(
    connection: Connection, *, after: tuple[int, int], span: int, limit: int, table: str = "eav_link"
) -> Sequence[LinkSum]:
    """Sums of all links behind (relation, from id), in that order, by ranges of `span` ids; from an index. table: where
    a copy keeps its links."""
    params = {"relation": after[0], "after": after[1], "span": span, "limit": limit}
    rows = connection.rows(_LINK_SUMS.format(table=table), params)
    return [
        LinkSum(relation, part * span + 1, (part + 1) * span, count, ".".join(sums))
        for relation, part, count, *sums in rows
    ]


def last_id(connection: Connection, live: LiveType) -> int:
    """The greatest id, archived entities included; 0 when there is none. Raises StaleCatalog."""
    tables = table_name(live.table), table_name(live.table, archive=True)
    row = connection.row(f"select greatest(0, {', '.join(f'(select max(id) from {one})' for one in tables)})")
    check_version(connection, live, ())
    return int(row[0]) if row else 0
