"""Answering questions from cells: one statement over a metric's totals, or over its ledger up to a day.

Measures that sums answer read `total` (now) or `cell` (as of); min, max and distinct read counted values, which are
kept for the present only. Attributes of other types are joined to the ids that cells hold, as they are now; amounts
are told in the metric's currency at the rates of their days.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from services.reporting.domain.definitions import CURRENCY, FINE, LINKED, RATE_DAY, REPORT_DAY, TIME, Definition
from services.reporting.domain.periods import Period
from services.reporting.domain.questions import MOST_GROUPS, Group, Question, Value
from services.reporting.metrics.compiling import COUNTED_BY_VALUE, Join
from services.reporting.rates import Rates, rates_sql
from shared.kernel.db import Connection
from shared.kernel.errors import Invalid
from shared.kernel.json import dumps
from shared.service.replica.conditions import LinkedTest

_FIRST_DAY = "select min(day) from ledger where metric_id = any(%(ids)s)"
Groups = dict[Group, tuple[Value, int]]
"""(value, entities; of an average, those with a value) by group."""


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of a metric. worked_out: those of a question that no metric covers, by the name of their table."""

    ident: int
    definition: Definition
    joins: Mapping[str, Join] = field(default_factory=dict)
    rates: Rates | None = None
    worked_out: Mapping[str, Sequence[Mapping[str, Any]]] | None = None
    beyond: tuple[LinkedTest, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one statement should tell: the groups by these dimensions, in a period, without some groups."""

    columns: tuple[str, ...]
    period: Period | None
    without: Sequence[Group] = ()
    without_by: tuple[str, ...] = ()


def nothing(definition: Definition) -> Value:
    """The value of a group that nobody is in."""
    return Decimal(0) if definition.measure.kind in ("count", "sum", "distinct") else None


def groups(connection: Connection, cells: Cells, question: Question, wanted: Wanted) -> Groups:
    """Raises Invalid on what is not kept, or on too many groups. Without columns there is always one group."""
    kind = cells.definition.measure.kind
    by_value = kind in COUNTED_BY_VALUE
    _refuse(cells, question, by_value)
    if by_value:
        # Entities without a value belong to their group, too; they are not among the values counted, nor told of.
        everyone = _read(connection, cells, question, wanted, "total", _VALUES["valued"])
        valued = _read(connection, cells, question, wanted, "cell_value", _VALUES[kind])
        none = nothing(cells.definition)
        found = {key: (_value(valued[key]) if key in valued else none, int(row[-1])) for key, row in everyone.items()}
    else:
        table = "total" if question.as_of is None else "ledger"
        values = _VALUES["converted" if cells.definition.measure.to else kind]
        rows = _read(connection, cells, question, wanted, table, values)
        # Of an average those entities are told that have a value: what was averaged.
        found = {key: (_value(row[:2]), int(row[-1])) for key, row in rows.items()}
    if not wanted.columns:
        found.setdefault((), (nothing(cells.definition), 0))
    return found


def known_from(connection: Connection, cells: Sequence[Cells], question: Question) -> dict[str, str | None]:
    """Of a question about a past day: since which day changes are counted at all. What is asked of before is nothing,
    since nobody was counting then; null while nothing was counted yet."""
    if question.as_of is None:
        return {}
    row = connection.row(_FIRST_DAY, {"ids": [one.ident for one in cells]})
    return {"known_from": None if row is None or row[0] is None else row[0].isoformat()}


def _refuse(cells: Cells, question: Question, by_value: bool) -> None:
    if question.as_of is None:
        return
    message = ""
    if cells.worked_out is not None:
        message = "a question that no metric covers is answered as of now only; define a metric for it"
    elif by_value:
        kind = cells.definition.measure.kind
        message = f"{kind} is kept for the present only; count, sum and average by day"
    elif joined := sorted((question.named | {one.name for one in cells.beyond}) & cells.joins.keys()):
        name = joined[0].removeprefix(LINKED)
        message = f"{name} is an attribute of linked entities, which is joined as it is now; past days are not kept"
    if message:
        raise Invalid.one("as_of", "NOT_KEPT", f"as_of: {message}")


def unconverted(
    connection: Connection, cells: Cells, question: Question
) -> tuple[tuple[str | None, int, Decimal], ...]:
    """(currency, entities, amount) of what has an amount and no rate on its day."""
    table = "total" if question.as_of is None else "ledger"
    wanted = Wanted((CURRENCY,), question.period)
    rows = _read(connection, cells, question, wanted, table, ("sum(c.s)", "sum(c.m)"), "rate is null and c.m <> 0")
    return tuple((key[0], int(row[1]), Decimal(row[0])) for key, row in rows.items())


def _read(
    connection: Connection,
    cells: Cells,
    question: Question,
    wanted: Wanted,
    table: str,
    values: Sequence[str],
    more: str = "true",
) -> dict[Group, tuple[Any, ...]]:
    """These expressions by group, of groups that somebody is in. Raises Invalid when there are too many."""
    params: dict[str, Any] = {"metric": cells.ident}
    place = _Place(cells, question, params)
    columns = [place.column(name, bucketed=True) for name in wanted.columns]
    conditions = ["metric_id = %(metric)s", more, *place.conditions(wanted)]
    if question.as_of is not None:
        params["as_of"] = question.as_of
        conditions.append("c.day <= %(as_of)s")
    select = ", ".join([*columns, *values])
    grouped = f" group by {', '.join(str(n + 1) for n in range(len(columns)))}" if columns else ""
    given, joined = place.tables(table)
    sql = f"{given}select {select} from {table} c{joined} where {' and '.join(conditions)}{grouped}"
    rows = connection.rows(f"{sql} limit {MOST_GROUPS + 1}", params)
    if len(rows) > MOST_GROUPS:
        raise Invalid.one("by", "TOO_MANY_GROUPS", f"by: more than {MOST_GROUPS} groups; narrow the question down")
    width = len(columns)
    return {tuple(row[:width]): row[width:] for row in rows if row[width + 1]}


_VALUES: Mapping[str, tuple[str, ...]] = {
    "count": ("sum(c.n)", "sum(c.n)"),
    "valued": ("sum(c.n)", "sum(c.n)", "sum(c.m)"),
    "sum": ("sum(c.s)", "sum(c.n)"),
    "converted": ("coalesce(sum(c.s * rate), 0)", "sum(c.n)"),
    "average": ("sum(c.s) / nullif(sum(c.m), 0)", "sum(c.n)", "sum(c.m)"),
    # Numbers by their amount; dates, which have none, as the text that orders like them.
    "min": ("min(c.amount)", "sum(c.n)", "min(c.value)"),
    "max": ("max(c.amount)", "sum(c.n)", "max(c.value)"),
    "distinct": ("count(distinct c.value)", "sum(c.n)"),
}
_ROWS: Mapping[str, str] = {
    "total": "dims text[], n bigint, m bigint, s numeric",
    "cell_value": "dims text[], value text, amount numeric, n bigint",
}


def _value(found: Sequence[Any]) -> Value:
    amount, _, *text = found
    return text[0] if amount is None and text else None if amount is None else Decimal(amount)


class _Place:
    """Where a statement finds the dimensions of a metric."""

    def __init__(self, cells: Cells, question: Question, params: dict[str, Any]) -> None:
        self._cells = cells
        self._question = question
        self._params = params
        self._names = [one.name for one in cells.definition.groups]
        self._joined: dict[str, str] = {}

    def column(self, name: str, *, bucketed: bool = False) -> str:
        """The text of one dimension; the time dimension in the bucket asked for."""
        column = f"c.dims[{self._names.index(name) + 1}]"
        if name == TIME and bucketed and self._question.series not in ("", "day"):
            return f"to_char(date_trunc('{self._question.series}', {column}::date), 'YYYY-MM-DD')"
        join = self._cells.joins.get(name)
        return column if join is None else self._other(name, join, column)

    def _other(self, name: str, join: Join, column: str) -> str:
        """The attribute of the entity that the id in a column leads to."""
        one = next(one for one in self._cells.definition.groups if one.name == name)
        alias = f"f{self._names.index(name)}"
        self._params[alias] = join.linkage.target.no
        on = f"{alias}.type_no = %({alias})s and {alias}.id = {column}::bigint and not {alias}.archived"
        self._joined[alias] = f" left join fact {alias} on {on}"
        value = f"{alias}.values->>'{int(join.attribute.key)}'"
        if one.bucket:
            self._params[f"{alias}z"] = one.time_zone
            local = f"({value})::timestamptz at time zone %({alias}z)s"
            day = local if join.attribute.kind == "datetime" else f"({value})::date"
            shape = 'YYYY-MM-DD"T"HH24:MI' if one.bucket in FINE else "YYYY-MM-DD"
            return f"to_char(date_trunc('{one.bucket}', {day}), '{shape}')"
        if join.attribute.kind == "multi_enumeration":
            several = f"jsonb_array_elements_text({alias}.values->'{int(join.attribute.key)}') with ordinality o(v, at)"
            return f"(select string_agg(v, ';' order by at) from {several})"
        return value

    def conditions(self, wanted: Wanted) -> list[str]:
        """What cells must be, to be counted."""
        found = []
        for n, (name, some) in enumerate(self._question.where.items()):
            column = self.column(name)
            self._params[f"w{n}"] = [one for one in some if one is not None]
            unset = f" or {column} is null" if None in some else ""
            found.append(f"({column} = any(%(w{n})s::text[]){unset})")
        for n, test in enumerate(self._cells.beyond):
            found.append(test.sql(self.column(test.name), self._params, f"b{n}"))
        for n, (name, (first, last)) in enumerate(self._question.within.items()):
            for sign, bound in ((">=", first), ("<=", last)):
                if bound:
                    self._params[f"r{n}{sign[0] == '<':d}"] = bound
                    found.append(f"{self.column(name)} {sign} %(r{n}{sign[0] == '<':d})s")
        if wanted.period is not None:
            self._params |= {"first": wanted.period.first.isoformat(), "last": wanted.period.last.isoformat()}
            found.append(f"{self.column(TIME)} between %(first)s and %(last)s")
        if wanted.without_by:
            columns = [self.column(name, bucketed=True) for name in wanted.without_by]
            names = [f"g{n}" for n in range(len(columns))]
            self._params["without"] = dumps([dict(zip(names, one, strict=True)) for one in wanted.without]).decode()
            told = ", ".join(f"{name} text" for name in names)
            same = " and ".join(
                f"w.{name} is not distinct from {column}" for name, column in zip(names, columns, strict=True)
            )
            found.append(f"not exists (select from json_to_recordset(%(without)s::json) w({told}) where {same})")
        return found

    def tables(self, table: str) -> tuple[str, str]:
        """What stands before the statement, and what is joined to its cells. Ask last: columns and conditions join."""
        given = []
        cells = self._cells
        if cells.worked_out is not None:
            self._params["given"] = dumps(cells.worked_out[table]).decode()
            rows = f"json_to_recordset(%(given)s::json) r({_ROWS[table]})"
            given.append(f"{table} as (select {cells.ident}::int metric_id, r.* from {rows})")
        joined = "".join(self._joined.values())
        if cells.rates is not None:
            daily = cells.definition.measure.at != REPORT_DAY
            day = f"({self.column(RATE_DAY)})::date" if daily else "%(rate_day)s::date"
            self._params |= cells.rates.params
            priced, price = rates_sql(table, self.column(CURRENCY), day)
            given += priced
            joined += price
        return (f"with {', '.join(given)} " if given else ""), joined
