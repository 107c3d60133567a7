"""A service's own database for its own followers: what consumers of events read, remember and write of its entities.

A consumer is handed a connection and nothing else; what its entities are now, what became of them before, and how the
system writes what it keeps of them, it finds here. Not for doors, which go through the corridor (`Entities`): nobody's
rights are asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, TypeVar

import psycopg

from shared.contracts.event import CREATED, Event
from shared.eav import filters
from shared.eav.attempts import Publish
from shared.eav.catalog import LiveType, StaleCatalog
from shared.eav.declare import TypeDef
from shared.eav.engine import Engine
from shared.eav.entity import Entity, View
from shared.eav.extract import Extract
from shared.eav.keeping import Keeper
from shared.eav.merging.merging import ABSORBED
from shared.eav.merging.unmerging import RELEASED
from shared.eav.patience import tries
from shared.eav.requests import Ref
from shared.eav.store.erase import family, states
from shared.eav.store.state import State
from shared.eav.tables import table_name
from shared.eav.validation import Judge, NoJudge, complete
from shared.eav.within import Within
from shared.kernel.context import Context
from shared.kernel.db import Connection, Database
from shared.kernel.errors import NotFound, Unavailable
from shared.kernel.json import loads
from shared.service.known_types import type_of
from shared.service.lives import Life, changes_of
from shared.service.publishing import kind_of_event, publish
from shared.service.questions import Asking
from shared.service.relations import BUILTIN
from shared.service.versions import Step

__all__ = ["Entity", "Home", "Life", "LiveType", "State", "Step", "TypeDef"]

T = TypeVar("T")
_AT_ONCE = 500
_MOST_ID = 2**63 - 1
_BETWEEN = "select id from {table} where id > %(after)s and id <= %(upto)s order by id limit %(limit)s::bigint"
_THERE = "select 1 from {table} where id = %(id)s union all select 1 from {archive} where id = %(id)s limit 1"
_MADE = """
select id, created_at, created_by, source, source_id from {table} where id > %(after)s and id <= %(upto)s
union all
select id, created_at, created_by, source, source_id from {archive} where id > %(after)s and id <= %(upto)s
"""
_HISTORY = """
select entity_id, version, kind, at, effective_at, actor, source, source_id, changed::text from eav_history
where type_id = %(type)s and entity_id > %(after)s and entity_id <= %(upto)s order by entity_id, version
"""
_AFTER = """
select entity_id, version, at, source, changed::text from eav_history
where type_id = %(type)s and entity_id = any(%(ids)s::bigint[]) and version > %(version)s order by entity_id, version
"""
_LINKS = """
select l.from_id, g.type, l.to_id from unnest(%(relations)s::int[], %(types)s::text[]) g(relation, type)
join eav_link l on l.relation = g.relation and l.from_id = any(%(ids)s::bigint[])
"""
_PLAIN = {(one.from_type, one.to_type): one.id for one in BUILTIN if one.plain}


class Home:
    """The entities of one database."""

    def __init__(self, engine: Engine, tell: Publish = publish, judge: Judge | None = None) -> None:
        self.engine = engine
        self._tell = tell
        self._judge = judge

    @classmethod
    def of(cls, database: Database, tell: Publish = publish, judge: Judge | None = None) -> Home:
        """For processes that have no runtime. tell: what is done with what it keeps. judge: the service's rules, where
        something follows from it."""
        return cls(Engine(database, relations=BUILTIN), tell, judge)

    @property
    def database(self) -> Database:
        """For reading outside of the consumer's transaction."""
        return self.engine.database

    @cached_property
    def asking(self) -> Asking:
        """Answers what conditions ask of linked entities."""
        return Asking(self.engine.catalog, self.engine.relations)

    @cached_property
    def keeper(self) -> Keeper:
        """Writes what the system keeps of entities; for the kit."""
        return Keeper(self.engine.database, self.engine.catalog, self._tell, self._judge)

    @cached_property
    def _within(self) -> Within:
        return Within(self.engine.database, self.engine.catalog, self._tell, self._judge or NoJudge())

    def at_once(self, work: Callable[[Connection], T]) -> T:
        """Work in one transaction, begun again where it got into the way of others, or the catalog at hand was not the
        one in force. Raises what the work raises."""
        for _ in tries():
            try:
                with self.engine.database.transaction() as connection:
                    return work(connection)
            except (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure):
                continue
            except StaleCatalog:
                self.engine.catalog.refresh()
        raise Unavailable("too much is changing at once: try again")

    def create(
        self, connection: Connection, type_name: str, drafts: Sequence[Mapping[str, object]], context: Context
    ) -> list[State]:
        """New entities of values as callers send them, in the caller's transaction; see `shared.eav.within`."""
        return self._within.create(connection, type_name, drafts, context)

    def update(
        self, connection: Connection, type_name: str, values: Mapping[int, Mapping[str, object]], context: Context
    ) -> dict[int, State]:
        """Give entities values as callers send them, in the caller's transaction; see `shared.eav.within`."""
        return self._within.update(connection, type_name, values, context)

    def check(self, type_name: str, values: Mapping[str, object]) -> None:
        """Raises InvalidValues with everything wrong with values that somebody means to write later; rules are asked
        then."""
        complete(NoJudge(), self.type(type_name), values, {}, Context())

    def states(
        self, connection: Connection, type_name: str, ids: Sequence[int], *, lock: bool = False
    ) -> dict[int, State]:
        """Live entities as they are, canonical JSON by attribute key; `lock` holds them until the transaction ends."""
        return {one.id: one for one in self._held(connection, type_name, ids, None, lock)}

    def steps(
        self, connection: Connection, type_name: str, ids: Sequence[int], after: int = 0
    ) -> dict[int, list[Step]]:
        """Of live entities, every version later than a number, in order, with the values it left behind. The first
        step of `after=0` is the second version: before it, the values that the entity was made with."""
        held = self.states(connection, type_name, ids)
        params = {"type": self.type(type_name).id, "ids": list(held), "version": after}
        rows: dict[int, list[Any]] = {ident: [] for ident in held}
        for ident, *row in connection.rows(_AFTER, params, prepare=True):
            rows[ident].append(row)
        found = {}
        for ident, several in rows.items():
            values, steps = held[ident].values, []
            for version, at, source, changed in reversed(several):
                step = Step(version, _aware(at), source, loads(changed), values)
                values = step.before
                steps.append(step)
            found[ident] = steps[::-1]
        return found

    def definition(self, name: str) -> TypeDef:
        """A type that lives here or in another service of this system. Raises NotFound."""
        return type_of(self.engine.catalog, name)

    def type(self, name: str, keys: Iterable[str] = ()) -> LiveType:
        """A type, looked at again when it does not know an attribute of these keys. Raises NotFound."""
        live = self.engine.catalog.type(name)
        if any(int(key) not in live.by_id for key in keys):
            self.engine.catalog.refresh()
        return self.engine.catalog.type(name)

    def linkable(self, name: str) -> LiveType:
        """A type that lives here or is mirrored here. Raises NotFound."""
        return self.engine.catalog.linkable(name)

    def fresh(self, name: str) -> LiveType:
        """A type as the database has it now. Raises NotFound."""
        self.engine.catalog.refresh()
        return self.engine.catalog.type(name)

    def read(self, type_name: str, ids: Sequence[int], attributes: tuple[str, ...]) -> dict[int, Entity]:
        """Live entities by id as they are now, values as JSON by internal name."""
        found = self.engine.reads.read(type_name, [Ref(id=one) for one in ids], View("json", attributes))
        return {one.id: one for one in found if one is not None}

    def shown(
        self, type_name: str, ids: Sequence[int], names: Sequence[str] | None = None
    ) -> dict[int, dict[str, Any]]:
        """What is shown of entities, of mirrored ones too: the type's display values by internal name, or those of
        `names` that are at hand. Those that are not there, or not known here, are left out."""
        try:
            found = self.engine.links.shown(type_name, ids, names)
        except NotFound:
            return {}
        return {ident: values for ident, values in found.items() if values is not None}

    def linked(
        self, connection: Connection, type_name: str, ids: Sequence[int], to_types: Iterable[str]
    ) -> list[tuple[int, tuple[str, int]]]:
        """Whom entities are linked to, by built-in relations: (id, (type, id))."""
        types = [one for one in to_types if (type_name, one) in _PLAIN]
        params = {"relations": [_PLAIN[type_name, one] for one in types], "types": types, "ids": list(ids)}
        rows = connection.rows(_LINKS, params, prepare=True)
        return [(ident, (to_type, to_id)) for ident, to_type, to_id in rows]

    def keep(
        self, connection: Connection, type_name: str, values: Mapping[int, Mapping[str, Any]], context: Context
    ) -> int:
        """Give live entities these values of read-only attributes, in the consumer's transaction; how many changed."""
        return self.keeper.keep(connection, type_name, values, context)

    def family(self, connection: Connection, type_name: str, ident: int) -> list[int]:
        """An entity, live or archived, with all that were merged into it; [] when it never was, or was erased."""
        tables = _tables(self.type(type_name))
        if connection.row(_THERE.format(**tables), {"id": ident}, prepare=True) is None:
            return []
        return family(connection, [ident])

    def ranges(self, type_name: str) -> Iterator[tuple[int, int]]:
        """All ids of a type in ranges (behind, up to) of at most 500 live entities; the last one is open."""
        after = 0
        while True:
            with self.engine.database.connect() as connection:
                ids = self.ids(connection, type_name, after, limit=_AT_ONCE)
            if len(ids) < _AT_ONCE:
                yield after, _MOST_ID
                return
            yield after, ids[-1]
            after = ids[-1]

    def fitting(self, type_name: str, filter: Mapping[str, Any]) -> list[int]:
        """All live entities that fit a filter in the native door's grammar, in no order, from one snapshot. Raises
        Invalid."""
        asked = Extract(filters.parse(dict(filter)), attributes=())
        with self.engine.reads.stream(type_name, asked) as found:
            return [int(one) for block in found for one in block[0]]

    def ids(
        self, connection: Connection, type_name: str, after: int, upto: int = _MOST_ID, limit: int | None = None
    ) -> list[int]:
        """The live entities of a range, by id; the first of them."""
        sql = _BETWEEN.format(table=table_name(self.type(type_name).table))
        return [row[0] for row in connection.rows(sql, {"after": after, "upto": upto, "limit": limit})]

    def past(self, connection: Connection, type_name: str, after: int, upto: int) -> Iterator[Event]:
        """What became of the entities of a range, as events tell it, in order. Creations without values, merges
        without details: history does not keep those."""
        live = self.type(type_name)
        params = {"after": after, "upto": upto, "type": live.id}
        for ident, at, actor, source, source_id in connection.rows(_MADE.format(**_tables(live)), params):
            yield Event(CREATED, live.name, _aware(at), ident, 1, None, actor, source, source_id)
        for ident, version, kind, at, since, actor, source, source_id, changed in connection.rows(_HISTORY, params):
            if kind not in (ABSORBED, RELEASED):
                yield Event(
                    kind_of_event(kind), live.name, _aware(at), ident, version, _aware(since), actor, source, source_id,
                    changed=loads(changed),
                )  # fmt: skip

    def lives(
        self, connection: Connection, type_name: str, ids: Sequence[int], keys: Sequence[str], *, lock: bool = False,
        archived: bool = False,
    ) -> list[Life]:  # fmt: skip
        """What became of some attributes of live entities, or of archived and absorbed ones; lock: they are held."""
        live = self.type(type_name, keys)
        names = tuple(live.by_id[int(key)].name for key in keys)
        held = self._held(connection, type_name, ids, names, lock, archived)
        changes = changes_of(connection, live, ids, keys)
        return [
            Life(
                state.id,
                datetime.fromisoformat(state.created_at),
                {key: state.values[key] for key in keys if key in state.values},
                changes.get(state.id, []),
            )
            for state in held
        ]

    def _held(
        self, connection: Connection, type_name: str, ids: Sequence[int], names: tuple[str, ...] | None, lock: bool,
        archived: bool = False,
    ) -> list[State]:  # fmt: skip
        for _ in tries():
            try:
                with connection.transaction():
                    live = self.type(type_name)
                    found = states(connection, live, ids, archived=archived, lock=lock, attributes=names)
                    return [state for state, _ in found]
            except StaleCatalog:
                self.engine.catalog.refresh()
        raise Unavailable("the catalog keeps changing: try again")


def _tables(live: LiveType) -> dict[str, str]:
    return {"table": table_name(live.table), "archive": table_name(live.table, archive=True)}


def _aware(moment: datetime) -> datetime:
    """An instant of the database as events tell it: to the millisecond."""
    return moment.replace(tzinfo=UTC, microsecond=moment.microsecond // 1000 * 1000)
