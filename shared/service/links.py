"""The corridor of links: every reading and writing of links, whichever door it came by, passes here.

A link belongs to both its ends: writing one needs the right to write both types, reading needs the right to read
both. Links that come with an entity's values go through `Entities`, which asks `permit_links`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from shared.eav.bulk.items import BulkItem
from shared.eav.catalog import Catalog
from shared.eav.declare import TypeDef
from shared.eav.engine import Engine
from shared.eav.entity import View
from shared.eav.filters import Node
from shared.eav.links.asked import LinkChange, Linked, LinkItem, LinkOutcome, Unlink
from shared.eav.links.far import far_types
from shared.eav.links.neighbours import named_types
from shared.eav.links.relations import RelationDef
from shared.eav.requests import Draft, ItemError, LinkTo, Update, Upsert
from shared.kernel.context import Context
from shared.kernel.errors import ErrorList
from shared.service.known_types import type_of
from shared.service.label_events import Learning
from shared.service.mirrors.schema import Undone, undone
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
    "permit_filter",
    "permit_links",
    "permit_view",
]

MAX_LINK_PAGE = 500
MAX_UNDONE = 20
Outcome = LinkOutcome | ItemError
LinkPage = tuple[list[Linked], int | None]


class Links:
    """Links of one service's entities, among themselves and to those of others."""

    def __init__(self, engine: Engine, learning: Learning | None = None) -> None:
        self._engine = engine
        self._learning = learning or Learning(engine.relations, None)

    def _permit(self, ctx: Context, mode: Mode, *types: str) -> list[TypeDef]:
        """Both ends, of which the second may live in another service. Raises NotFound, Forbidden."""
        found = [type_of(self._engine.catalog, one) for one in types]
        for one in found:
            require(ctx.actor, "objects", one, mode)
        return found

    def type(self, ctx: Context, name: str, mode: Mode = "read") -> TypeDef:
        """A type that links may lead to, by any of its names. Raises NotFound, or Forbidden without the right to read
        (or write) its entities."""
        return self._permit(ctx, mode, name)[0]

    def relations(self, ctx: Context, from_type: str, to_type: str, mode: Mode = "read") -> Sequence[RelationDef]:
        """All relations of this direction, the plain one first, for whoever may read (or write) both types. Raises
        NotFound for unknown types, Invalid for types that cannot be linked."""
        start, end = self._permit(ctx, mode, from_type, to_type)
        return self._engine.relations.between(start.name, end.name)

    def known(self, ids: Collection[int]) -> dict[int, RelationDef]:
        """Relations by id, those made in another service a moment ago included; unknown ids are left out."""
        self._learning.learn(ids)
        found = ((one, self._engine.relations.get(one)) for one in ids)
        return {one: relation for one, relation in found if relation is not None}

    def named(
        self, ctx: Context, from_type: str, to_type: str, asked: Sequence[object], where: str = "relations"
    ) -> tuple[int, ...]:
        """The ids of relations of this direction asked for by id, name or label in any case, for a write.

        Raises Invalid naming those that there are, when one is none of them.
        """
        for again in (False, True):
            if again:
                self._learning.look()
            between = self.relations(ctx, from_type, to_type, "write")
            by_name = {spelled: one.id for one in reversed(between) for spelled in _spellings(one)}
            found = [by_name.get(str(one).strip().casefold()) for one in asked]
            if None not in found:
                break
        errors = ErrorList()
        shown = ", ".join(f"{one.id} ({one.label or one.name})" for one in between)
        for one, ident in zip(asked, found, strict=True):
            if ident is None:
                message = f'{where}: "{str(one)[:100]}" is no relation from {from_type} to {to_type}; those are {shown}'
                errors.add(where, "INVALID_ASSOCIATION", message)
        errors.raise_if_any()
        return tuple(dict.fromkeys(one for one in found if one is not None))

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
        (start, *ends) = self._permit(ctx, "write", from_type, *{item.to.to_type for item in items})
        _refuse_elsewhere(self._engine.catalog, ends)
        self._learning.learn({one for item in items for one in item.to.relations})
        return self._engine.links.put(start.name, items, ctx, partial=partial, exact=exact)

    def remove(self, ctx: Context, from_type: str, items: Sequence[Unlink]) -> list[LinkChange]:
        """Undo links, or some of their labels; unknown ones are fine. What really changed."""
        (start, *ends) = self._permit(ctx, "write", from_type, *{item.to_type for item in items})
        _refuse_elsewhere(self._engine.catalog, ends)
        self._learning.learn({one for item in items for one in item.relations or ()})
        return self._engine.links.remove(start.name, items, ctx)

    def page(
        self, ctx: Context, from_type: str, from_id: int, to_type: str, *, limit: int = MAX_LINK_PAGE, after: int = 0
    ) -> LinkPage:
        """Links of one entity by the ids they lead to, and the id to go on from; raises NotFound without the entity."""
        start, end = self._permit(ctx, "read", from_type, to_type)
        if not _lives_here(self._engine.catalog, end):
            return [], None
        return self._engine.links.page(start.name, from_id, end.name, limit, after)

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
        if not _lives_here(self._engine.catalog, end):
            return {}
        return self._engine.links.pages(start.name, ids, end.name, limit, afters)

    def shown(self, ctx: Context, to_type: str, ids: Sequence[int]) -> dict[int, dict[str, Any] | None]:
        """Display values of linked entities by internal name; None for an id that its home has not told of yet."""
        return self._engine.links.shown(self.type(ctx, to_type).name, ids)

    def undone(self, ctx: Context, from_type: str, from_id: int, to_type: str) -> Sequence[Undone]:
        """The latest links of an entity that were undone, because the other end's home knows of no such entity."""
        relations = self.relations(ctx, from_type, to_type)
        if not relations[0].to_mirror:
            return ()
        with self._engine.database.connect() as connection:
            return undone(connection, from_id, [one.id for one in relations], MAX_UNDONE)


def permit_filter(ctx: Context, catalog: Catalog, type: str, node: Node | None) -> None:
    """Raises Forbidden unless the actor may read every type whose entities, or their values, a filter asks for."""
    for name in named_types(catalog, catalog.type(type), node):
        require(ctx.actor, "objects", catalog.linkable(name).defn, "read")


def permit_view(ctx: Context, catalog: Catalog, type: str, view: View) -> None:
    """Raises Forbidden unless the actor may read every type whose values a view shows beside the entity's own."""
    for live in far_types(catalog, catalog.type(type), view):
        require(ctx.actor, "objects", live.defn, "read")


def _spellings(one: RelationDef) -> set[str]:
    return {text.casefold() for text in (str(one.id), one.name, one.label or "") if text}


def permit_links(ctx: Context, catalog: Catalog, items: Iterable[Draft | Update | Upsert | BulkItem]) -> None:
    """For links that come with values: raises Forbidden unless the actor may write every type that is linked to, and
    NotFound for types unknown here."""
    ends = [type_of(catalog, name) for name in sorted({link.to_type for item in items for link in item.links})]
    for one in ends:
        require(ctx.actor, "objects", one, "write")
    _refuse_elsewhere(catalog, ends)


def _lives_here(catalog: Catalog, defn: TypeDef) -> bool:
    return any(live.name == defn.name for live in (*catalog.known(), *catalog.mirrors()))


def _refuse_elsewhere(catalog: Catalog, types: Iterable[TypeDef]) -> None:
    """Raises Invalid for types of another service that this one has no mirror of."""
    errors = ErrorList()
    for one in types:
        if not _lives_here(catalog, one):
            message = f"{one.plural} live in another service that this one does not follow: they cannot be linked to"
            errors.add("toObjectType", "NOT_AVAILABLE", message)
    errors.raise_if_any()
