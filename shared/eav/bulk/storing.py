"""Carrying a plan out: rows of the final states, history of every step, keys, options and events, set-wise.

The same statements as for other writes, whose rows are staged by COPY in temporary tables instead of coming as a
parameter. Their number does not depend on how many entities there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, overload

import psycopg

from shared.eav.attempts import Overtaken
from shared.eav.bulk.finding import held_key
from shared.eav.bulk.plan import Entry, Plan, Step
from shared.eav.catalog import LiveType
from shared.eav.store import statements
from shared.eav.store.rows import Side, Slots, columns_of, naive, place, shown_at, slot_fields
from shared.eav.store.staging import stage, stage_new
from shared.eav.store.state import State, Written, checksum, document, documented
from shared.eav.store.write import UPDATED
from shared.eav.types import kind_of
from shared.kernel import json
from shared.kernel.clock import now
from shared.kernel.context import Context
from shared.kernel.db import Connection

Publish = Callable[[Connection, LiveType, Sequence[Written], Context], None]


def store(connection: Connection, live: LiveType, plan: Plan, context: Context, publish: Publish) -> None:
    """Write everything a plan changes and publish it; fills the ids of created entities into the plan.

    The stored entities among them are locked. Raises Overtaken when a unique value was taken meanwhile.
    """
    entries = plan.entries
    if not entries:
        return
    storing = Storing(connection, live, context)
    new = [one for one in entries if one.stored is None]
    old = [one for one in entries if one.stored is not None]
    try:
        storing.release(old)
        storing.create(new)
        storing.change(old, [one for one in entries if one.stored is not None or len(one.steps) > 1])
        storing.aside()
    except psycopg.errors.UniqueViolation as error:
        raise Overtaken from error
    publish(connection, live, Told(entries, shown_at(storing.at)), context)


class Told(Sequence[Written]):
    """The writes of a plan in input order, each made when it is asked for."""

    def __init__(self, entries: Sequence[Entry], at: str) -> None:
        self.at = at
        self.pairs = sorted(((one, step) for one in entries for step in one.steps), key=lambda pair: pair[1].place)

    def __len__(self) -> int:
        return len(self.pairs)

    @overload
    def __getitem__(self, index: int) -> Written: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Written]: ...
    def __getitem__(self, index: int | slice) -> Written | Sequence[Written]:
        if isinstance(index, slice):
            return [_written(*pair, self.at) for pair in self.pairs[index]]
        return _written(*self.pairs[index], self.at)


def _written(entry: Entry, step: Step, at: str) -> Written:
    assert entry.id is not None
    kind = "created" if step.version == 1 else "updated"
    return Written(State(entry.id, step.version, "", at, entry.values), step.changed, kind, step.effective_at)


class Storing:
    """One plan on its way into the tables."""

    def __init__(self, connection: Connection, live: LiveType, context: Context) -> None:
        self._connection, self._live, self._context = connection, live, context
        self.at = now()
        self._sides: list[tuple[Entry, Side]] = []

    def release(self, old: Sequence[Entry]) -> None:
        """Let go of all unique keys and options that change: they may be on their way to another entity."""
        uniques: list[tuple[int, int, str | None]] = []
        multis: list[tuple[int, int]] = []
        for entry in old:
            assert entry.stored is not None
            for key in entry.net:
                attribute = self._live.by_id[int(key)]
                if attribute.unique:
                    new = held_key(attribute, entry.values)
                    uniques.append((attribute.id, entry.stored.id, new and new[1]))
                elif kind_of(attribute).family is None:
                    multis.append((attribute.id, entry.stored.id))
        self._run(statements.DELETE_UNIQUE, "aek", uniques)
        self._run(statements.DELETE_MULTI, "ae", multis)

    def _run(self, sql: str, names: str, rows: Sequence[tuple[Any, ...]]) -> None:
        if rows:
            self._connection.run(sql, {name: [row[n] for row in rows] for n, name in enumerate(names)})

    def create(self, new: Sequence[Entry]) -> None:
        """Insert entities as they are in the end, in input order, and note their ids."""
        if not new:
            return
        live = self._live
        columns = columns_of(live, _names(live, {key for one in new for key in one.values}))
        shape = statements.created_shape(columns)
        stage_new(self._connection, statements.STAGED_NEW, shape, self._new_rows(new, columns, tuple(shape)))
        rows = self._connection.rows(statements.insert(live.table, columns, False, False, True))
        for entry, (ident,) in zip(new, rows, strict=True):
            entry.id = ident
            for outcome in entry.outcomes:
                outcome.id = ident

    def _new_rows(self, new: Sequence[Entry], columns: Any, names: tuple[str, ...]) -> Iterator[list[Any]]:
        at, context = naive(self.at), self._context
        common = {
            "updated_at": at,
            "recorded_at": at,
            "created_by": context.actor.id,
            "source": context.source,
            "source_id": context.source_id,
        }
        for number, entry in enumerate(new, 1):
            row, extra, long, side = self._placed(entry, entry.values, {}, {})
            self._sides.append((entry, side))
            fields = {
                **common,
                "ord": number,
                "version": entry.version,
                "created_at": naive(self._instant(entry.steps[0])),
                "checksum": checksum(entry.values, entry.version),
                "extra": _json(extra),
                "long": _json(long),
                "doc": document(self._live, entry.values),
                **slot_fields(columns, row),
            }
            yield [fields[name] for name in names]

    def change(self, old: Sequence[Entry], stepped: Sequence[Entry]) -> None:
        """Change locked entities, and write the history of every step but creations (`stepped`)."""
        if not stepped:
            return
        live, context = self._live, self._context
        changed = {key for one in old for key in one.net}
        columns = columns_of(live, _names(live, changed))
        shape = statements.changed_shape(columns)
        rows = self._changed_rows(old, changed, columns, tuple(shape))
        stage(self._connection, statements.STAGED_CHANGED, shape, rows)
        stage(self._connection, statements.STAGED_STEPS, statements.STEP_SHAPE, self._steps(stepped))
        params = {
            "type_id": live.id,
            "kind": UPDATED,
            "actor": context.actor.id,
            "source": context.source,
            "source_id": context.source_id,
            "correlation": context.correlation,
        }
        # The catalog version it answers says nothing here: the states were read under it and have not changed since.
        self._connection.row(statements.update(live.table, columns, True), params)

    def _changed_rows(
        self, old: Sequence[Entry], changed: set[str], columns: Any, names: tuple[str, ...]
    ) -> Iterator[list[Any]]:
        redoc = not changed.isdisjoint(documented(self._live))
        for entry in old:
            assert entry.stored is not None
            values = {key: entry.values.get(key) for key in changed}
            row, extra, long, side = self._placed(entry, values, entry.stored.extra, entry.stored.long)
            net = entry.net
            side.unique = [one for one in side.unique if str(one[0]) in net]
            side.options = [one for one in side.options if str(one[0]) in net]
            self._sides.append((entry, side))
            fields = {
                "id": entry.id,
                "version": entry.version,
                "updated_at": naive(self.at),
                "checksum": checksum(entry.values, entry.version),
                "extra": _json(extra),
                "long": _json(long),
                "doc": document(self._live, entry.values) if redoc else None,
                "redoc": redoc,
                **slot_fields(columns, row),
            }
            yield [fields[name] for name in names]

    def _steps(self, stepped: Sequence[Entry]) -> Iterator[list[Any]]:
        for entry in stepped:
            for step in entry.steps:
                if step.version > 1:
                    yield [entry.id, step.version, _json(step.changed), naive(self._instant(step))]

    def aside(self) -> None:
        """Unique keys and options: all keys in one statement and in their order, so that calls with the same keys
        meet at the first and do not wait for each other."""
        keys = [(a, key, entry.id) for entry, side in self._sides for a, key in side.unique]
        options = [(a, value, entry.id) for entry, side in self._sides for a, value in side.options]
        self._run(statements.INSERT_UNIQUE, "ake", keys)
        self._run(statements.INSERT_MULTI, "ave", options)

    def _placed(
        self, entry: Entry, values: Mapping[str, Any], extra: dict[str, Any], long: dict[str, Any]
    ) -> tuple[Slots, dict[str, Any], dict[str, Any], Side]:
        row: Slots = {}
        side = Side()
        extra, long = dict(extra), dict(long)
        for key, held in values.items():
            attribute = self._live.by_id[int(key)]
            value = None if held is None else kind_of(attribute).from_json(held, attribute)
            place(attribute, value, row, extra, long, side)
        return row, extra, long, side

    def _instant(self, step: Step) -> datetime:
        return step.effective_at or self._context.effective_at or self.at


def _names(live: LiveType, keys: set[str]) -> list[str]:
    return sorted(live.by_id[int(key)].name for key in keys)


def _json(value: Mapping[str, Any]) -> str | None:
    return json.dumps(value).decode() if value else None
