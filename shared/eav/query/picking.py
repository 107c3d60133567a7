"""Questions of those who give entities out: how many each has, who had the last like it, which comes first.

Every answer is one statement over the indexes of slots, in the caller's transaction, for a type whose catalog the
caller has already confirmed there (by locking entities of it). Not for pages of entities, which `page` reads.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from shared.eav.catalog import Keyed, LiveType, keyed
from shared.eav.declare import AttributeDef
from shared.eav.filters import Checked, CheckedNode
from shared.eav.query.source import Source, source
from shared.eav.query.where import attributes_of, where
from shared.eav.types import kind_of
from shared.kernel.db import Connection, bigint, compiled

_VALUES, _HOLDERS, _SINCE = "given_values", "given_holders", "given_since"


@dataclass(frozen=True, slots=True)
class Urgency:
    """What comes first: by the rank of an option (those not named come last), then by the earliest of some instants
    (none is late), then by id."""

    attribute: str
    ranks: tuple[str, ...]
    earliest: tuple[str, ...]


@dataclass(frozen=True)
class _Asked:
    """A filter as a cache key: equal when the SQL is."""

    key: Keyed
    shape: Any
    name: str
    root: CheckedNode | None
    attributes: tuple[AttributeDef, ...]

    def __hash__(self) -> int:
        return hash((self.key, self.shape, self.name))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Asked) and (self.key, self.shape, self.name) == (other.key, other.shape, other.name)

    @classmethod
    def of(cls, live: LiveType, checked: Checked | None, name: str) -> _Asked:
        """The key of a filter, besides one attribute."""
        shape = checked.shape if checked else None
        return cls(keyed(live), shape, name, checked.root if checked else None, tuple(attributes_of(checked)))


def counts_by(
    connection: Connection, live: LiveType, checked: Checked | None, name: str, values: Collection[int]
) -> dict[int, int]:
    """How many entities that fit have each of these values of a reference, or options by their ids; what none has is
    left out."""
    if live.attributes[name].column is None or not values:
        return {}
    params = {**(checked.params if checked else {}), _VALUES: sorted(values)}
    return {row[0]: row[1] for row in connection.rows(_counts_sql(_Asked.of(live, checked, name)), params)}


def last_holders(
    connection: Connection,
    live: LiveType,
    name: str,
    by: str,
    slots: Collection[Any],
    holders: Collection[int],
    since: datetime,
) -> dict[Any, int]:
    """Of values of the attribute `by` (as they stand in slots): who of some holders has, by the reference `name`, the
    last entity with that value that was changed since an instant."""
    if not slots or not holders or any(live.attributes[one].column is None for one in (name, by)):
        return {}
    params = {_VALUES: sorted(slots), _HOLDERS: sorted(holders), _SINCE: since.replace(tzinfo=None)}
    rows = connection.rows(_holders_sql(keyed(live), name, by), params)
    return {row[0]: row[1] for row in rows}


def first_free(connection: Connection, live: LiveType, checked: Checked, urgency: Urgency) -> int | None:
    """The most urgent entity that fits and that nobody else holds, locked until the transaction ends."""
    options = live.attributes[urgency.attribute].options
    ranks = {
        f"given_rank{place}": bigint(next((one.id for one in options if one.value == value), 0))
        for place, value in enumerate(urgency.ranks)
    }
    row = connection.row(_first_sql(_Asked.of(live, checked, urgency.attribute), urgency), {**checked.params, **ranks})
    return None if row is None else int(row[0])


def fitting(connection: Connection, live: LiveType, checked: Checked) -> list[int]:
    """All entities that fit, by id."""
    return [row[0] for row in connection.rows(_fitting_sql(_Asked.of(live, checked, "")), checked.params)]


def fitting_among(connection: Connection, live: LiveType, checked: Checked, ids: Collection[int]) -> list[int]:
    """Those of some entities that fit, by id."""
    params = {**checked.params, _VALUES: sorted(ids)}
    return [row[0] for row in connection.rows(_fitting_sql(_Asked.of(live, checked, _VALUES)), params)]


def slot_of(live: LiveType, name: str, canonical: Any) -> Any:
    """A value in canonical JSON as it stands in its slot, to look for others like it."""
    attribute = live.attributes[name]
    kind = kind_of(attribute)
    return kind.to_slot(kind.from_json(canonical, attribute), attribute)


@lru_cache(maxsize=64)
def _fitting_sql(asked: _Asked) -> str:
    tables = source(asked.key.live, asked.attributes)
    assert asked.root is not None
    query = sa.select(tables.main.c.id).select_from(tables.rows).where(where(tables, asked.root))
    if asked.name:
        query = query.where(tables.main.c.id == _any(asked.name, tables.main.c.id))
    return compiled(query.order_by(tables.main.c.id))


@lru_cache(maxsize=256)
def _counts_sql(asked: _Asked) -> str:
    live = asked.key.live
    tables = source(live, [*asked.attributes, live.attributes[asked.name]])
    column = _column(tables, asked.name)
    query = sa.select(column, sa.func.count()).select_from(tables.rows).where(column == _any(_VALUES, column))
    if asked.root is not None:
        query = query.where(where(tables, asked.root))
    return compiled(query.group_by(column))


@lru_cache(maxsize=64)
def _holders_sql(key: Keyed, name: str, by: str) -> str:
    live = key.live
    tables = source(live, [live.attributes[name], live.attributes[by]])
    holder, value = _column(tables, name), _column(tables, by)
    query = (
        sa.select(value, holder)
        .ext(pg.distinct_on(value))
        .select_from(tables.rows)
        .where(value == _any(_VALUES, value), holder == _any(_HOLDERS, holder))
        .where(tables.main.c.updated_at >= sa.bindparam(_SINCE, type_=sa.DateTime()))
        .order_by(value, tables.main.c.id.desc())
    )
    return compiled(query)


@lru_cache(maxsize=256)
def _first_sql(asked: _Asked, urgency: Urgency) -> str:
    live = asked.key.live
    named = [live.attributes[one] for one in (urgency.attribute, *urgency.earliest)]
    tables = source(live, [*asked.attributes, *named])
    root = asked.root
    assert root is not None
    order: list[sa.ColumnElement[Any]] = []
    rank = tables.column(named[0])
    if rank is not None:
        places: list[Any] = [
            (rank == sa.bindparam(f"given_rank{place}", type_=sa.BigInteger()), sa.literal_column(str(place)))
            for place in range(len(urgency.ranks))
        ]
        order.append(sa.case(*places, else_=sa.literal_column(str(len(places)))))
    instants = [column for one in named[1:] if (column := tables.column(one)) is not None]
    if instants:
        order.append(sa.func.least(*instants).asc().nulls_last())
    query = sa.select(tables.main.c.id).select_from(tables.rows).where(where(tables, root))
    query = query.order_by(*order, tables.main.c.id).limit(sa.literal_column("1"))
    return compiled(query.with_for_update(of=tables.main, skip_locked=True))


def _column(tables: Source, name: str) -> sa.ColumnElement[Any]:
    column = tables.column(tables.live.attributes[name])
    assert column is not None
    return column


def _any(name: str, like: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    kind = sa.Text() if isinstance(like.type, sa.Text) else like.type
    return sa.func.any(sa.cast(sa.bindparam(name), pg.ARRAY(kind)))
