"""Creating and changing entities in the caller's transaction, judged like any other write.

For use cases over several types that go through whole or not at all, and for consumers, whose effects and watermark
move together. Not for requests about one type, which `writes` serves in fewer statements, nor for values that the
system keeps (`keeping`). What is refused undoes this call only: the caller's transaction goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from shared.eav.attempts import NeedSlots, Publish, Taken, unique_clashes
from shared.eav.batches import Batch
from shared.eav.catalog import Catalog, LiveType, StaleCatalog
from shared.eav.patience import tries
from shared.eav.slots import take
from shared.eav.store.state import State
from shared.eav.store.write import create as insert
from shared.eav.store.write import lock
from shared.eav.store.write import update as rewrite
from shared.eav.validation import Judge
from shared.kernel.context import Context
from shared.kernel.db import Connection, Database
from shared.kernel.errors import Invalid, NotFound, Unavailable

T = TypeVar("T")
Given = Mapping[str, object]


class Within:
    """Writes of entities of one database, inside transactions of others."""

    def __init__(self, database: Database, catalog: Catalog, publish: Publish, judge: Judge) -> None:
        self._database = database
        self._catalog = catalog
        self._publish = publish
        self._judge = judge

    def create(self, connection: Connection, type_name: str, drafts: Sequence[Given], context: Context) -> list[State]:
        """New entities, in order. Raises InvalidValues or Conflict with everything that is wrong."""

        def once(live: LiveType) -> list[State]:
            batch = Batch(live, {}, False, {}, len(drafts))
            for place, given in enumerate(drafts):
                batch.draft(self._judge, place, given, context)
            batch.settle()
            batch.need_slots()
            with Taken.watching(live, batch.inserts, {}):
                written = insert(connection, live, list(batch.inserts.values()), context)
            self._publish(connection, live, written, context)
            return [one.state for one in written]

        return self._attempted(connection, type_name, drafts, once) if drafts else []

    def update(
        self, connection: Connection, type_name: str, values: Mapping[int, Given], context: Context
    ) -> dict[int, State]:
        """Entities as they are then, locked until the transaction ends; those that change nothing cost no write.
        Raises InvalidValues or Conflict with everything that is wrong, NotFound naming all unknown ids."""
        ids = sorted(values)

        def once(live: LiveType) -> dict[int, State]:
            states = lock(connection, live, ids, staying=True)
            if len(states) < len(ids):
                raise NotFound(live.name, [str(one) for one in ids if one not in states])
            batch = Batch(live, {}, False, {}, len(ids))
            for place, ident in enumerate(ids):
                batch.change(self._judge, place, states[ident], values[ident], context)
            batch.settle()
            batch.need_slots()
            with Taken.watching(live, {}, batch.updates):
                written = rewrite(connection, live, list(batch.updates.values()), context)
            news = [one for one in written if one.changed]
            if news:
                self._publish(connection, live, news, context)
            return {one.state.id: one.state for one in written}

        return self._attempted(connection, type_name, values.values(), once) if ids else {}

    def _attempted(
        self, connection: Connection, type_name: str, given: Iterable[Given], once: Callable[[LiveType], T]
    ) -> T:
        """Once more when the catalog moved on or a slot was missing; slots are taken beside the transaction."""
        live = self._catalog.type(type_name)
        if any(live.find(name) is None for one in given for name in one):
            self._catalog.refresh()
        for _ in tries():
            live = self._catalog.type(type_name)
            try:
                with connection.transaction():
                    return once(live)
            except StaleCatalog:
                self._catalog.refresh()
            except NeedSlots as need:
                take(self._database, need.live or live, need.attributes)
                self._catalog.refresh()
            except Taken as taken:
                self._clash(connection, live, taken)
            except Invalid:
                self._catalog.refresh()
                if self._catalog.type(type_name).version == live.version:
                    raise
        raise Unavailable("the catalog keeps changing: try again")

    def _clash(self, connection: Connection, live: LiveType, taken: Taken) -> None:
        """Raise Conflict for a unique value somebody has, unless it was given up since."""
        clashes: Mapping[Any, Any] = unique_clashes(connection, taken.keys)
        for key, clash in clashes.items():
            if key not in taken.released:
                raise clash.as_conflict(live)
