"""The corridor of links: every reading and writing of links, whichever door it came by, passes here.

A link belongs to both its ends: writing one needs the right to write both types, reading needs the right to read
both. Links that come with an entity's values go through `Entities`, which asks `permit_links`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from shared.eav.bulk.items import BulkItem
from shared.eav.catalog import Catalog
from shared.eav.engine import Engine
from shared.eav.links.asked import LinkChange, Linked, LinkItem, LinkOutcome, Unlink
from shared.eav.links.relations import RelationDef
from shared.eav.requests import Draft, ItemError, LinkTo, Update, Upsert
from shared.kernel.context import Context
from shared.service.permissions import Mode, require

__all__ = [
    "MAX_LINK_PAGE",
    "ItemError",
    "LinkChange",
    "LinkItem",
    "LinkOutcome",
    "LinkTo",
    "Linked",
    "Links",
    "RelationDef",
    "Unlink",
    "permit_links",
]

MAX_LINK_PAGE = 500
Outcome = LinkOutcome | ItemError
LinkPage = tuple[list[Linked], int | None]


class Links:
    """Links between entities of one service."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def _permit(self, ctx: Context, mode: Mode, *types: str) -> list[str]:
        lives = [self._engine.catalog.type(one) for one in types]
        for live in lives:
            require(ctx.actor, "objects", live.defn, mode)
        return [live.name for live in lives]

    def relations(self, ctx: Context, from_type: str, to_type: str) -> Sequence[RelationDef]:
        """All relations of this direction, the plain one first. Raises NotFound for unknown types, Invalid for types
        that cannot be linked."""
        start, end = self._permit(ctx, "read", from_type, to_type)
        return self._engine.relations.between(start, end)

    def put(
        self,
        ctx: Context,
        from_type: str,
        items: Sequence[LinkItem],
        *,
        partial: bool = False,
        exact: bool = False,
    ) -> list[Outcome]:
        """Make links; exact: labels of a pair that are not given are taken away. Raises NotFound or Invalid and writes
        nothing, unless `partial` (then refused are answers)."""
        (start, *_) = self._permit(ctx, "write", from_type, *{item.to.to_type for item in items})
        return self._engine.links.put(start, items, ctx, partial=partial, exact=exact)

    def remove(self, ctx: Context, from_type: str, items: Sequence[Unlink]) -> list[LinkChange]:
        """Undo links, or some of their labels; unknown ones are fine. What really changed."""
        (start, *_) = self._permit(ctx, "write", from_type, *{item.to_type for item in items})
        return self._engine.links.remove(start, items, ctx)

    def page(
        self, ctx: Context, from_type: str, from_id: int, to_type: str, *, limit: int = MAX_LINK_PAGE, after: int = 0
    ) -> LinkPage:
        """Links of one entity by the ids they lead to, and the id to go on from; raises NotFound without the entity."""
        start, end = self._permit(ctx, "read", from_type, to_type)
        return self._engine.links.page(start, from_id, end, limit, after)

    def pages(
        self,
        ctx: Context,
        from_type: str,
        ids: Sequence[int],
        to_type: str,
        *,
        limit: int = MAX_LINK_PAGE,
        afters: Mapping[int, int] | None = None,
    ) -> dict[int, LinkPage]:
        """The first page of each of these entities that is there, or the one behind its id in `afters`."""
        start, end = self._permit(ctx, "read", from_type, to_type)
        return self._engine.links.pages(start, ids, end, limit, afters)


def permit_links(ctx: Context, catalog: Catalog, items: Iterable[Draft | Update | Upsert | BulkItem]) -> None:
    """For links that come with values: raises Forbidden unless the actor may write every type that is linked to, and
    NotFound for types unknown here."""
    for name in {link.to_type for item in items for link in item.links}:
        require(ctx.actor, "objects", catalog.type(name).defn, "write")
