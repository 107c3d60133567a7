"""What the system keeps of entities: values of read-only attributes, worked out elsewhere and written like others; and
entities that are the system's altogether.

Such a write is a version with history and an event. Rules are asked where a judge is given: then what follows from the
values is kept too, and what the rules refuse is passed over. Inside the caller's transaction: what
the values were worked out from and the values go together. Not for what callers send, which `writes` judges.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from shared.eav.attempts import NeedSlots, Publish
from shared.eav.catalog import Catalog, LiveType, StaleCatalog
from shared.eav.merging.plan import need_slots
from shared.eav.patience import tries
from shared.eav.slots import take
from shared.eav.store import archive as archiving
from shared.eav.store.state import Before, State, changes
from shared.eav.store.write import Pending, lock
from shared.eav.store.write import create as insert
from shared.eav.store.write import update as rewrite
from shared.eav.types import kind_of
from shared.eav.validation import Judge
from shared.kernel.context import Context
from shared.kernel.db import Connection, Database
from shared.kernel.errors import FieldError, Unavailable

T = TypeVar("T")
Refusals = dict[int, tuple[FieldError, ...]]
"""What rules had against it, by id of the entity."""


class Keeper:
    """Writes what is kept of entities of one database."""

    def __init__(self, database: Database, catalog: Catalog, publish: Publish, judge: Judge | None = None) -> None:
        self._database = database
        self._catalog = catalog
        self._publish = publish
        self._judge = judge

    def keep(
        self,
        connection: Connection,
        type_name: str,
        values: Mapping[int, Mapping[str, Any]],
        context: Context,
        refused: Refusals | None = None,
    ) -> int:
        """Give entities these canonical values by internal name (None clears); how many that changed. Entities that
        are not live are passed over, and a value that is as it was is no write. A constant number of statements.

        refused: takes what the rules refuse."""

        def once(live: LiveType) -> int:
            return self._once(connection, live, values, context, {} if refused is None else refused)

        return self._attempted(connection, type_name, values.values(), once)

    def make(
        self,
        connection: Connection,
        type_name: str,
        items: Sequence[Mapping[str, Any]],
        context: Context,
        instants: Sequence[datetime | None] | None = None,
    ) -> list[int]:
        """New entities of these canonical values, read-only ones too, and from when each counts; their ids in order.
        Nobody's rules are asked. A constant number of statements."""
        given = [{name: value for name, value in one.items() if value is not None} for one in items]

        def once(live: LiveType) -> list[int]:
            written = insert(connection, live, given, context, instants)
            self._publish(connection, live, written, context)
            return [one.state.id for one in written]

        return self._attempted(connection, type_name, given, once) if given else []

    def discard(self, connection: Connection, type_name: str, ids: Collection[int], context: Context) -> int:
        """Archive entities; how many were there."""

        def once(live: LiveType) -> int:
            gone = archiving.archive(connection, live, sorted(ids), context)
            self._publish(connection, live, gone, context)
            return len(gone)

        return self._attempted(connection, type_name, (), once) if ids else 0

    def _attempted(
        self,
        connection: Connection,
        type_name: str,
        values: Collection[Mapping[str, Any]],
        once: Callable[[LiveType], T],
    ) -> T:
        """Once more when the catalog moved on or a slot was missing; slots are taken beside the transaction."""
        for _ in tries():
            live = self._with_slots(type_name, values)
            try:
                with connection.transaction():
                    return once(live)
            except StaleCatalog:
                self._catalog.refresh()
            except NeedSlots as need:
                take(self._database, need.live or live, need.attributes)
                self._catalog.refresh()
        raise Unavailable("the catalog keeps changing: try again")

    def ready(self, type_name: str, names: Iterable[str]) -> None:
        """See to it that these attributes have their places: before a transaction that reads the type, and will write
        them."""
        self._with_slots(type_name, [dict.fromkeys(names, True)])

    def _once(
        self,
        connection: Connection,
        live: LiveType,
        values: Mapping[int, Mapping[str, Any]],
        context: Context,
        refused: Refusals,
    ) -> int:
        states = lock(connection, live, sorted(values), staying=True)
        found = ((one, self._judged(live, one, values[one.id], context, refused)) for one in states.values())
        asked = (Pending(one, kept, changes(live, one.values, kept)) for one, kept in found)
        pending = [one for one in asked if one.changed]
        if pending:
            self._publish(connection, live, rewrite(connection, live, pending, context), context)
        return len(pending)

    def _judged(
        self, live: LiveType, state: State, values: Mapping[str, Any], context: Context, refused: Refusals
    ) -> Mapping[str, Any]:
        """The values with what follows from them; nothing when rules refuse them."""
        if self._judge is None:
            return values
        completed, errors = self._judge.judged(live, Before(live, state), values, context)
        if errors:
            refused[state.id] = tuple(errors)
            return {}
        need_slots(live, completed)
        return completed

    def _with_slots(self, type_name: str, values: Collection[Mapping[str, Any]]) -> LiveType:
        """The type, once every attribute with a value has its place: taken beside the caller's transaction, which
        holds nothing of the type yet."""
        live = self._catalog.type(type_name)
        names = {name for one in values for name, value in one.items() if value is not None}
        wanted = [live.attributes[name] for name in sorted(names)]
        homeless = [one for one in wanted if one.column is None and kind_of(one).family is not None]
        if homeless:
            take(self._database, live, homeless)
            self._catalog.refresh()
            live = self._catalog.type(type_name)
        return live
