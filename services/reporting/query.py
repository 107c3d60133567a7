"""Answering questions from cells: one statement over a metric's totals, or over its ledger up to a day.

Measures that sums answer read `total` (now) or `cell` (as of); min, max and distinct read counted values, which are
kept for the present only. Ratios are two questions, put together group by group.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from services.reporting.domain.definitions import TIME, Definition
from services.reporting.domain.periods import Period
from services.reporting.domain.questions import MOST_GROUPS, Group, Question, Row
from services.reporting.metrics.compiling import COUNTED_BY_VALUE
from services.reporting.metrics.store import Metric
from shared.kernel.db import Connection
from shared.kernel.errors import Invalid

Groups = dict[Group, tuple[Decimal | str | None, int]]


def answer(connection: Connection, metric: Metric, question: Question) -> list[Row]:
    """All groups, in no particular order; compared with the period before where that was asked for."""
    found = groups(connection, metric, question, question.period)
    before: Groups = {}
    if question.before is not None:
        before = groups(connection, metric, question, question.before)
    nothing: tuple[Decimal | str | None, int] = (_NONE_IS[metric.definition.measure.kind](), 0)
    # Without groups there is always an answer, be it that there is nothing.
    keys = list(dict.fromkeys([*found, *before, *([] if question.columns else [()])]))
    rows = []
    for key in keys:
        value, n = found.get(key, nothing)
        rows.append(Row(key, value, n, before.get(key, nothing)[0] if question.compare else None))
    return rows


def _zero() -> Decimal:
    return Decimal(0)


def _unknown() -> None:
    return None


_NONE_IS: Mapping[str, Callable[[], Decimal | None]] = {
    "count": _zero,
    "sum": _zero,
    "distinct": _zero,
    "average": _unknown,
    "min": _unknown,
    "max": _unknown,
}


def groups(connection: Connection, metric: Metric, question: Question, period: Period | None) -> Groups:
    """(value, entities) by group. Raises Invalid on what is not kept, or on too many groups."""
    definition = metric.definition
    by_value = definition.measure.kind in COUNTED_BY_VALUE
    if by_value and question.as_of is not None:
        kind = definition.measure.kind
        raise Invalid.one(
            "as_of", "NOT_KEPT", f"as_of: {kind} is kept for the present only; count, sum and average by day"
        )
    if not by_value:
        table = "total" if question.as_of is None else "cell"
        return {
            key: (_value(row), int(row[1])) for key, row in _read(connection, metric, question, period, table).items()
        }
    # Entities without a value belong to their group, too; they are not among the values counted.
    everyone = _read(connection, metric, question, period, "total", _VALUES["count"])
    valued = _read(connection, metric, question, period, "cell_value")
    none = Decimal(0) if definition.measure.kind == "distinct" else None
    return {key: (_value(valued[key]) if key in valued else none, int(row[1])) for key, row in everyone.items()}


def _read(
    connection: Connection,
    metric: Metric,
    question: Question,
    period: Period | None,
    table: str,
    values: Sequence[str] | None = None,
) -> dict[Group, tuple[Any, ...]]:
    """The columns of the measure by group, of groups that somebody is in. Raises Invalid when there are too many."""
    definition = metric.definition
    params: dict[str, Any] = {"metric": metric.id}
    conditions = ["metric_id = %(metric)s", *_conditions(definition, question, period, params)]
    if question.as_of is not None:
        params["as_of"] = question.as_of
        conditions.append("day <= %(as_of)s")
    columns = [_column(definition, question, name) for name in question.columns]
    select = ", ".join([*columns, *(values or _VALUES[definition.measure.kind])])
    grouped = f" group by {', '.join(str(n + 1) for n in range(len(columns)))}" if columns else ""
    sql = f"select {select} from {table} where {' and '.join(conditions)}{grouped} limit {MOST_GROUPS + 1}"
    rows = connection.rows(sql, params)
    if len(rows) > MOST_GROUPS:
        raise Invalid.one("by", "TOO_MANY_GROUPS", f"by: more than {MOST_GROUPS} groups; narrow the question down")
    width = len(columns)
    return {tuple(row[:width]): row[width:] for row in rows if row[width + 1]}


_VALUES: Mapping[str, tuple[str, ...]] = {
    "count": ("sum(n)", "sum(n)"),
    "sum": ("sum(s)", "sum(n)"),
    "average": ("sum(s) / nullif(sum(m), 0)", "sum(n)"),
    # Numbers by their amount; dates, which have none, as the text that orders like them.
    "min": ("min(amount)", "sum(n)", "min(value)"),
    "max": ("max(amount)", "sum(n)", "max(value)"),
    "distinct": ("count(distinct value)", "sum(n)"),
}


def _value(found: Sequence[Any]) -> Decimal | str | None:
    amount, _, *text = found
    return text[0] if amount is None and text else None if amount is None else Decimal(amount)


def _place(definition: Definition, name: str) -> int:
    """The position of a dimension in a cell's group, from 1."""
    return [one.name for one in definition.groups].index(name) + 1


def _column(definition: Definition, question: Question, name: str) -> str:
    """The text of one dimension; the time dimension in the bucket asked for."""
    column = f"dims[{_place(definition, name)}]"
    if name == TIME and question.series != "day":
        return f"to_char(date_trunc('{question.series}', {column}::date), 'YYYY-MM-DD')"
    return column


def _conditions(
    definition: Definition, question: Question, period: Period | None, params: dict[str, Any]
) -> Sequence[str]:
    found = []
    for n, (name, wanted) in enumerate(question.where.items()):
        column = f"dims[{_place(definition, name)}]"
        params[f"w{n}"] = [one for one in wanted if one is not None]
        unset = f" or {column} is null" if None in wanted else ""
        found.append(f"({column} = any(%(w{n})s::text[]){unset})")
    if period is not None:
        params |= {"first": period.first.isoformat(), "last": period.last.isoformat()}
        found.append(f"dims[{_place(definition, TIME)}] between %(first)s and %(last)s")
    return found
