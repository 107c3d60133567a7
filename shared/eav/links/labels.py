"""Relations made at run time, and limits on the number of links: rows, in the caller's transaction.

The original is kept by one service, copies by the others; both go through here. Every function moves on the catalog
versions of the types concerned, as far as they live in this database, so that every process and every write under way
notices. Not for permission nor for what makes a good label: see the kit.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from shared.eav.definitions import ALONE, bump
from shared.eav.links.relations import RelationDef
from shared.kernel.db import Connection

_PUT = """
insert into eav_relation(id, inverse, from_type, to_type, name, label)
select * from unnest(%(id)s::int[], %(inverse)s::int[], %(from_type)s::text[], %(to_type)s::text[], %(name)s::text[],
    %(label)s::text[])
on conflict (id) do update set inverse = excluded.inverse, from_type = excluded.from_type,
    to_type = excluded.to_type, name = excluded.name, label = excluded.label
"""
_FIELDS = ("id", "inverse", "from_type", "to_type", "name", "label")
_LIMIT = """
insert into eav_relation_limit(relation, most) values (%(id)s, %(most)s)
on conflict (relation) do update set most = excluded.most
"""
_TABLE_LOCK = 7005


def one_at_a_time(connection: Connection) -> None:
    """Makers of relations follow each other, so that two cannot make the same label."""
    connection.row("select pg_advisory_xact_lock(%(key)s)", {"key": _TABLE_LOCK})


def stored(connection: Connection, from_type: str, to_type: str) -> list[RelationDef]:
    """Relations made at run time from one type to another."""
    rows = connection.rows(
        f"select {', '.join(_FIELDS)} from eav_relation where from_type = %(f)s and to_type = %(t)s order by id",
        {"f": from_type, "t": to_type},
    )
    return [_relation(*row) for row in rows]


def every(connection: Connection) -> list[RelationDef]:
    """All relations made at run time."""
    rows = connection.rows(f"select {', '.join(_FIELDS)} from eav_relation order by id")
    return [_relation(*row) for row in rows]


def _relation(ident: int, inverse: int, from_type: str, to_type: str, name: str, label: str | None) -> RelationDef:
    return RelationDef(ident, inverse, from_type, to_type, name, label, builtin=False)


def numbered(connection: Connection, ahead: RelationDef, back: RelationDef | None) -> tuple[RelationDef, ...]:
    """Both directions of a new relation with ids of their own; `back` None: one relation, the same from both ends."""
    rows = connection.rows("select nextval('eav_relation_id') from generate_series(1, %(n)s)", {"n": 1 + bool(back)})
    ids = [int(row[0]) for row in rows]
    if back is None:
        return (replace(ahead, id=ids[0], inverse=ids[0]),)
    return replace(ahead, id=ids[0], inverse=ids[1]), replace(back, id=ids[1], inverse=ids[0])


def put(connection: Connection, relations: Sequence[RelationDef]) -> None:
    """Store relations as they are now."""
    _touch(connection, relations)
    connection.run(_PUT, {name: [getattr(one, name) for one in relations] for name in _FIELDS})


def limit(connection: Connection, relation: RelationDef, most: int | None) -> None:
    """The most links of this relation that one entity may have; None: as many as it likes. Links there are stay."""
    _touch(connection, [relation])
    if most is None:
        connection.run("delete from eav_relation_limit where relation = %(id)s", {"id": relation.id})
    else:
        connection.run(_LIMIT, {"id": relation.id, "most": most})


def remove(connection: Connection, relations: Collection[RelationDef]) -> None:
    """Take relations away, from every pair that has them; the pairs stay linked.

    Waits until no write of either type is under way: one that has them already in its hands would bring them back.
    """
    _touch(connection, relations, alone=True)
    ids = [one.id for one in relations]
    for table, column in (("eav_link", "relation"), ("eav_relation_limit", "relation"), ("eav_relation", "id")):
        connection.run(f"delete from {table} where {column} = any(%(ids)s)", {"ids": ids})


def _touch(connection: Connection, relations: Iterable[RelationDef], *, alone: bool = False) -> None:
    names = {name for one in relations for name in (one.from_type, one.to_type)}
    rows = connection.rows("select id from eav_type where name = any(%(n)s) order by id", {"n": sorted(names)})
    if alone:
        for (type_id,) in rows:
            connection.row(ALONE, {"id": type_id})
    for (type_id,) in rows:
        bump(connection, type_id)
