"""The link store of an engine: links are made, undone and read, alone or inside a caller's transaction.

Links may lead to mirrors of another service's entities; what that service says of them is `receiving`'s. Not for
permissions, which the corridor asks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from shared.eav.absorbed import heirs
from shared.eav.attempts import Attempts
from shared.eav.catalog import Catalog, LiveType, StaleCatalog
from shared.eav.links import across, reading, store
from shared.eav.links.asked import LinkChange, LinkItem, LinkOutcome, LinkTo, Unlink
from shared.eav.links.clock import Clock
from shared.eav.links.holding import hold
from shared.eav.links.plan import Row, named
from shared.eav.links.preparing import Prepared, Preparing, meanings
from shared.eav.links.relations import RelationDef, Relations
from shared.eav.patience import tries
from shared.eav.requests import Draft, ItemError, Update, Upsert
from shared.eav.store.rows import naive
from shared.kernel.clock import now
from shared.kernel.context import Context
from shared.kernel.db import Connection, Database
from shared.kernel.errors import CrmError, NotFound, Unavailable

PublishLinks = Callable[[Connection, Sequence[LinkChange], Context], None]
MAX_PAGE = 500


def publish_no_links(connection: Connection, changes: Sequence[LinkChange], context: Context) -> None:
    """For an engine on its own: nobody listens."""


class Links:
    """Links of one database."""

    def __init__(
        self,
        database: Database,
        catalog: Catalog,
        relations: Relations,
        attempts: Attempts,
        publish: PublishLinks = publish_no_links,
    ) -> None:
        self.relations = relations
        self._database = database
        self._catalog = catalog
        self._attempts = attempts
        self._publish = publish
        self.preparing = Preparing(catalog, relations)
        self._clock = Clock()

    def ready(self, items: Sequence[Draft | Update | Upsert] = ()) -> None:
        """Look at the relations before a connection is held, where items will need them."""
        if any(item.links for item in items):
            self.relations.ready()

    def put(
        self,
        from_type: str,
        items: Sequence[LinkItem],
        context: Context,
        *,
        partial: bool = False,
        exact: bool = False,
    ) -> list[LinkOutcome | ItemError]:
        """Make links, in a transaction of their own. exact: labels of a pair that are not asked for are taken away.

        Raises NotFound, Invalid (nothing written) unless `partial`: then refused items are answers.
        """

        def once(live: LiveType, refused: dict[int, CrmError]) -> list[LinkOutcome | ItemError]:
            self.relations.ready()
            with self._attempts.transaction(live) as connection:
                asked = [(place, item.from_id, item.to) for place, item in enumerate(items)]
                prepared = self.preparing.prepare(connection, live, asked, exact=exact)
                if not partial:
                    prepared.settle()
                self.apply(connection, prepared, context)
            return self._outcomes(prepared, len(items))

        return self._attempts.run(from_type, partial, (), once)

    def write(
        self,
        connection: Connection,
        from_live: LiveType,
        pairs: Sequence[tuple[int, LinkTo]],
        context: Context,
    ) -> list[LinkChange]:
        """Make links inside a caller's transaction; what changed. Raises NotFound, Invalid: roll back then."""
        prepared = self.preparing.prepare(
            connection, from_live, [(n, ident, to) for n, (ident, to) in enumerate(pairs)]
        )
        prepared.settle()
        return self.apply(connection, prepared, context)

    def apply(
        self, connection: Connection, prepared: Prepared, context: Context, made: Mapping[int, int] | None = None
    ) -> list[LinkChange]:
        """Write what was prepared and publish it. made: the ids that negative ones stand for."""
        ids = made or {}
        found = list(prepared.plan.changes())
        if not found:
            return []
        clock = self._clock.tick(max(prepared.seen, *(one.clock for one in found)))
        changes = [
            LinkChange(
                one.relation.id, one.relation.inverse, one.relation.from_type, ids.get(one.from_id, one.from_id),
                one.relation.to_type, ids.get(one.to_id, one.to_id), one.live, clock, one.since,
            )
            for one in found
        ]  # fmt: skip
        self._write(connection, changes, context, clock)
        self._remember(connection, prepared, changes, clock)
        return changes

    def _remember(self, connection: Connection, prepared: Prepared, changes: Sequence[LinkChange], clock: int) -> None:
        """What another service's word on the same links will be measured by."""
        defs = ((one, self.relations.get(one.relation)) for one in changes)
        known = [(one, defn) for one, defn in defs if defn is not None and defn.across]
        undone = [(named(defn, one.from_id, one.to_id), clock, None) for one, defn in known if not one.live]
        across.bury(connection, undone)
        labelled = [(one, defn) for one, defn in known if one.live and not defn.plain]
        plains = [(self.relations.plain(one.from_type, one.to_type), one) for one, _ in labelled]
        again = {
            (defn, one.from_id, one.to_id) for defn, one in plains if prepared.plan.had(defn, one.from_id, one.to_id)
        }
        across.touch(connection, again, clock)

    def _write(self, connection: Connection, changes: Sequence[LinkChange], context: Context, clock: int) -> None:
        made: dict[Row, datetime] = {}
        gone: set[Row] = set()
        at = naive(context.effective_at or now())
        for one in changes:
            both = ((one.relation, one.from_id, one.to_id), (one.inverse, one.to_id, one.from_id))
            if one.live:
                made |= dict.fromkeys(both, at if one.since is None else naive(one.since))
            else:
                gone.update(both)
        store.write(connection, made, sorted(gone), clock)
        told = [one for one in changes if one.live]
        ends = {(one.from_type, one.from_id) for one in told} | {(one.to_type, one.to_id) for one in told}
        across.found_by_words(connection, [(self._catalog.linkable(name), ident) for name, ident in ends])
        self._publish(connection, changes, context)

    def remove(self, from_type: str, items: Sequence[Unlink], context: Context) -> list[LinkChange]:
        """Undo links; those that are not there are fine. Archived ends do not keep them. What changed."""

        def once(live: LiveType, refused: dict[int, CrmError]) -> list[LinkChange]:
            self.relations.ready()
            with self._attempts.transaction(live) as connection:
                return self.unlink(connection, live, items, context)

        return self._attempts.run(from_type, False, (), once)

    def unlink(
        self, connection: Connection, from_live: LiveType, items: Sequence[Unlink], context: Context
    ) -> list[LinkChange]:
        """Like `remove`, inside a caller's transaction."""
        kinds = {one: self._catalog.linkable(one) for one in {item.to_type for item in items}}
        lives = {live.name: live for live in kinds.values()} | {from_live.name: from_live}
        ends = [((from_live.name, one.from_id), (kinds[one.to_type].name, one.to_id)) for one in items]
        meant = meanings(connection, lives, hold(connection, lives, self.relations, ends))
        if meant:
            pairs = [(meant.get(start, start[1]), meant.get(end, end[1])) for start, end in ends]
            items = [replace(one, from_id=a, to_id=b) for one, (a, b) in zip(items, pairs, strict=True)]
            return self.unlink(connection, from_live, items, context)
        told: dict[Row, tuple[RelationDef, int, int]] = {}
        for one in items:
            for relation in self.preparing.undone(from_live.name, kinds[one.to_type].name, one.relations):
                told.setdefault(named(relation, one.from_id, one.to_id), (relation, one.from_id, one.to_id))
        changes = self._gone(connection, told)
        if changes:
            self._publish(connection, changes, context)
        return changes

    def _gone(self, connection: Connection, told: Mapping[Row, tuple[RelationDef, int, int]]) -> list[LinkChange]:
        """Remove links, told by their names in the direction they were asked in; those that were there."""
        rows: set[Row] = set()
        for relation, start, end in told.values():
            if 0 < start <= store.MAX_ID and 0 < end <= store.MAX_ID:
                rows |= {(relation.id, start, end), (relation.inverse, end, start)}
        gone = store.remove(connection, sorted(rows))
        clock = self._clock.tick(max(gone.values(), default=0))
        across.bury(
            connection, [(name, clock, None) for name, (one, *_) in told.items() if name in gone and one.across]
        )
        return [
            LinkChange(one.id, one.inverse, one.from_type, start, one.to_type, end, False, clock)
            for name, (one, start, end) in told.items()
            if name in gone
        ]

    def page(self, from_type: str, from_id: int, to_type: str, limit: int = MAX_PAGE, after: int = 0) -> reading.Page:
        """Links of one entity in the order of ids behind `after`, and the id to go on from. NotFound without it."""
        found = self.pages(from_type, [from_id], to_type, limit, {from_id: after})
        if from_id not in found:
            raise NotFound(self._catalog.type(from_type).name, [str(from_id)])
        return found[from_id]

    def pages(
        self,
        from_type: str,
        ids: Sequence[int],
        to_type: str,
        limit: int = MAX_PAGE,
        afters: Mapping[int, int] | None = None,
    ) -> dict[int, reading.Page]:
        """A page of links for each of these entities that is there, each behind its own `afters`; one statement."""
        behind = {one: min(max((afters or {}).get(one, 0), 0), store.MAX_ID) for one in ids if 0 < one <= store.MAX_ID}
        for _ in tries():
            from_live, to_live = self._catalog.type(from_type), self._catalog.linkable(to_type)
            relations = self.relations.between(from_live.name, to_live.name)
            try:
                with self._database.connect() as connection:
                    found = reading.pages(connection, from_live, to_live, relations, behind, limit)
                    meant = heirs(connection, from_live, behind.keys() - found.keys())
                    if meant:
                        theirs = {meant[one]: behind[one] for one in meant}
                        more = reading.pages(connection, from_live, to_live, relations, theirs, limit)
                        found |= {asked: more[one] for asked, one in meant.items() if one in more}
                    return found
            except StaleCatalog:
                self._catalog.refresh()
        raise Unavailable("the catalog keeps changing: try again")

    def shown(
        self, to_type: str, ids: Sequence[int], names: Sequence[str] | None = None
    ) -> dict[int, dict[str, Any] | None]:
        """What is shown of linked entities, see `reading.shown`."""
        for _ in tries():
            live = self._catalog.linkable(to_type)
            try:
                with self._database.connect() as connection:
                    return reading.shown(connection, live, ids, names)
            except StaleCatalog:
                self._catalog.refresh()
        raise Unavailable("the catalog keeps changing: try again")

    def _outcomes(self, prepared: Prepared, count: int) -> list[LinkOutcome | ItemError]:
        by_place: dict[int, LinkOutcome | ItemError] = {
            place: ItemError(place, error) for place, error in prepared.errors.items()
        }
        plan = prepared.plan
        for one in prepared.wants:
            between = self.relations.between(one.from_type, one.to_type)
            now_has = tuple(defn.id for defn in between if plan.has(defn, one.from_id, one.to_id))
            new = not plan.had(between[0], one.from_id, one.to_id)
            by_place[one.place] = LinkOutcome(one.from_id, one.to_id, now_has, new)
        return [by_place[place] for place in range(count)]
