"""Pages of links: of one entity, or of many at once, in one statement by the primary key. Links to entities that are
archived, and links of archived entities, are not shown; they come back with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from shared.eav.catalog import LiveType, StaleCatalog
from shared.eav.links.asked import Linked
from shared.eav.links.relations import RelationDef
from shared.eav.query.reading import ID, VERSION, VERSION_SEEN, reader
from shared.eav.tables import table_name
from shared.kernel.db import Connection

Page = tuple[list[Linked], int | None]


@lru_cache(maxsize=256)
def _pages_sql(from_table: int, to_table: int) -> str:
    return f"""
    select v.version, w.version, g.id, f.id is not null, p.to_id, p.relations
    from (select version from eav_version where type_id = %(from_type)s) v,
        (select version from eav_version where type_id = %(to_type)s) w,
        unnest(%(ids)s::bigint[], %(afters)s::bigint[]) g(id, after)
    left join {table_name(from_table)} f on f.id = g.id
    left join lateral (
        select l.to_id, array(select x.relation from eav_link x where x.relation = any(%(labels)s::int[])
            and x.from_id = l.from_id and x.to_id = l.to_id order by 1) as relations
        from eav_link l join {table_name(to_table)} e on e.id = l.to_id
        where l.relation = %(plain)s and l.from_id = f.id and l.to_id > g.after
        order by l.to_id limit %(rows)s) p on true
    order by g.id, p.to_id
    """


def pages(
    connection: Connection,
    from_live: LiveType,
    to_live: LiveType,
    relations: Sequence[RelationDef],
    afters: Mapping[int, int],
    limit: int,
) -> dict[int, Page]:
    """A page per entity that is there, behind the id each is asked `after`. Raises StaleCatalog."""
    plain, *labels = relations
    params = {
        "from_type": from_live.id,
        "to_type": to_live.id,
        "ids": list(afters),
        "afters": list(afters.values()),
        "plain": plain.id,
        "labels": [one.id for one in labels],
        "rows": limit + 1,
    }
    rows = connection.rows(_pages_sql(from_live.table, to_live.table), params, prepare=True)
    if any(row[:2] != (from_live.version, to_live.version) for row in rows[:1]):
        raise StaleCatalog(from_live.name)
    found: dict[int, list[Linked]] = {}
    for _, _, ident, there, to_id, labelled in rows:
        if there:
            listed = found.setdefault(ident, [])
            if to_id is not None:
                listed.append(Linked(to_id, (plain.id, *labelled)))
    return {
        ident: (listed[:limit], listed[limit - 1].to_id if len(listed) > limit else None)
        for ident, listed in found.items()
    }


def shown(
    connection: Connection, live: LiveType, ids: Sequence[int], names: Sequence[str] | None = None
) -> dict[int, dict[str, Any] | None]:
    """What is shown of linked entities: the type's display values by internal name, or those of `names` that it has;
    None for one that its home has not told of yet. Those that are not there are left out. Raises StaleCatalog."""
    wanted = (live.defn.primary_display, *live.defn.secondary_display) if names is None else names
    view = reader(live, tuple(one for one in wanted if one in live.attributes), "json")
    rows = view.rows(connection, list(ids)) if ids else []
    if any(row[VERSION_SEEN] != live.version for row in rows[:1]):
        raise StaleCatalog(live.name)
    return {row[ID]: view.entity(row).values if row[VERSION] else None for row in rows}
