"""THE corridor: every read and write of entities, whichever door it came by, passes here.

It asks the actor's permission and hands on to the engine, which validates, applies the service's rules, writes and
publishes in one transaction. Doors parse and present; nobody else calls the engine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial as partial_of
from types import MappingProxyType
from typing import Any

from shared.eav.bulk.items import BulkItem, BulkOutcome
from shared.eav.bulk.writes import Also
from shared.eav.catalog import LiveType
from shared.eav.engine import Engine
from shared.eav.entity import Entity, HistoryEntry, Page, View
from shared.eav.requests import Draft, ItemError, Query, Ref, Sort, Update, Upsert
from shared.kernel.clock import now
from shared.kernel.context import Context
from shared.kernel.errors import FieldError
from shared.service.copying import NOTHING_COPIED, Copies, Item, copied
from shared.service.foreign import Foreign
from shared.service.links import LinkTo, permit_filter, permit_links, permit_view
from shared.service.matching.duplicates import Duplicates
from shared.service.permissions import EFFECTIVE_WRITE, Mode, require, require_scope
from shared.service.pipelines.agreement import declared_for, homeless
from shared.service.pipelines.declare import Pipelined
from shared.service.pipelines.steering import judged, steered
from shared.service.placing import Trees, misplaced_items
from shared.service.references import unknown_references
from shared.service.rules import NO_RULES, Rules

__all__ = [
    "BulkItem",
    "BulkOutcome",
    "Draft",
    "Entities",
    "Entity",
    "HistoryEntry",
    "ItemError",
    "LinkTo",
    "Page",
    "Query",
    "Ref",
    "Sort",
    "Update",
    "Upsert",
    "View",
]

Outcome = Entity | ItemError
Known = dict[int, list[FieldError]]
"""What is wrong with items before they are judged, by place."""


class DomainJudge:
    """The rules of a service's types, as the engine asks for them; pipelines have the first and the last word."""

    def __init__(self, rules: Mapping[str, Rules], pipelines: Mapping[str, Pipelined] = MappingProxyType({})) -> None:
        self._rules = rules
        self._pipelines = pipelines

    def normalised(self, type_name: str, name: str, raw: object) -> object:
        """One raw value as it would be stored."""
        rules = self._rules.get(type_name)
        return raw if rules is None else rules.normalised(name, raw)

    def judged(
        self, live: LiveType, old: Mapping[str, Any] | None, new: Mapping[str, Any], context: Context
    ) -> tuple[Mapping[str, Any], Sequence[FieldError]]:
        """All values to write, completed, and what is wrong with them."""
        rules = self._rules.get(live.name, NO_RULES)
        pipelined = declared_for(self._pipelines, live)
        if pipelined is None:
            return judged(rules, live, old, new, context, now())
        return steered(pipelined, rules, live, old, new, context, now())

    def returning(self, live: LiveType, old: Mapping[str, Any], context: Context) -> Sequence[FieldError]:
        """What keeps an archived entity from coming back as it was."""
        pipelined = declared_for(self._pipelines, live)
        return () if pipelined is None else homeless(pipelined, live, old, context)


class Entities:
    """Entities of one service."""

    def __init__(
        self,
        engine: Engine,
        foreign: Foreign,
        duplicates: Duplicates,
        copies: Copies = NOTHING_COPIED,
        trees: Trees = MappingProxyType({}),
    ) -> None:
        self._engine = engine
        self._foreign = foreign
        self._duplicates = duplicates
        self._copies = copies
        self._trees = trees

    def _permit(self, ctx: Context, type: str, mode: Mode) -> str:
        live = self._engine.catalog.type(type)
        require(ctx.actor, "objects", live.defn, mode)
        return live.name

    def _prepared(self, name: str, items: Sequence[Item], *, creating: bool = False) -> tuple[Sequence[Item], Known]:
        """The items with what they copy, and what is wrong with entities that they refer to, by place."""
        live = self._engine.catalog.type(name)
        if any(live.find(one) is None for one in {one for item in items for one in item.values}):
            self._engine.catalog.refresh()  # made elsewhere a moment ago, it may refer to somebody
            live = self._engine.catalog.type(name)
        filled, errors = copied(self._engine, self._copies, live, items, creating=creating)
        unknown: Known = unknown_references(self._foreign, live, items)
        for place, wrong in errors.items():
            unknown.setdefault(place, []).extend(wrong)
        return filled, unknown

    def create(
        self, ctx: Context, type: str, drafts: Sequence[Draft], view: View, *, partial: bool = False
    ) -> list[Outcome]:
        """Create; raises InvalidValues or Conflict and writes nothing, unless `partial` (then refused are answers).

        New entities carry warnings of possible duplicates.
        """
        name = self._permit(ctx, type, "write")
        _permit_effective(ctx, drafts)
        permit_links(ctx, self._engine.catalog, drafts)
        drafts, known = self._prepared(name, drafts, creating=True)
        create = partial_of(self._engine.writes.create, name, drafts, ctx, view, partial=partial, known=known)
        return self._duplicates.warning(ctx, name, create)

    def update(
        self, ctx: Context, type: str, updates: Sequence[Update], view: View, *, partial: bool = False
    ) -> list[Outcome]:
        """Change; unknown ids are ItemErrors in a batch, NotFound for a single one."""
        name = self._permit(ctx, type, "write")
        _permit_effective(ctx, updates)
        permit_links(ctx, self._engine.catalog, updates)
        _, known = self._prepared(name, updates)
        return self._engine.writes.update(name, updates, ctx, view, partial=partial, known=known)

    def upsert(
        self, ctx: Context, type: str, upserts: Sequence[Upsert], view: View, *, partial: bool = False
    ) -> list[Outcome]:
        """Update what is found by a unique attribute, create the rest; `Entity.new` tells which."""
        name = self._permit(ctx, type, "write")
        _permit_effective(ctx, upserts)
        permit_links(ctx, self._engine.catalog, upserts)
        upserts, known = self._prepared(name, upserts)
        upsert = partial_of(self._engine.writes.upsert, name, upserts, ctx, view, partial=partial, known=known)
        return self._duplicates.warning(ctx, name, upsert)

    def bulk(
        self,
        ctx: Context,
        type: str,
        items: Sequence[BulkItem],
        *,
        view_changes: bool = False,
        dry: bool = False,
        also: Also | None = None,
    ) -> list[BulkOutcome]:
        """Write up to 100,000 entities in one transaction, see `shared.eav.bulk`; refused items are outcomes."""
        name = self._permit(ctx, type, "write")
        _permit_effective(ctx, items)
        permit_links(ctx, self._engine.catalog, items)
        items, known = self._prepared(name, items)
        for place, wrong in misplaced_items(self._engine, self._trees, self._engine.catalog.type(name), items).items():
            known.setdefault(place, []).extend(wrong)
        if known:
            items = [
                replace(one, errors=(*one.errors, *known[place])) if place in known else one
                for place, one in enumerate(items)
            ]
        return self._engine.bulk.write(name, items, ctx, view_changes=view_changes, dry=dry, also=also)

    def archive(self, ctx: Context, type: str, refs: Sequence[Ref]) -> None:
        """Archive; unknown ones are fine."""
        self._engine.writes.archive(self._permit(ctx, type, "write"), refs, ctx)

    def restore(self, ctx: Context, type: str, id: int, *, view: View, without_taken: bool = False) -> Entity:
        """Bring back; Conflict when a unique value was taken meanwhile, unless `without_taken`. Invalid where it would
        stand in a stage or pipeline that was put away."""
        name = self._permit(ctx, type, "write")
        judge = self._engine.judge
        judged = judge.returning if isinstance(judge, DomainJudge) else None
        return self._engine.writes.restore(name, id, ctx, view, without_taken=without_taken, judged=judged)

    def read(
        self, ctx: Context, type: str, refs: Sequence[Ref], view: View, *, archived: bool = False
    ) -> list[Entity | None]:
        """Entities in the order of the references, None where there is none."""
        name = self._permit(ctx, type, "read")
        permit_view(ctx, self._engine.catalog, name, view)
        return self._engine.reads.read(name, refs, view, archived=archived)

    def list(
        self, ctx: Context, type: str, view: View, *, limit: int, after: int | None = None, archived: bool = False
    ) -> tuple[list[Entity], int | None]:
        """A page in id order and the id to go on from."""
        name = self._permit(ctx, type, "read")
        permit_view(ctx, self._engine.catalog, name, view)
        return self._engine.reads.list(name, view, limit=limit, after=after, archived=archived)

    def query(self, ctx: Context, type: str, query: Query, view: View) -> Page:
        """One page of a search."""
        name = self._permit(ctx, type, "read")
        permit_filter(ctx, self._engine.catalog, name, query.filter)
        permit_view(ctx, self._engine.catalog, name, view)
        return self._engine.reads.query(name, query, view)


def _permit_effective(ctx: Context, items: Sequence[Draft | Update | Upsert | BulkItem]) -> None:
    """Writing into the past is a right of its own."""
    if ctx.effective_at is not None or any(item.effective_at is not None for item in items):
        require_scope(ctx.actor, EFFECTIVE_WRITE)
