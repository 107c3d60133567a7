"""Rows of files that make entities parts of others of their type: whether the other is there, and no part of itself.

Looked at before the rows are judged, so that one that cannot be is its own error and holds up no other. Rows are taken
one after the other, each in the light of those before it. Not for single writes, which a step of the service looks at
when they are written (`trees`); rows found by a value that is not unique are looked at for their parents alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import sqlalchemy as sa

from shared.eav.bulk.items import BulkItem
from shared.eav.catalog import LiveType
from shared.eav.engine import Engine
from shared.eav.query.source import source
from shared.eav.references import resolve_refs
from shared.eav.requests import Ref
from shared.eav.tables import table_name
from shared.kernel.db import Connection, compiled
from shared.kernel.errors import FieldError
from shared.service.trees import DEEPEST

Trees = Mapping[str, str]
"""By name of the entity type, the attribute that names what an entity is a part of."""
_DIGITS = 19
_THERE = "select id from {table} where id = any(%(ids)s::bigint[])"
_ABOVE = """
with recursive edge as not materialized ({edges}),
up(id, depth) as (
    select g.id, 0 from unnest(%(ids)s::bigint[]) g(id)
    union
    select e.parent, u.depth + 1 from up u join edge e on e.id = u.id
    where e.parent is not null and u.depth <= {deepest})
select distinct e.id, e.parent from up u join edge e on e.id = u.id where e.parent is not null
"""


def misplaced_items(
    engine: Engine, trees: Trees, live: LiveType, items: Sequence[BulkItem]
) -> dict[int, list[FieldError]]:
    """Errors, by place in the input. Three statements where any item names what it is a part of, none otherwise."""
    attribute = live.attributes.get(trees.get(live.name, ""))
    if attribute is None:
        return {}
    names = [one for one in (attribute.name, attribute.wire, attribute.label) if live.find(one) is attribute]
    named = {place: item.values[name] for place, item in enumerate(items) for name in names if name in item.values}
    if not any(_number(one) for one in named.values()):
        return {}
    with engine.database.connect() as connection:
        own = _own(connection, engine, live, {place: items[place].ref for place in named})
        parents = {number for one in named.values() if (number := _number(one)) is not None}
        there = {row[0] for row in connection.rows(_THERE.format(table=table_name(live.table)), {"ids": [*parents]})}
        edges = _edges(connection, live, attribute.name, parents | {one for one in own.values() if one is not None})
    errors: dict[int, list[FieldError]] = {}
    for place, value in named.items():
        parent = _number(value)
        why = _wrong(edges, live, own[place], parent, there)
        if why:
            errors[place] = [FieldError(attribute.name, "INVALID_OPTION", why)]
        elif own[place] is not None and (parent is not None or value in (None, "")):
            edges[own[place]] = parent
    return errors


def _wrong(
    edges: Mapping[int | None, int | None], live: LiveType, own: int | None, parent: int | None, there: Collection[int]
) -> str:
    """What is wrong with a parent, "" for nothing."""
    if parent is None:
        return ""
    if parent not in there:
        return f"there is no {live.name} {parent}: name a live one, or none"
    above: int | None = parent
    depth = 1
    while above is not None and above != own and depth <= DEEPEST:
        above, depth = edges.get(above), depth + 1
    if above is None:
        return ""
    why = f"{live.name} {parent} is a part of this one, or would be the parent of more than {DEEPEST} levels"
    return f"{why}: name another one, or none"


def _own(
    connection: Connection, engine: Engine, live: LiveType, refs: Mapping[int, Ref | None]
) -> dict[int, int | None]:
    """The entity of each row, None for those that are about to be made and those nobody can tell beforehand."""
    unique = {
        place: ref
        for place, ref in refs.items()
        if ref is not None and (ref.id is not None or _unique(live, ref.attribute))
    }
    found = dict(zip(unique, resolve_refs(connection, live, list(unique.values()), engine.judge), strict=True))
    return {place: found.get(place) for place in refs}


def _unique(live: LiveType, name: str | None) -> bool:
    attribute = live.find(name or "")
    return attribute is not None and attribute.unique


def _edges(connection: Connection, live: LiveType, name: str, ids: Collection[int]) -> dict[int | None, int | None]:
    """{entity: what it is a part of} of these and of all above them."""
    tables = source(live, [live.attributes[name]])
    column = tables.column(live.attributes[name])
    if column is None or not ids:
        return {}
    edges = compiled(sa.select(tables.main.c.id, column.label("parent")).select_from(tables.rows))
    return dict(connection.rows(_ABOVE.format(edges=edges, deepest=DEEPEST), {"ids": [*ids]}))


def _number(value: object) -> int | None:
    """The id that a row names; what is none is left to whoever reads the value."""
    text = "" if value is None else str(value).strip()
    return int(text) if text.isdecimal() and len(text) < _DIGITS else None
