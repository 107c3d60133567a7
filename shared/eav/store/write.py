"""Create and update, set-wise, inside the caller's transaction. Values come validated and canonical.

`create` and `lock` carry the catalog guard, so that the slots written to are the ones in force; `update` writes what
`lock` locked. Not for single attributes in a loop: a batch is one call and a constant number of statements.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.eav.catalog import LiveType, StaleCatalog
from shared.eav.declare import AttributeDef
from shared.eav.guard import guard_params, guarded
from shared.eav.query.reading import CREATED, EXTRA, ID, LONG, VERSION, Reader, reader
from shared.eav.query.reading import UPDATED as UPDATED_AT
from shared.eav.store import statements
from shared.eav.store.rows import (
    Side,
    Slots,
    columns_of,
    naive,
    place,
    records,
    shown_at,
    side_records,
    slot_fields,
)
from shared.eav.store.state import (
    Change,
    State,
    Typed,
    Written,
    applied,
    checksum,
    document,
    documented,
    to_json,
)
from shared.eav.types import kind_of
from shared.kernel import json
from shared.kernel.clock import now
from shared.kernel.context import Context
from shared.kernel.db import Connection

UPDATED = "updated"


@dataclass(slots=True)
class Pending:
    """One update about to be written: the locked state and the canonical values that differ from it."""

    state: State
    values: Mapping[str, Any]
    changed: dict[str, Change]
    effective_at: datetime | None = None


def lock(connection: Connection, live: LiveType, ids: Sequence[int], *, staying: bool = False) -> dict[int, State]:
    """Lock these entities in id order and read their whole state; unknown ids are simply not in the answer.

    staying: they will change, not go, so that links to them may be written meanwhile.
    Raises StaleCatalog, even if nothing is found, unless the catalog at hand is the one in force; it stays so.
    """
    view = reader(live, live.kept, "canonical")
    wanted = sorted(set(ids))
    several = len(view.source.banks) > 1
    with guarded(live):
        if several:
            # A statement that waits for a row sees its new version, but other tables as they were before the wait.
            locking = statements.lock(live.table, staying=staying)
            connection.rows(locking, {"ids": wanted, **guard_params(live)}, prepare=True)
            rows = view.rows(connection, wanted)
        else:
            rows = view.locked_rows(connection, wanted, guard_params(live), staying=staying)
    return {state.id: state for state in (state_of(view, row) for row in rows)}


def state_of(view: Reader, row: tuple[Any, ...]) -> State:
    """The state in a row of a reader of all kept attributes in canonical form."""
    values: dict[str, Any] = {}
    for key, position, convert in view.parts:
        value = row[position]
        if value is not None:
            if convert is not None:
                value = convert(value)
                if value is None:
                    continue
            values[key] = value
    extra, long = (json.loads(row[side]) if row[side] else {} for side in (EXTRA, LONG))
    for key, value in (*extra.items(), *long.items()):
        found = view.aside.get(key)
        if found is not None:
            values[key] = found[1](value) if found[1] is not None else value
    return State(row[ID], row[VERSION], row[CREATED], row[UPDATED_AT], values, extra, long)


def create(
    connection: Connection,
    live: LiveType,
    items: Sequence[Mapping[str, Any]],
    context: Context,
    effective: Sequence[datetime | None] | None = None,
) -> list[Written]:
    """Insert entities; the outcome is in input order. Raises UniqueViolation (psycopg) when a unique value is taken."""
    at = now()
    columns = columns_of(live, sorted({name for item in items for name in item}))
    states: list[State] = []
    slots, sides = [], []
    instants = [(effective[n] if effective else None) or context.effective_at or at for n in range(len(items))]
    for item, instant in zip(items, instants, strict=True):
        row: Slots = {}
        state = State(0, 1, shown_at(instant), shown_at(at), {})
        side = Side()
        for name, value in item.items():
            if value is not None:
                attribute = live.attributes[name]
                place(attribute, value, row, state.extra, state.long, side)
                state.values[attribute.key] = to_json(attribute, value)
        slots.append(row)
        states.append(state)
        sides.append(side)
    common = _creation(context, at)
    rows = [
        {"ord": n, **common, "created_at": naive(instants[n - 1]), **_kept(live, state), **slot_fields(columns, row)}
        for n, (state, row) in enumerate(zip(states, slots, strict=True), 1)
    ]
    aside = side_records(sides)
    sql = statements.insert(live.table, columns, "u" in aside, "m" in aside)
    with guarded(live):
        made = connection.rows(sql, {"i": records(rows), **aside, **guard_params(live)}, prepare=True)
    for state, (ident,) in zip(states, made, strict=True):
        state.id = ident
    return [
        Written(state, {key: (None, value) for key, value in state.values.items()}, "created", instant)
        for state, instant in zip(states, effective or [None] * len(states), strict=True)
    ]


def _creation(context: Context, at: datetime) -> dict[str, Any]:
    """The fields that all rows of one creation share."""
    return {
        "version": 1,
        "updated_at": naive(at),
        "recorded_at": naive(at),
        "created_by": context.actor.id,
        "source": context.source,
        "source_id": context.source_id,
    }


def _kept(live: LiveType, state: State, *, doc: bool = True) -> dict[str, Any]:
    """The fields of a row that follow from the whole state."""
    return {
        "checksum": checksum(state.values, state.version),
        "extra": state.extra or None,
        "long": state.long or None,
        "doc": document(live, state.values) if doc else None,
    }


def update(
    connection: Connection, live: LiveType, pending: Sequence[Pending], context: Context, kind: str = UPDATED
) -> list[Written]:
    """Write the changes of locked entities. Entities without a change are answered as they are, and cost nothing.

    kind: what history and events call it; anything but a plain update counts even where no value changes.
    """
    real = [one for one in pending if one.changed or kind != UPDATED]
    if real:
        _write_changes(connection, live, real, context, kind)
    return [Written(one.state, one.changed, kind, one.effective_at) for one in pending]


def _write_changes(
    connection: Connection, live: LiveType, pending: Sequence[Pending], context: Context, kind: str
) -> None:
    at = now()
    changed_names = {live.by_id[int(key)].name for one in pending for key in one.changed}
    written = changed_names | _written_again(live, pending)
    columns = columns_of(live, written)
    redoc = any(one.name in changed_names for one in documented(live).values())
    slots, sides = [], []
    for one in pending:
        row: Slots = {}
        side = Side()
        typed = Typed(live, one.state.values)
        for name in written:
            attribute = live.attributes[name]
            new = one.values.get(name) if attribute.key in one.changed else typed.get(name)
            place(attribute, new, row, one.state.extra, one.state.long, side)
        one.state.values = applied(one.state.values, one.changed)
        one.state.version += 1
        one.state.updated_at = shown_at(at)
        slots.append(row)
        sides.append(side)
    rows = [
        {"redoc": redoc, **_change(one, context, at), **_kept(live, one.state, doc=redoc), **slot_fields(columns, row)}
        for one, row in zip(pending, slots, strict=True)
    ]
    params = {
        "i": records(rows),
        "type_id": live.id,
        "kind": kind,
        "actor": context.actor.id,
        "source": context.source,
        "source_id": context.source_id,
        "correlation": context.correlation,
    }
    seen = connection.row(statements.update(live.table, columns), params, prepare=True)
    if seen != (live.version,):
        # Between guard and row lock an attribute may have got its first value: the state read then lacks it.
        raise StaleCatalog(live.name)
    _write_sides(connection, live, pending, sides)


def _written_again(live: LiveType, pending: Sequence[Pending]) -> set[str]:
    """Attributes that were written with the value that they have: setting them too costs nothing, and the statement
    does not depend on what happened to differ, so that it is planned once and not for every combination."""
    found = {name for one in pending for name in one.values}
    return {name for name in found if (one := live.attributes[name]).column is not None and not one.unique}


def _change(one: Pending, context: Context, at: datetime) -> dict[str, Any]:
    """The fields of a row that tell of its change."""
    return {
        "updated_at": naive(at),
        "id": one.state.id,
        "version": one.state.version,
        "changed": one.changed,
        "effective_at": naive(one.effective_at or context.effective_at or at),
    }


def _write_sides(connection: Connection, live: LiveType, pending: Sequence[Pending], sides: Sequence[Side]) -> None:
    """Replace unique keys and chosen options of changed attributes: all old ones first, so that values may swap."""
    touched = [(int(key), one.state.id) for one in pending for key in one.changed]
    uniques = [(a, e) for a, e in touched if live.by_id[a].unique]
    multis = [
        (int(key), one.state.id)
        for one in pending
        for key, change in one.changed.items()
        if _chosen_anew(live.by_id[int(key)], change)
    ]
    if uniques:
        keep = set(uniques)
        new = [
            (a, key, one.state.id)
            for one, side in zip(pending, sides, strict=True)
            for a, key in side.unique
            if (a, one.state.id) in keep
        ]
        keys = {(a, e): key for a, key, e in new}
        gone = [(a, e, keys.get((a, e))) for a, e in uniques]
        connection.run(statements.DELETE_UNIQUE, _columns("aek", gone), prepare=True)
        connection.run(statements.INSERT_UNIQUE, _columns("ake", new), prepare=True)
    if multis:
        keep = set(multis)
        chosen = [
            (a, value, one.state.id)
            for one, side in zip(pending, sides, strict=True)
            for a, value in side.options
            if (a, one.state.id) in keep
        ]
        params = _listed(("a", "v", "e"), chosen) | _listed(("ca", "ce"), multis)
        connection.run(statements.REPLACE_MULTI, params, prepare=True)


def _chosen_anew(attribute: AttributeDef, change: Change) -> bool:
    """Whether the rows of chosen options change: of a long text they only tell whether there is one."""
    kind = kind_of(attribute)
    old, new = change
    return kind.family is None and (kind.multiple or (old is None) != (new is None))


def _listed(names: Sequence[str], rows: Sequence[tuple[int, ...]]) -> dict[str, str]:
    """Columns of whole numbers as PostgreSQL writes arrays, which costs the driver nothing."""
    return {name: f"{{{','.join(str(row[n]) for row in rows)}}}" for n, name in enumerate(names)}


def _columns(names: str, rows: Sequence[tuple[Any, ...]]) -> dict[str, list[Any]]:
    return {name: [row[n] for row in rows] for n, name in enumerate(names)}
