"""Links that items of a bulk call ask for: prepared with the plan, written once the new entities have ids."""

from __future__ import annotations

from collections.abc import Sequence

from shared.eav.batches import Refused
from shared.eav.bulk.plan import Entry, Plan, Prepared
from shared.eav.catalog import LiveType
from shared.eav.links.asked import LinkChange
from shared.eav.links.beside import dated_link
from shared.eav.links.links import Links
from shared.eav.links.preparing import Prepared as PreparedLinks
from shared.eav.requests import LinkTo
from shared.kernel.context import Context
from shared.kernel.db import Connection


class Linking:
    """The links of one call. Entities being created stand in with negative ids."""

    def __init__(self, links: Links, live: LiveType, context: Context) -> None:
        self._links, self._live, self._context = links, live, context
        self._prepared: PreparedLinks | None = None
        self._new: dict[int, Entry] = {}

    def prepare(self, connection: Connection, plan: Plan, every: Sequence[Prepared]) -> Refused:
        """Lock both ends and find out what the links come to; the errors of refused ones by place."""
        self._new = {}
        asked: list[tuple[int, int, LinkTo]] = []
        held: set[int] = set()
        for place, entry in plan.about.items():
            if every[place].item.links:
                ident = entry.id if entry.id is not None else -1 - min(entry.outcomes[0].place, place)
                if entry.id is None:
                    self._new[ident] = entry
                if entry.steps:
                    held.add(ident)
                item = every[place].item
                asked += [(place, ident, dated_link(to, item.effective_at)) for to in item.links]
        self._prepared = self._links.preparing.prepare(connection, self._live, asked, held=held) if asked else None
        return {} if self._prepared is None else self._prepared.errors

    def tell(self, plan: Plan) -> None:
        """An item that changes no value but makes a link has updated something."""
        if self._prepared is None:
            return
        for place, gained in self._prepared.plan.fresh.items():
            outcome = plan.outcomes[place]
            outcome.gained = frozenset(gained)
            if outcome.outcome == "unchanged":
                outcome.outcome = "updated"

    def write(self, connection: Connection, plan: Plan, every: Sequence[Prepared]) -> None:
        """Write what was prepared, now that new entities have ids, and tell the outcomes."""
        if self._prepared is None:
            return
        made = {ident: entry.id for ident, entry in self._new.items() if entry.id is not None}
        linked: dict[int, list[LinkChange]] = {}
        for one in self._links.apply(connection, self._prepared, self._context, made):
            if one.live:
                linked.setdefault(one.from_id, []).append(one)
        for place, entry in plan.about.items():
            if entry.id is not None and every[place].item.links:
                plan.outcomes[place].linked = tuple(linked.pop(entry.id, ()))
