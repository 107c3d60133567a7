"""Values of linked entities beside an entity's own, as a list shows them: `company.name` among a deal's values.

One link far, types of this database and mirrors alike. An entity shows one linked entity of each type: its primary one
(which any `single` relation tells), else the one with the least id; archived ones are passed over, and None stands
where there is none or its home has not told of it. One statement per linked type and page, however many rows. Not for
all links of an entity, which its own door pages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from shared.eav.catalog import Catalog, Keyed, LiveType, StaleCatalog, keyed, nearest
from shared.eav.entity import Entity, View
from shared.eav.links.neighbours import Neighbours, linked_name
from shared.eav.links.relations import Relations
from shared.eav.query.reading import VERSION_SEEN, reader
from shared.eav.tables import table_name
from shared.kernel.db import Connection, compiled
from shared.kernel.errors import ErrorList, Invalid, NotFound


@dataclass(frozen=True, slots=True)
class Far:
    """What is asked of one linked type: asked name to internal attribute name."""

    live: LiveType
    plain: int
    registers: tuple[int, ...]
    names: Mapping[str, str]


def far_names(live: LiveType, view: View) -> tuple[str, ...]:
    """The names in a native view that mean linked entities' attributes."""
    if view.form != "json" or not view.attributes:
        return ()
    return tuple(dict.fromkeys(name for name in view.attributes if linked_name(live, name)))


def far_types(catalog: Catalog, live: LiveType, view: View) -> list[LiveType]:
    """The types whose values a view shows; unknown ones are left out, for `resolved` to refuse."""
    found: dict[str, LiveType] = {}
    for name in far_names(live, view):
        try:
            other = catalog.linkable(name.partition(".")[0])
        except NotFound:
            continue
        found[other.name] = other
    return list(found.values())


def resolved(live: LiveType, view: View, neighbours: Neighbours, relations: Relations) -> Sequence[Far]:
    """What a view asks of each linked type. Raises Invalid naming the nearest of what there is."""
    errors, asked, types = ErrorList(), dict[str, dict[str, str]](), dict[str, LiveType]()
    for name in far_names(live, view):
        kind, _, inner = name.partition(".")
        linkage = neighbours.linkage(kind)
        if linkage is None:
            close = tuple(f"{one}.{inner}" for one in nearest(kind, neighbours.names()))
            hint = f"; did you mean {' or '.join(close)}?" if close else ""
            message = f"{name[:200]}: nothing here is linked to {kind[:100]}{hint}"
            errors.add(name, "PROPERTY_DOESNT_EXIST", message, close)
            continue
        other = linkage.live_type
        assert isinstance(other, LiveType)
        try:
            asked.setdefault(other.name, {})[name] = other.attribute(inner).name
            types[other.name] = other
        except Invalid as error:
            for one in error.errors:
                errors.add(name, one.code, one.message, tuple(f"{kind}.{known}" for known in one.nearest))
    errors.raise_if_any()
    found = []
    for kind, names in asked.items():
        plain, *others = relations.between(live.name, kind)
        found.append(Far(types[kind], plain.id, tuple(one.id for one in others if one.single), names))
    return found


def add_far(connection: Connection, found: Mapping[int, Entity], fars: Sequence[Far]) -> None:
    """Put the asked values among those of these entities. Raises StaleCatalog."""
    for far in fars:
        for entity in found.values():
            entity.values.update(dict.fromkeys(far.names))
        names = tuple(dict.fromkeys(far.names.values()))
        params = {"ids": list(found), "plain": far.plain, "registers": list(far.registers)}
        rows = connection.rows(_statement(keyed(far.live), names), params, prepare=True) if found else []
        if rows and rows[0][VERSION_SEEN] != far.live.version:
            raise StaleCatalog(far.live.name)
        show = reader(far.live, names, "json")
        for row, linked in zip(rows, show.entities(rows), strict=True):
            found[row[-1]].values.update({asked: linked.values.get(name) for asked, name in far.names.items()})


@lru_cache(maxsize=1024)
def _statement(key: Keyed, names: tuple[str, ...]) -> str:
    """The linked entity to show of each id, by the primary key of links: no hub's links are walked through."""
    show, table = reader(key.live, names, "json"), table_name(key.live.table)
    first = f"""(select l.to_id from eav_link l join {table} e on e.id = l.to_id
        where {{relation}} and l.from_id = g.id order by l.to_id limit 1)"""
    registered = first.format(relation="l.relation = any(cast(:registers as int[]))")
    linked = first.format(relation="l.relation = cast(:plain as int)")
    picked = (
        sa.text(
            f"select g.id as from_id, coalesce({registered}, {linked}) as to_id"
            " from unnest(cast(:ids as bigint[])) g(id)"
        )
        .bindparams(
            sa.bindparam("ids", type_=pg.ARRAY(sa.BigInteger())),
            sa.bindparam("plain", type_=sa.Integer()),
            sa.bindparam("registers", type_=pg.ARRAY(sa.Integer())),
        )
        .columns(sa.column("from_id", sa.BigInteger()), sa.column("to_id", sa.BigInteger()))
        .subquery("picked")
    )
    source = show.source
    rows = picked.join(source.rows, source.main.c.id == picked.c.to_id)
    return compiled(sa.select(*show.columns, picked.c.from_id).select_from(rows))
