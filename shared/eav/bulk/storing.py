"""Carrying a plan out: rows of the final states, history of every step, keys, options and events, set-wise.

New rows are copied into their tables. Changes go by the same statement as other writes, whose rows are staged by COPY
in temporary tables instead of coming as a parameter. The number of statements does not depend on how many entities
there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, overload

import psycopg

from shared.eav.attempts import Overtaken
from shared.eav.bulk.finding import held_key
from shared.eav.bulk.placing import NOTHING, Aside, Lines, as_json, moment
from shared.eav.bulk.plan import Entry, Plan, Step
from shared.eav.bulk.shapes import Shapes
from shared.eav.catalog import LiveType
from shared.eav.store import statements
from shared.eav.store.rows import columns_of, naive, shown_at
from shared.eav.store.staging import stage
from shared.eav.store.state import Change, State, Written, checksum, documented
from shared.eav.store.write import UPDATED
from shared.eav.types import kind_of
from shared.kernel import arrays
from shared.kernel.clock import now
from shared.kernel.context import Context
from shared.kernel.copying import NULL, blocks, escaped
from shared.kernel.db import Connection

Publish = Callable[[Connection, LiveType, Sequence[Written], Context], None]


def store(connection: Connection, shapes: Shapes, plan: Plan, context: Context, publish: Publish) -> None:
    """Write everything a plan changes and publish it; fills the ids of created entities into the plan.

    The stored entities among them are locked. Raises Overtaken when a unique value was taken meanwhile.
    """
    entries = plan.entries
    if not entries:
        return
    storing = Storing(connection, shapes, context)
    new = [one for one in entries if one.stored is None]
    old = [one for one in entries if one.stored is not None]
    try:
        storing.release(old)
        storing.create(new)
        storing.change(old, [one for one in entries if one.stored is not None or len(one.steps) > 1])
        storing.aside()
    except psycopg.errors.UniqueViolation as error:
        raise Overtaken from error
    publish(connection, shapes.live, Told(entries, shown_at(storing.at)), context)


def changed_by(step: Step) -> dict[str, Change]:
    """{attribute key: (old, new)} of a step; a creation lists every value."""
    return step.judged.changed if step.version > 1 else {key: (None, one) for key, one in step.judged.after.items()}


class Told(Sequence[Written]):
    """The writes of a plan in input order, each made when it is asked for."""

    def __init__(self, entries: Sequence[Entry], at: str) -> None:
        self._at = at
        self._pairs = sorted(((one, step) for one in entries for step in one.steps), key=lambda pair: pair[1].place)

    def __len__(self) -> int:
        return len(self._pairs)

    def __iter__(self) -> Iterator[Written]:
        return (self._written(*pair) for pair in self._pairs)

    @overload
    def __getitem__(self, index: int) -> Written: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Written]: ...
    def __getitem__(self, index: int | slice) -> Written | Sequence[Written]:
        if isinstance(index, slice):
            return [self._written(*pair) for pair in self._pairs[index]]
        return self._written(*self._pairs[index])

    def _written(self, entry: Entry, step: Step) -> Written:
        assert entry.id is not None
        kind = "created" if step.version == 1 else UPDATED
        created_at = self._at if entry.stored is None else entry.stored.created_at
        state = State(entry.id, step.version, created_at, self._at, step.judged.after)
        return Written(state, changed_by(step), kind, step.effective_at)


class Storing:
    """One plan on its way into the tables."""

    def __init__(self, connection: Connection, shapes: Shapes, context: Context) -> None:
        live = shapes.live
        self._connection, self._shapes, self._live, self._context = connection, shapes, live, context
        self.at = now()
        self._keys: list[tuple[int, str, Entry]] = []
        self._options: list[tuple[int, int, Entry]] = []
        special = [one for one in live.by_id.values() if one.unique or kind_of(one).family is None]
        self._special = {one.key: one for one in special}

    def release(self, old: Sequence[Entry]) -> None:
        """Let go of all unique keys and options that change: they may be on their way to another entity."""
        uniques: list[tuple[int, int | None, str | None]] = []
        multis: list[tuple[int, int | None]] = []
        for entry in old:
            for key in self._special.keys() & entry.net:
                attribute = self._special[key]
                if attribute.unique:
                    new = held_key(attribute, entry.values)
                    uniques.append((attribute.id, entry.id, new and new[1]))
                else:
                    multis.append((attribute.id, entry.id))
        self._run(statements.DELETE_UNIQUE, "aek", uniques)
        self._run(statements.DELETE_MULTI, "ae", multis)

    def create(self, new: Sequence[Entry]) -> None:
        """Insert entities as they are in the end, in input order, and note their ids."""
        if not new:
            return
        live, connection = self._live, self._connection
        for entry, (ident,) in zip(new, connection.rows(statements.DRAW, {"n": len(new)}), strict=True):
            entry.id = ident
            for outcome in entry.outcomes:
                outcome.id = ident
        keys = {key for one in new for key in one.values}
        columns = columns_of(live, _names(live, keys))
        lines = Lines(self._shapes, statements.copied_line(columns), self._shared_fields(), keys)
        copies = statements.copies(live.table, columns)
        others: list[list[str]] = [[] for _ in copies[1:]]
        rows = self._new_lines(new, lines, [cut for _, cut in copies], others)
        for (sql, _), made in zip(copies, (rows, *others), strict=True):
            connection.copy(sql, blocks(made))

    def _shared_fields(self) -> dict[str, str | None]:
        """The fields that all new rows share, and an instant that most do."""
        at, context = moment(naive(self.at)), self._context
        return {
            "created_at": moment(naive(context.effective_at or self.at)),
            "updated_at": at,
            "recorded_at": at,
            "created_by": context.actor.id,
            "source": context.source,
            "source_id": context.source_id,
        }

    def _new_lines(
        self, new: Sequence[Entry], lines: Lines, cuts: Sequence[slice], others: Sequence[list[str]]
    ) -> Iterator[str]:
        """The lines of the first table; those of the others go there, as they come."""
        placers, places = lines.placers, lines.places
        version, created, check = places["version"], places["created_at"], places["checksum"]
        more = list(zip(cuts[1:], others, strict=True))
        for entry in new:
            line = lines.start()
            extra: dict[str, Any] = {}
            long: dict[str, Any] = {}
            words = ""
            for key, held in entry.values.items():
                placer = placers[key]
                slot, segment, aside = (held.__class__ is str and placer.known.get(held)) or placer.cell(held)
                if placer.index is not None:
                    line[placer.index] = slot
                words += segment
                if aside is not None:
                    if aside.extra is not None:
                        extra[key] = aside.extra
                    if aside.long is not None:
                        long[key] = aside.long
                    self._put_aside(entry, placer.id, aside)
            ident = line[0] = str(entry.id)
            line[version], line[check] = str(entry.version), str(checksum(entry.values, entry.version))
            line[places["extra"]], line[places["long"]] = as_json(extra), as_json(long)
            line[places["doc"]] = _document(words)
            instant = entry.steps[0].effective_at
            if instant is not None:
                line[created] = moment(naive(instant))
            for cut, made in more:
                cells = line[cut]
                if any(cell != NULL for cell in cells):
                    made.append("\t".join((ident, *cells)) + "\n")
            yield "\t".join(line[cuts[0]]) + "\n"

    def change(self, old: Sequence[Entry], stepped: Sequence[Entry]) -> None:
        """Change locked entities, and write the history of every step but creations (`stepped`)."""
        if not stepped:
            return
        live, context = self._live, self._context
        changed = {key for one in old for key in one.net}
        columns = columns_of(live, _names(live, changed))
        shape = statements.changed_shape(columns)
        words = documented(live).keys() & changed
        common = {"updated_at": moment(naive(self.at)), "redoc": "f"}
        lines = Lines(self._shapes, shape, common, changed | {key for one in old for key in one.values if words})
        rows = self._changed_lines(old, lines, changed, words)
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

    def _changed_lines(self, old: Sequence[Entry], lines: Lines, changed: set[str], words: set[str]) -> Iterator[str]:
        placers, places = lines.placers, lines.places
        for entry in old:
            assert entry.stored is not None
            line = lines.start()
            extra, long = dict(entry.stored.extra), dict(entry.stored.long)
            net = entry.net
            special = self._special.keys() & net
            for key in changed:
                held, placer = entry.values.get(key), placers[key]
                slot, _, aside = NOTHING if held is None else placer.cell(held)
                if placer.index is not None:
                    line[placer.index] = slot
                _replace(extra, key, aside and aside.extra)
                _replace(long, key, aside and aside.long)
                if aside is not None and key in special:
                    self._put_aside(entry, placer.id, aside)
            line[places["id"]], line[places["version"]] = str(entry.id), str(entry.version)
            line[places["checksum"]] = str(checksum(entry.values, entry.version))
            line[places["extra"]], line[places["long"]] = as_json(extra), as_json(long)
            if not words.isdisjoint(net):
                line[places["redoc"]] = "t"
                cells = (placers[key].cell(held) for key, held in entry.values.items())
                line[places["doc"]] = _document("".join(cell.segment for cell in cells))
            yield "\t".join(line) + "\n"

    def _steps(self, stepped: Sequence[Entry]) -> Iterator[str]:
        common = moment(naive(self._context.effective_at or self.at))
        for entry in stepped:
            for step in entry.steps:
                if step.version > 1:
                    at = common if step.effective_at is None else moment(naive(step.effective_at))
                    yield f"{entry.id}\t{step.version}\t{as_json(step.judged.changed)}\t{at}\n"

    def _put_aside(self, entry: Entry, attribute: int, aside: Aside) -> None:
        if aside.key is not None:
            self._keys.append((attribute, aside.key, entry))
        self._options += [(attribute, option, entry) for option in aside.options]

    def aside(self) -> None:
        """Unique keys and options: all keys in one statement and in their order, so that calls with the same keys
        meet at the first and do not wait for each other."""
        self._run(statements.INSERT_UNIQUE, "ake", [(a, key, entry.id) for a, key, entry in self._keys])
        self._run(statements.INSERT_MULTI, "ave", [(a, value, entry.id) for a, value, entry in self._options])

    def _run(self, sql: str, names: str, rows: Sequence[tuple[Any, ...]]) -> None:
        if rows:
            columns = zip(names, zip(*rows, strict=True), strict=True)
            values = {name: (arrays.texts if name == "k" else arrays.numbers)(column) for name, column in columns}
            self._connection.run(sql, values)


def _names(live: LiveType, keys: set[str]) -> list[str]:
    return sorted(live.by_id[int(key)].name for key in keys)


def _replace(aside: dict[str, Any], key: str, value: Any) -> None:
    if value is None:
        aside.pop(key, None)
    else:
        aside[key] = value


def _document(segments: str) -> str:
    """Words need no escaping, what stands between them does."""
    return escaped(f"{segments}\n") if segments else NULL
