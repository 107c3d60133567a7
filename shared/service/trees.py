"""Entities that are parts of others of their type, by a reference: whether the other is there, and no part of itself.

For steps, in the transaction of the write and after it. What is written at the same time elsewhere waits its turn.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import sqlalchemy as sa

from shared.eav.catalog import Keyed, LiveType, keyed
from shared.eav.query.source import source
from shared.kernel.db import Connection, compiled

DEEPEST = 100
_ONE_BY_ONE = "select pg_advisory_xact_lock(7003, %(type)s)"
_UP = """
with recursive edge as not materialized ({edges}),
up(start, id, depth) as (
    select id, parent, 1 from unnest(%(ids)s::bigint[], %(parents)s::bigint[]) g(id, parent)
    union all
    select u.start, e.parent, u.depth + 1 from up u join edge e on e.id = u.id
    where e.parent is not null and u.id <> u.start and u.depth <= {deepest})
select start, bool_or(depth = 1 and not exists (select 1 from edge e where e.id = up.id)),
    bool_or(id = start or depth > {deepest})
from up group by start
"""


def misplaced(
    connection: Connection, live: LiveType, name: str, parents: Mapping[int, int]
) -> tuple[set[int], set[int]]:
    """Of entities (id -> parent, as written): those whose parent is not live, and those in a circle or too deep."""
    if not parents:
        return set(), set()
    connection.rows(_ONE_BY_ONE, {"type": live.id})
    params = {"ids": [*parents], "parents": [*parents.values()]}
    rows = connection.rows(_statement(keyed(live), name), params)
    return {one for one, missing, _ in rows if missing}, {one for one, _, circle in rows if circle}


@lru_cache(maxsize=64)
def _statement(key: Keyed, name: str) -> str:
    """Made once for each state of the catalog: making it takes longer than what it asks."""
    attribute = key.live.attributes[name]
    tables = source(key.live, [attribute])
    column = tables.column(attribute)
    assert column is not None  # it was written
    edges = compiled(sa.select(tables.main.c.id, column.label("parent")).select_from(tables.rows))
    return _UP.format(edges=edges, deepest=DEEPEST)
