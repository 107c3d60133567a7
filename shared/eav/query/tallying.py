"""Several filters counted in one statement: how many entities that fit a base fit each, and what of them counts.

For those who look at how much work there is, as of this moment, by the indexes of slots. Not for pages (`counting`),
nor for reports, which keep their numbers. Hundreds of filters take hundreds of looks into an index, yet one round trip
and one snapshot, so that the numbers agree with each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from shared.eav.catalog import Keyed, LiveType, keyed
from shared.eav.filters import CheckedNode, Node
from shared.eav.query.source import source
from shared.eav.query.where import walk, where
from shared.kernel.db import Connection, compiled


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is counted: of those that fit `base` and one of `several`, all, and those that fit each of `counted`."""

    base: Node
    counted: Sequence[Node]
    several: Sequence[Node]

    @property
    def nodes(self) -> tuple[Node, ...]:
        """All of them, in this order."""
        return (self.base, *self.counted, *self.several)


class _Asked:
    """Checked filters as a cache key: equal when the SQL is."""

    __slots__ = ("_key", "base", "counted", "live", "several")

    def __init__(self, live: LiveType, base: CheckedNode, counted: Sequence[CheckedNode],
                 several: Sequence[tuple[int, CheckedNode]]) -> None:  # fmt: skip
        self.live, self.base, self.counted, self.several = live, base, counted, several
        shapes = tuple((place, one.shape) for place, one in several)
        self._key: tuple[Keyed, Any] = (keyed(live), (base.shape, tuple(one.shape for one in counted), shapes))

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Asked) and self._key == other._key


def tallies(
    connection: Connection,
    live: LiveType,
    wanted: Wanted,
    checked: Sequence[CheckedNode | None],
    params: Mapping[str, Any],
) -> list[tuple[int, ...] | None]:
    """The numbers of each of `wanted.several`, in order; None for one that was not checked. checked: `wanted.nodes`,
    of which base and counted are there; params: what all of them bind."""
    base, *others = checked
    counted = [one for one in others[: len(wanted.counted)] if one is not None]
    assert base is not None
    assert len(counted) == len(wanted.counted)
    several = [(place, one) for place, one in enumerate(others[len(counted) :]) if one is not None]
    found: list[tuple[int, ...] | None] = [None] * len(wanted.several)
    if several:
        for place, *numbers in connection.rows(_statement(_Asked(live, base, counted, several)), params):
            found[place] = tuple(numbers)
    return found


@lru_cache(maxsize=32)
def _statement(asked: _Asked) -> str:
    return compiled(sa.union_all(*(_arm(asked, place, one) for place, one in asked.several)))


def _arm(asked: _Asked, place: int, node: CheckedNode) -> sa.Select[Any]:
    every = (asked.base, *asked.counted, node)
    tables = source(asked.live, [attribute for one in every for attribute in walk(one)])
    numbers = [sa.func.count().filter(where(tables, one)) for one in asked.counted]
    number: sa.ColumnElement[int] = sa.literal_column(str(place))
    columns: list[sa.ColumnElement[Any]] = [number, sa.func.count(), *numbers]
    query = sa.select(*columns).select_from(tables.rows)
    return query.where(where(tables, asked.base), where(tables, node))
