"""Weights of groups, by which days of the ledger are proven, and putting cells right.

Not for events: those are written by `store.write`, which keeps weights beside totals.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from services.reporting.domain.weighing import Sum
from services.reporting.metrics import store
from services.reporting.metrics.compiling import Dims
from services.reporting.metrics.deltas import Deltas, Sums
from services.reporting.tables import WEIGH, WEIGHT
from shared.kernel.db import Connection

Days = dict[date, Sum]
_WEIGHED = f"""select dims, sum(n)::bigint, sum(m)::bigint, sum(s), sum({WEIGHT}) from ledger
where metric_id = %(id)s group by dims"""
_KEPT = "select dims, weight from total where metric_id = %(id)s"
_ZERO = Decimal(0)
_DAYS = """select dims, day, sum(n)::bigint, sum(m)::bigint, sum(s) from ledger where metric_id = %(id)s
group by dims, day"""
_EMPTY = "delete from cell where metric_id = %(id)s and n = 0 and m = 0 and s = 0"
_SUM_UP = f"""insert into total (metric_id, dims, n, m, s, weight)
select metric_id, dims, sum(n), sum(m), sum(s), sum({WEIGHT}) from ledger where metric_id = %(id)s
group by metric_id, dims"""
_TAKE_WEIGHTS = """insert into total (metric_id, dims, n, m, s, weight)
select %(id)s, dims, 0, 0, 0, weight from total where metric_id = %(of)s
on conflict (metric_id, dims) do update set weight = excluded.weight"""


def weigh(connection: Connection) -> None:
    """Take the ledger for right as it is."""
    connection.run(WEIGH)


def take_weights(connection: Connection, ident: int, of: int) -> None:
    """A generation that goes on with the ledger of another has its weights."""
    pair = {"id": ident, "of": of}
    connection.run("update total set weight = 0 where metric_id = %(id)s", pair)
    connection.run(_TAKE_WEIGHTS, pair)


def weighed(connection: Connection, ident: int) -> tuple[dict[Dims, Sum], dict[Dims, Decimal]]:
    """The ledger summed up, and the groups whose days are not what was written, with the weight they should have."""
    kept = {tuple(dims): weight for dims, weight in connection.rows(_KEPT, {"id": ident})}
    rows = connection.rows(_WEIGHED, {"id": ident})
    found = {tuple(row[0]): row[4] for row in rows}
    differing = {dims for dims in {*kept, *found} if kept.get(dims, _ZERO) != found.get(dims, _ZERO)}
    return store.group_rows(rows), {dims: kept.get(dims, _ZERO) for dims in differing}


def days_of(connection: Connection, ident: int, groups: Collection[Dims]) -> dict[Dims, Days]:
    """The ledger of some groups, day by day."""
    wanted, found = set(groups), defaultdict[Dims, Days](dict)
    for dims, day, n, m, s in connection.rows(_DAYS, {"id": ident}):
        if (key := tuple(dims)) in wanted:
            found[key][day] = (n, m, s)
    return {dims: found[dims] for dims in wanted}


def put_right(
    connection: Connection,
    ident: int,
    differences: Mapping[tuple[Dims, date], Sum],
    valued: Mapping[tuple[Dims, str], int],
    numeric: bool,
) -> None:
    """Add what is missing to days of the ledger; totals, with their weights, and counted values are made anew."""
    repair = Deltas()
    for place, one in differences.items():
        repair.cells[place] = Sums(*one)
    repair.values.update(valued)
    for table in ("total", "cell_value"):
        connection.run(f"delete from {table} where metric_id = %(id)s", {"id": ident})
    store.write(connection, {ident: (numeric, repair)})
    # What was just added to empty totals is only the difference: they are the ledger, summed up.
    connection.run("delete from total where metric_id = %(id)s", {"id": ident})
    connection.run(_EMPTY, {"id": ident})
    connection.run(_SUM_UP, {"id": ident})
    store.note_change(connection, [ident])


def amount_of(value: str, numeric: bool) -> Any:
    """The number that a counted value stands for, None where values are compared as text."""
    return Decimal(value) if numeric else None
