"""Numbers of entities by a filter, for those who look at how much work there is. By indexes, as of this moment.

Not for reports, which keep their numbers (reporting's metrics and saved filters).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from shared.eav.engine import Engine
from shared.eav.entity import View
from shared.eav.filters import parse
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

    def by_reference(
        self, ctx: Context, type: str, wanted: Filter, name: str, values: Collection[int]
    ) -> dict[int, int]:
        """How many that fit have each of these values of a reference, or options by their ids; what none has is left
        out. Two statements."""
        live = self._engine.catalog.type(type)
        require(ctx.actor, "objects", live.defn, "read")
        return self._engine.reads.counts(live.name, parse(wanted), name, values)
