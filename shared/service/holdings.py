"""The corridor for those who keep a copy of a service's entities, or check one: the right to read the feed suffices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shared.eav.engine import Engine
from shared.eav.holdings import Held, HeldLink, HeldVersion, LinkSum, RangeSum
from shared.kernel.context import Context
from shared.service.catalog_news import Metrics, type_detail
from shared.service.permissions import FEED_READ, require_scope


class Holdings:
    """What one service holds."""

    def __init__(self, engine: Engine, metrics: Metrics) -> None:
        self._engine = engine
        self._metrics = metrics

    def catalog(self, ctx: Context) -> list[dict[str, Any]]:
        """All types with their attributes, archived ones included, as catalog events tell them."""
        require_scope(ctx.actor, FEED_READ)
        self._engine.catalog.refresh()
        return [type_detail(one, self._metrics.get(one.name, ())) for one in self._engine.catalog.types()]

    def entities(self, ctx: Context, type: str, *, after: int, limit: int) -> Sequence[Held]:
        """A page of entities at their versions, in id order, archived ones among them."""
        require_scope(ctx.actor, FEED_READ)
        return self._engine.reads.holdings(type, after=after, limit=limit)

    def versions(self, ctx: Context, type: str, held: Sequence[Held]) -> Mapping[int, Sequence[HeldVersion]]:
        """What became of the entities of a page, by id, oldest version first."""
        require_scope(ctx.actor, FEED_READ)
        return self._engine.reads.versions(type, held)

    def links(self, ctx: Context, *, after: tuple[int, int, int], limit: int) -> Sequence[HeldLink]:
        """A page of links, each in both directions: (relation, from, to, clock, origin), in that order."""
        require_scope(ctx.actor, FEED_READ)
        return self._engine.reads.links(after=after, limit=limit)

    def link_sums(self, ctx: Context, *, after: tuple[int, int], span: int, limit: int) -> Sequence[LinkSum]:
        """Sums of links by relation and ranges of ids that they lead away from."""
        require_scope(ctx.actor, FEED_READ)
        return self._engine.reads.link_sums(after=after, span=span, limit=limit)

    def damaged(self, ctx: Context, type: str, *, after: int, limit: int) -> tuple[list[Held], Sequence[Held]]:
        """Entities of a page whose checksum is not that of their values, and the page."""
        found = self.entities(ctx, type, after=after, limit=limit)
        return [one for one in found if not one.sound], found

    def sums(self, ctx: Context, type: str, *, after: int, span: int, ranges: int) -> Sequence[RangeSum]:
        """Sums of checksums by ranges of ids."""
        require_scope(ctx.actor, FEED_READ)
        return self._engine.reads.range_sums(type, after=after, span=span, ranges=ranges)

    def last_id(self, ctx: Context, type: str) -> int:
        """The greatest id of a type, archived entities included; 0 when there is none."""
        require_scope(ctx.actor, FEED_READ)
        return self._engine.reads.last_id(type)
