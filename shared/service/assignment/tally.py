"""Numbers of entities by a filter, for those who look at how much work there is. By indexes, as of this moment.

Not for reports, which keep their numbers (reporting's metrics and saved filters).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from shared.eav.engine import Engine
from shared.eav.entity import View
from shared.eav.filters import parse
from shared.eav.query.tallying import Wanted
from shared.eav.requests import Query
from shared.kernel.context import Context
from shared.service.permissions import require

Filter = Mapping[str, Any]


class Tally:
    """Counts entities of one service."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of(self, ctx: Context, type: str, wanted: Filter) -> int:
        """How many fit. Raises Invalid, Forbidden."""
        live = self._engine.catalog.type(type)
        require(ctx.actor, "objects", live.defn, "read")
        page = self._engine.reads.query(live.name, Query(parse(wanted), limit=1, total="exact"), View("json", ()))
        return page.total or 0

    def each(
        self, ctx: Context, type: str, base: Filter, counted: Collection[Filter], several: Collection[Filter]
    ) -> Sequence[tuple[int, ...] | None]:
        """Of those that fit `base` and each of several filters: how many, and how many fit each of `counted` besides;
        None for a filter that asks for what is no more. One statement, whatever their number. Raises Forbidden, and
        Invalid for base and counted."""
        live = self._engine.catalog.type(type)
        require(ctx.actor, "objects", live.defn, "read")
        counts, filters = ([parse(one) for one in some] for some in (counted, several))
        return self._engine.reads.tallies(live.name, Wanted(parse(base), counts, filters))

    def by_reference(
        self, ctx: Context, type: str, wanted: Filter, name: str, values: Collection[int]
    ) -> dict[int, int]:
        """How many that fit have each of these values of a reference, or options by their ids; what none has is left
        out. Two statements."""
        live = self._engine.catalog.type(type)
        require(ctx.actor, "objects", live.defn, "read")
        return self._engine.reads.counts(live.name, parse(wanted), name, values)
