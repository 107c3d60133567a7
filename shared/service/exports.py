"""The corridor's way out for many: everything that fits, read from one snapshot for a file.

It asks the actor's permission like `entities`, whose pages are for all other reading.
"""

from __future__ import annotations

from threading import BoundedSemaphore

from shared.eav.catalog import LiveType
from shared.eav.engine import Engine
from shared.eav.extract import LINKS, Extract, Extraction, LinkedIds
from shared.kernel.context import Context
from shared.kernel.errors import RateLimited
from shared.service.links import permit_filter
from shared.service.permissions import require

MOST = 4
"""At the same time in one process: each keeps a connection and a snapshot for as long as its reader takes."""


class Exports:
    """Extracts of one service's entities."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._places = BoundedSemaphore(MOST)

    def extract(self, ctx: Context, type: str, extract: Extract) -> Extraction:
        """Everything that fits, to be closed. Raises Forbidden, Invalid, and RateLimited when MOST are running."""
        live = self._engine.catalog.type(type)
        others = {one.name: one for one in map(self._engine.catalog.type, extract.links)}
        for one in (live, *others.values()):
            require(ctx.actor, "objects", one.defn, "read")
        permit_filter(ctx, self._engine.catalog, live.name, extract.filter)
        links = [self._linked(live, one) for one in others.values()]
        if not self._places.acquire(blocking=False):
            raise RateLimited(f"{MOST} exports are running already; try again when one of them has ended", 5)
        try:
            found = self._engine.reads.stream(live.name, extract, links)
        except BaseException:
            self._places.release()
            raise
        found.afterwards(self._places.release)
        return found

    def _linked(self, live: LiveType, other: LiveType) -> LinkedIds:
        relation = self._engine.relations.plain(live.name, other.name).id
        return LinkedIds(f"{LINKS}{other.name}", other.defn.plural_label, relation, other.table)
