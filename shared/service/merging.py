"""The corridor of merging: permission asked, ids and rules handed on to the engine. Doors parse and present.

Merging is a write of the type, whatever links it moves: nothing is told of the other ends that their links do not tell.
"""

from __future__ import annotations

from collections.abc import Sequence

from shared.eav.engine import Engine
from shared.eav.entity import View
from shared.eav.merging.merging import Merged
from shared.eav.merging.rules import DEFAULT_RULES, NAMED_RULES, Gathering, MergeRules, Rule
from shared.eav.merging.store import Merge
from shared.eav.merging.unmerging import Unmerged
from shared.kernel.context import Context
from shared.service.permissions import Mode, require
from shared.service.presence import meant

__all__ = [
    "DEFAULT_RULES",
    "NAMED_RULES",
    "Gathering",
    "Merge",
    "MergeRules",
    "Merged",
    "Merging",
    "Rule",
    "Unmerged",
]


class Merging:
    """Merges of one service's entities."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def merge(
        self,
        ctx: Context,
        type: str,
        survivor: int,
        absorbed: Sequence[int],
        view: View,
        *,
        rules: MergeRules = DEFAULT_RULES,
        preview: bool = False,
    ) -> Merged:
        """Make one entity of several, or (`preview`) say what that would come to. Ids of what is one already are passed
        over. Raises Invalid for an id named twice or rules that mean nothing, NotFound naming all unknown ids."""
        name = self._permit(ctx, type)
        return self._engine.merges.merge(name, survivor, absorbed, ctx, view, rules=rules, preview=preview)

    def unmerge(self, ctx: Context, type: str, id: int, view: View, *, merge_id: int | None = None) -> Unmerged:
        """Undo the latest merge into an entity. Raises NotFound when there is none, Conflict when `merge_id` is not
        the latest."""
        return self._engine.unmerges.unmerge(self._permit(ctx, type), id, ctx, view, merge_id=merge_id)

    def listed(self, ctx: Context, type: str, id: int) -> list[Merge]:
        """All merges into an entity, the latest first, undone ones included. Raises NotFound."""
        name = self._permit(ctx, type, "read")
        return self._engine.merges.listed(name, meant(self._engine, self._engine.catalog.type(name), id))

    def _permit(self, ctx: Context, type: str, mode: Mode = "write") -> str:
        live = self._engine.catalog.type(type)
        require(ctx.actor, "objects", live.defn, mode)
        return live.name
