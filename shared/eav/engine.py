"""The engine: everything one does with entities of one database, put together once per process.

What is published with every write, and what else must hold, is handed in, so that the engine knows no broker and no
domain. Not for permissions: whoever opens a door on it asks them first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from shared.eav.attempts import Attempts, Publish
from shared.eav.batches import KeptOut, nothing_kept_out
from shared.eav.bulk.writes import Bulk
from shared.eav.catalog import Catalog, LiveType
from shared.eav.erasing import Erasing
from shared.eav.install import ensure_partitions
from shared.eav.links.links import Links, PublishLinks, publish_no_links
from shared.eav.links.relations import RelationDef, Relations
from shared.eav.merging.linked import LinkMoves
from shared.eav.merging.merging import Merges
from shared.eav.merging.rules import Gathering
from shared.eav.merging.unmerging import Unmerges
from shared.eav.query.page import Walk
from shared.eav.reads import Reads
from shared.eav.store.state import Written
from shared.eav.validation import Judge, NoJudge
from shared.eav.writes import Writes
from shared.kernel.context import Context
from shared.kernel.db import Connection, Database


def publish_nothing(connection: Connection, live: LiveType, written: Sequence[Written], context: Context) -> None:
    """For an engine on its own: nobody listens."""


class Engine:
    """Catalog, reads and writes over one database."""

    def __init__(
        self,
        database: Database,
        *,
        judge: Judge | None = None,
        publish: Publish = publish_nothing,
        walk: Walk | None = None,
        partitions: Callable[[Database], None] = ensure_partitions,
        relations: Sequence[RelationDef] = (),
        elsewhere: Mapping[str, str] = MappingProxyType({}),
        publish_links: PublishLinks = publish_no_links,
        gatherings: Mapping[str, Gathering] | None = None,
        kept_out: KeptOut = nothing_kept_out,
    ) -> None:
        self.judge = judge = judge or NoJudge()
        self.publish = publish
        self.database = database
        self.catalog = Catalog(database)
        self.relations = Relations(relations, database, self.catalog, elsewhere)
        self.reads = Reads(database, self.catalog, judge, self.relations, walk)
        attempts = Attempts(database, self.catalog, lambda: partitions(database))
        self.links = Links(database, self.catalog, self.relations, attempts, publish_links)
        further = {name: one.further for name, one in (gatherings or {}).items() if one.further}
        self.writes = Writes(attempts, judge, publish, self.links, kept_out, further)
        moves = LinkMoves(self.relations)
        self.merges = Merges(attempts, judge, publish, moves, gatherings or {})
        self.unmerges = Unmerges(attempts, publish, moves, gatherings or {})
        self.erasing = Erasing(attempts, self.catalog, judge, publish, self.relations)
        self.bulk = Bulk(database, attempts, judge, publish, self.links, kept_out, further)
