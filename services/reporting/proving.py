"""What of a metric's cells is not what it should be, group by group and day by day; and what puts it right.

Totals and counted values are held against the entities as they are. Days of the ledger are held against the weight kept
beside the totals; where they differ, every version of the type is counted again, and what that comes to is taken for
right if it weighs as much. Else (values erased since, links as they were) what was done to one row is worked out from
the weight; only where neither answers, the days are those of the versions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from services.reporting.backfill import told
from services.reporting.domain.weighing import NOTHING, Sum, added, restored, weight, without
from services.reporting.linking import begin
from services.reporting.metrics import mending, store
from services.reporting.metrics.compiling import Compiled, Dims
from services.reporting.metrics.deltas import Deltas
from services.reporting.metrics.mending import Days
from shared.kernel.db import Connection
from shared.kernel.json import decimal_text
from shared.service.replica.catalogs import KnownType

MOST_TOLD = 20
_AT_ONCE = 2000
_IDS = "select id from fact where type_no = %(no)s and id > %(after)s order by id limit %(limit)s"


@dataclass(frozen=True, slots=True)
class WrongCell:
    """One number that is stored and not right. place: total, days (of the ledger) or values; day, value: which."""

    place: str
    dims: Dims
    stored: Any
    right: Any
    day: date | None = None
    value: str | None = None


@dataclass(slots=True)
class Found:
    """What is wrong, and what has to be added to days of the ledger to put it right."""

    wrong: list[WrongCell] = field(default_factory=list)
    missing: dict[tuple[Dims, date], Sum] = field(default_factory=dict)

    @property
    def groups(self) -> set[Dims]:
        """The groups that are wrong."""
        return {one.dims for one in self.wrong}


def examine(
    connection: Connection,
    metric: store.Metric,
    compiled: Compiled,
    known: KnownType,
    truth: Mapping[Dims, Sum],
    valued: Mapping[tuple[Dims, str], int],
    today: date,
    *,
    numeric: bool,
) -> Found:
    """Compare; `truth` and `valued` are what the entities come to now. A difference that no damage of days explains
    is one of today."""
    found = Found()
    _totals(connection, metric, truth, found)
    ledger, moved = mending.weighed(connection, metric.id)
    if moved:
        for dims, (kept, right) in _days(connection, metric, compiled, known, truth, moved).items():
            for day in sorted({*kept, *right}):
                stored, due = kept.get(day, NOTHING), right.get(day, NOTHING)
                if stored != due:
                    found.missing[dims, day] = without(due, stored)
                    found.wrong.append(WrongCell("days", dims, stored, due, day))
            ledger[dims] = _come_to(right)
            if not any(one.dims == dims for one in found.wrong):  # the weight itself was damaged
                found.wrong.append(WrongCell("weight", dims, moved[dims], weight(kept)))
    for dims in {*truth, *ledger}:
        stored, due = ledger.get(dims, NOTHING), truth.get(dims, NOTHING)
        if stored != due:
            found.missing[dims, today] = added(found.missing.get((dims, today), NOTHING), without(due, stored))
            found.wrong.append(WrongCell("days", dims, stored, due))
    _values(connection, metric, valued, numeric, found)
    return found


def _totals(connection: Connection, metric: store.Metric, truth: Mapping[Dims, Sum], found: Found) -> None:
    totals = store.totals(connection, metric.id)
    for dims in {*truth, *totals}:
        if totals.get(dims) != truth.get(dims):
            found.wrong.append(WrongCell("total", dims, totals.get(dims, NOTHING), truth.get(dims, NOTHING)))


def _values(
    connection: Connection,
    metric: store.Metric,
    valued: Mapping[tuple[Dims, str], int],
    numeric: bool,
    found: Found,
) -> None:
    kept = store.amounts(connection, metric.id)
    right = {(dims, value): (n, mending.amount_of(value, numeric)) for (dims, value), n in valued.items()}
    for dims, value in {*kept, *right}:
        stored, due = kept.get((dims, value)), right.get((dims, value))
        if stored != due:
            found.wrong.append(WrongCell("values", dims, stored, due, value=value))


def _days(
    connection: Connection,
    metric: store.Metric,
    compiled: Compiled,
    known: KnownType,
    truth: Mapping[Dims, Sum],
    moved: Mapping[Dims, Decimal],
) -> dict[Dims, tuple[Days, Days]]:
    """Days of these groups as they are stored and as they should be."""
    stored = mending.days_of(connection, metric.id, moved)
    replayed = _replayed(connection, compiled, known, moved)
    sums = store.totals(connection, metric.id)
    found = {}
    for dims, weighed in moved.items():
        kept, again = stored[dims], replayed.get(dims, {})
        right = again if weight(again) in (weighed, weight(kept)) else None
        for come_to in (truth.get(dims, NOTHING), sums.get(dims, NOTHING)):
            right = right if right is not None else restored(kept, come_to, weighed)
        found[dims] = (kept, again if right is None else right)
    return found


def _replayed(connection: Connection, compiled: Compiled, known: KnownType, groups: Iterable[Dims]) -> dict[Dims, Days]:
    """What all versions of all entities come to, day by day, of some groups."""
    wanted, deltas, after = set(groups), Deltas(), 0
    while True:
        params = {"no": known.no, "after": after, "limit": _AT_ONCE}
        ids = [row[0] for row in connection.rows(_IDS, params)]
        if not ids:
            break
        starts = begin(connection, [(known, one) for one in compiled.linkages], {known.name: ids}, {})
        for change in told(connection, known, starts, ids):
            deltas.add(compiled, change)
        after = ids[-1]
    found = defaultdict[Dims, Days](dict)
    for (dims, day), one in deltas.cells.items():
        if dims in wanted and not one.nothing:
            found[dims][day] = (one.n, one.m, one.s)
    return found


def _come_to(days: Days) -> Sum:
    found = NOTHING
    for one in days.values():
        found = added(found, one)
    return found


def named(metric: store.Metric, wrong: Iterable[WrongCell]) -> dict[str, Any]:
    """What is wrong as JSON, by the names of dimensions; of many the first, and how many there are besides."""
    names = [one.name for one in metric.definition.groups]
    some = sorted(wrong, key=lambda one: (one.place, str(one.dims), str(one.day), str(one.value)))
    lines = [
        {
            "group": dict(zip(names, one.dims, strict=False)),
            "in": one.place,
            **({"day": one.day.isoformat()} if one.day else {}),
            **({"value": one.value} if one.value is not None else {}),
            "stored": _shown(one.stored),
            "right": _shown(one.right),
        }
        for one in some[:MOST_TOLD]
    ]
    return {"cells": lines, "more": len(some) - len(lines)}


def _shown(told: Any) -> Any:
    """A count with its amount, or a row's three numbers, by name; numbers as exact decimals in text."""
    if not isinstance(told, tuple):
        return decimal_text(told) if isinstance(told, Decimal) else told
    words = ("n", "with_value", "sum") if len(told) == 3 else ("n", "amount")
    return {name: decimal_text(one) if isinstance(one, Decimal) else one for name, one in zip(words, told, strict=True)}
