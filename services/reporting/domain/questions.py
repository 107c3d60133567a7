"""What can be asked of a metric, read from JSON and checked against its definition; and what is made of the groups
that come back: order, top, comparison, shares. Pure.

    {"by": [dimension, ..], "where": {dimension: value | [values] (null: without a value)}, "period": text,
     "series": "day|week|month|quarter|year", "pivot": dimension | "time", "compare": "previous" | "year_before",
     "as_of": "YYYY-MM-DD", "sort": "value" | "-value" | "group" | "-group", "top": n}

Of a dimension with buckets, `where` may name a range instead of values, such as "now..now+2h" or "..now-7d".

A pivot lays one dimension, or the series, across: rows by columns, with totals of both. With a top, what is not shown
stands in one line of others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from services.reporting.domain.definitions import BUCKETS, TIME, Definition, Problem, Wrong
from services.reporting.domain.exact import exact
from services.reporting.domain.periods import Period, is_range, moves, parse_period, parse_range

SORTS = ("value", "-value", "group", "-group")
COMPARISONS = ("previous", "year_before")
MOST_GROUPS = 10_000
MOST_VALUES = 1000
MOST_NUMBER = 2**63 - 1
QUESTION_KEYS = ("by", "where", "period", "series", "pivot", "compare", "as_of", "sort", "top")
Group = tuple[str | None, ...]
Value = Decimal | str | None


@dataclass(frozen=True, slots=True)
class Question:
    """A checked question. `by` are names of dimensions; the time dimension, when asked for as a series, is the last.
    within: the first and the last bucket of dimensions, "" for an open end; moving: these are others a minute later.
    pivot: the dimension that is laid across, and not among those; "" for none."""

    by: tuple[str, ...] = ()
    where: Mapping[str, tuple[str | None, ...]] = field(default_factory=dict)
    within: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    moving: bool = False
    period: Period | None = None
    series: str = ""
    pivot: str = ""
    compare: str = ""
    as_of: date | None = None
    sort: str = "-value"
    top: int | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The dimensions of a row's group, in order."""
        return (*self.by, TIME) if self.series and self.pivot != TIME else self.by

    @property
    def named(self) -> frozenset[str]:
        """Every dimension that it has to do with."""
        return frozenset({*self.columns, *self.where, *self.within, *([self.pivot] if self.pivot else [])})

    @property
    def before(self) -> Period | None:
        """The period to compare with."""
        if self.period is None or not self.compare:
            return None
        return self.period.before if self.compare == "previous" else self.period.year_before


class _Reader:
    def __init__(self, names: Sequence[str], today: date) -> None:
        self.problems: list[Problem] = []
        self.names = names
        self.today = today

    def wrong(self, where: str, message: str) -> None:
        self.problems.append((where, "INVALID_QUESTION", f"{where}: {message}"))

    def dimension(self, name: Any, where: str) -> str:
        if name not in self.names:
            known = ", ".join(self.names) or "none at all"
            self.wrong(where, f"{str(name)[:60]} is not a dimension of this metric; it has {known}")
        return str(name)

    def by(self, raw: Any) -> tuple[str, ...]:
        if isinstance(raw, str):
            raw = [one.strip() for one in raw.split(",") if one.strip()]
        if not isinstance(raw, list):
            self.wrong("by", "expected a list of dimensions")
            return ()
        found = tuple(self.dimension(one, "by") for one in raw)
        if len(set(found)) < len(found):
            self.wrong("by", "a dimension is named twice")
        return found

    def where(self, raw: Any) -> dict[str, tuple[str | None, ...]]:
        if not isinstance(raw, Mapping):
            self.wrong("where", "expected an object of dimensions and their values")
            return {}
        found = {}
        for name, given in raw.items():
            listed = given if isinstance(given, list) else [given]
            if not 0 < len(listed) <= MOST_VALUES:
                self.wrong(f"where.{name}", f"expected 1 to {MOST_VALUES} values")
            if any(one is not None and not isinstance(one, str | int | bool) for one in listed):
                self.wrong(f"where.{name}", "expected texts, or null for what has no value")
                continue
            if any(isinstance(one, int) and abs(one) > MOST_NUMBER for one in listed):
                self.wrong(f"where.{name}", f"expected numbers of at most {MOST_NUMBER}")
                continue
            found[self.dimension(name, "where")] = tuple(_text(one) for one in listed)
        return found

    def ranges(self, raw: Any, definition: Definition, moment: datetime) -> dict[str, tuple[str, str]]:
        buckets = {one.name: one for one in definition.dimensions if one.bucket}
        found = {}
        for name, text in _ranges(raw, definition).items():
            try:
                found[name] = parse_range(text, buckets[name].bucket, buckets[name].time_zone, moment)
            except ValueError as error:
                self.wrong(f"where.{name}", str(error))
        return found

    def pivot(self, raw: Any, by: Sequence[str], question: Mapping[str, Any]) -> str:
        if raw == TIME and not question.get("series"):
            self.wrong("pivot", "time is laid across as a series: say which, such as month")
        elif raw != TIME:
            self.dimension(raw, "pivot")
        if raw in by:
            self.wrong("pivot", f"{str(raw)[:60]} is among the rows")
        if question.get("compare"):
            self.wrong("compare", "is not offered together with a pivot")
        return str(raw)

    def period(self, raw: Any, *, timed: bool) -> Period | None:
        if not timed:
            self.wrong("period", "this metric has no time, so that it knows no periods")
            return None
        try:
            return parse_period(str(raw), self.today)
        except (ValueError, OverflowError) as error:
            self.wrong("period", str(error))
            return None

    def choice(self, raw: Mapping[str, Any], key: str, allowed: Sequence[str], default: str = "") -> str:
        value = raw.get(key, default)
        if value != default and value not in allowed:
            self.wrong(key, f"use one of {', '.join(allowed)}")
            return default
        return str(value)

    def as_of(self, raw: Any) -> date | None:
        try:
            day = date.fromisoformat(raw)
        except (TypeError, ValueError):
            self.wrong("as_of", "expected a day such as 2026-03-31")
            return None
        if day > self.today:
            self.wrong("as_of", f"{day} lies in the future: the last day is {self.today}")
        return day

    def top(self, raw: Any) -> int | None:
        if isinstance(raw, bool) or not isinstance(raw, int) or not 0 < raw <= MOST_GROUPS:
            self.wrong("top", f"expected a number from 1 to {MOST_GROUPS}")
            return None
        return raw


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def _ranges(raw: Any, definition: Definition) -> dict[str, str]:
    """Those dimensions of a `where` that a range is asked for of: it stands alone, and they have buckets."""
    bucketed = {one.name for one in definition.dimensions if one.bucket}
    given = raw.items() if isinstance(raw, Mapping) else ()
    alone = {name: one[0] if isinstance(one, list) and len(one) == 1 else one for name, one in given}
    return {name: one for name, one in alone.items() if name in bucketed and isinstance(one, str) and is_range(one)}


def read_question(
    raw: Mapping[str, Any], definition: Definition, today: date, moment: datetime | None = None
) -> Question:
    """The question in parsed JSON; moment: the present one. Raises Wrong with every problem."""
    reader = _Reader(definition.offered, today)
    for key in raw:
        if key not in QUESTION_KEYS:
            reader.wrong(str(key)[:60], f"is not known here; known are {', '.join(QUESTION_KEYS)}")
    timed = definition.time is not None
    series = reader.choice(raw, "series", BUCKETS)
    if series and not timed:
        reader.wrong("series", "this metric has no time, so that it makes no series")
    by = reader.by(raw.get("by", []))
    period = reader.period(raw["period"], timed=timed) if raw.get("period") is not None else None
    compare = reader.choice(raw, "compare", COMPARISONS)
    if compare and period is None:
        reader.wrong("compare", "needs a period")
    if compare and series:
        reader.wrong("compare", "a series has its own past: ask for a longer period instead")
    where = {} if raw.get("where") is None else raw["where"]
    ranges = _ranges(where, definition)
    values = {name: one for name, one in where.items() if name not in ranges} if ranges else where
    found = Question(
        by=by,
        where=reader.where(values),
        within=reader.ranges(where, definition, moment or datetime.now(UTC)),
        moving=any(moves(one) for one in ranges.values()),
        period=period,
        series=series,
        pivot=reader.pivot(raw["pivot"], by, raw) if raw.get("pivot") is not None else "",
        compare=compare,
        as_of=reader.as_of(raw["as_of"]) if raw.get("as_of") is not None else None,
        sort=reader.choice(raw, "sort", SORTS, "group" if series else "-value"),
        top=reader.top(raw["top"]) if raw.get("top") is not None else None,
    )
    if reader.problems:
        raise Wrong(reader.problems)
    return found


@dataclass(frozen=True, slots=True)
class Row:
    """One group: its value (None where there is none to tell), how many entities (of an average, those with a value;
    of a ratio, its divisor's), the value compared with; the values across, in the order of the columns."""

    group: Group
    value: Value
    n: int
    previous: Value = None
    cells: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """An answer's groups. columns: the groups across. total: of everything; others: of the rows that the top left out,
    `hidden` many; both only where they were asked for. unconverted: (currency, entities, amount) without a rate."""

    rows: tuple[Row, ...]
    columns: tuple[str | None, ...] = ()
    total: Row | None = None
    others: Row | None = None
    hidden: int = 0
    unconverted: tuple[tuple[str | None, int, Decimal], ...] = ()


def ordered(rows: Iterable[Row], question: Question) -> list[Row]:
    """Rows in the order asked for, groups without a value last, ties by group."""
    found = sorted(rows, key=lambda row: group_key(row.group))
    if question.sort.endswith("group"):
        return found[::-1] if question.sort.startswith("-") else found
    valued = [row for row in found if row.value is not None]
    valued.sort(key=lambda row: _value_key(row.value), reverse=question.sort.startswith("-"))
    return valued + [row for row in found if row.value is None]


def group_key(group: Group) -> tuple[tuple[bool, str], ...]:
    """What groups are ordered by: those without a value come last."""
    return tuple((one is None, one or "") for one in group)


def _value_key(value: Value) -> tuple[bool, Any]:
    return isinstance(value, str), value


@exact
def change(value: Value, previous: Value) -> Decimal | None:
    """How much more than before, as a share to six places; None when that cannot be said."""
    if not isinstance(value, Decimal) or not isinstance(previous, Decimal) or not previous:
        return None
    return round((value - previous) / abs(previous), 6)
