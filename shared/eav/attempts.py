"""Trying a write again when the world moved on under it, and telling conflicts over unique values apart."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg

from shared.eav.catalog import Catalog, LiveType, StaleCatalog
from shared.eav.declare import AttributeDef
from shared.eav.patience import tries
from shared.eav.slots import take
from shared.eav.store.keys import owners
from shared.eav.store.state import Written
from shared.eav.store.write import Pending
from shared.eav.types import kind_of
from shared.kernel.context import Context
from shared.kernel.db import Connection, Database
from shared.kernel.errors import Conflict, CrmError, Unavailable
from shared.kernel.partitions import is_missing_partition

T = TypeVar("T")
Key = tuple[int, str]
Publish = Callable[[Connection, LiveType, Sequence[Written], Context], None]
"""Tells what was written, inside the transaction of the write."""


class NeedSlots(Exception):
    """Attributes about to get their first value have no slot yet.

    live: their type, where a step of the write found it out about another type than the one that is written.
    """

    def __init__(self, attributes: Collection[AttributeDef], live: LiveType | None = None) -> None:
        super().__init__(", ".join(one.name for one in attributes))
        self.attributes = list(attributes)
        self.live = live


class Overtaken(Exception):
    """What was just looked up is no longer so: another write came between. The attempt begins again."""


@dataclass(frozen=True, slots=True)
class Clash:
    """A unique value that somebody has."""

    attribute_id: int
    owner: int

    def as_conflict(self, live: LiveType) -> Conflict:
        """The error the caller is shown."""
        message = f"{live.defn.label} already exists. Existing ID: {self.owner}"
        name = live.by_id[self.attribute_id].name
        return Conflict(message, existing_id=self.owner, attribute=name)


class Taken(Exception):
    """The database refused a unique value.

    keys: every (attribute id, key) that was to be stored, and its place in the batch. released: keys that the batch
    itself gives up (an alias is not: it stays), so that their owners are in nobody's way. sought: keys that upserts
    were looked up by in vain; who has one now is who they will find.
    """

    def __init__(self, keys: Mapping[Key, int], released: Set[Key], sought: Set[Key]) -> None:
        super().__init__("a unique value is taken")
        self.keys = keys
        self.released = released
        self.sought = sought

    @staticmethod
    @contextmanager
    def watching(
        live: LiveType,
        inserts: Mapping[int, Mapping[str, Any]],
        updates: Mapping[int, Pending],
        sought: Set[Key] = frozenset(),
    ) -> Iterator[None]:
        """Turn a unique violation inside the block into Taken."""
        try:
            yield
        except psycopg.errors.UniqueViolation as error:
            keys = {key: place for place, values in inserts.items() for key in _keys(live, values)}
            for place, one in updates.items():
                written = {
                    name: value for name, value in one.values.items() if live.attributes[name].key in one.changed
                }
                keys |= dict.fromkeys(_keys(live, written), place)
            released = {key for one in updates.values() for key in _given_up(live, one)}
            raise Taken(keys, released, sought) from error


def _keys(live: LiveType, values: Mapping[str, Any]) -> Iterator[Key]:
    for name, value in values.items():
        attribute = live.attributes[name]
        if attribute.unique and value is not None:
            yield attribute.id, kind_of(attribute).unique_key(value, attribute)


def _given_up(live: LiveType, one: Pending) -> Iterator[Key]:
    for ident, (old, _) in one.changed.items():
        attribute = live.by_id[int(ident)]
        if attribute.unique and old is not None:
            kind = kind_of(attribute)
            yield attribute.id, kind.unique_key(kind.from_json(old, attribute), attribute)


def unique_clashes(connection: Connection, keys: Iterable[Key]) -> dict[Key, Clash]:
    """Who has these unique values; one statement."""
    return {key: Clash(key[0], owner) for key, owner in owners(connection, set(keys)).items()}


class Attempts:
    """Runs writes until they meet a world that holds still: reloads the catalog, takes slots, makes partitions."""

    def __init__(self, database: Database, catalog: Catalog, make_partitions: Callable[[], None]) -> None:
        self._database = database
        self._catalog = catalog
        self._make_partitions = make_partitions

    @contextmanager
    def transaction(self, live: LiveType) -> Iterator[Connection]:
        """The write's transaction."""
        with self._database.transaction() as connection:
            yield connection

    def confirm(self, live: LiveType) -> None:
        """Before anything is refused for what the catalog at hand says: raise StaleCatalog if another is in force."""
        self._catalog.refresh()
        if self._catalog.type(live.name).version != live.version:
            raise StaleCatalog(live.name)

    def run(
        self,
        type_name: str,
        partial: bool,
        names: Collection[str],
        once: Callable[[LiveType, dict[int, CrmError]], T],
    ) -> T:
        """Call `once(live type, refused items)` until it goes through. Raises what the caller can act upon."""
        refused: dict[int, CrmError] = {}
        live = self._catalog.type(type_name)
        if any(live.find(name) is None for name in names):
            self._catalog.refresh()
        for _ in tries():
            live = self._catalog.type(type_name)
            try:
                return once(live, dict(refused))
            except StaleCatalog:
                self._catalog.refresh()
            except NeedSlots as need:
                take(self._database, need.live or live, need.attributes)
                self._catalog.refresh()
            except Taken as taken:
                self._refuse_taken(live, taken, refused, partial)
            except psycopg.errors.CheckViolation as error:
                if not is_missing_partition(error):
                    raise
                self._make_partitions()
            except (Overtaken, psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure):
                continue
        raise Unavailable("too much is changing at once: try again")

    def _refuse_taken(self, live: LiveType, taken: Taken, refused: dict[int, CrmError], partial: bool) -> None:
        with self._database.connect() as connection:
            clashes = unique_clashes(connection, taken.keys)
        for key, clash in clashes.items():
            if key in taken.sought or key in taken.released:
                continue
            if not partial:
                raise clash.as_conflict(live)
            refused.setdefault(taken.keys[key], clash.as_conflict(live))
