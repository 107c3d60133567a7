"""Questions that no metric covers: worked out from the replica when they are asked, within a time budget.

The cells of the question are made as a metric's would be, by the same filter, groups and measure, and read by the same
statements; they are kept nowhere. Entities that are alike in all that the question looks at are counted together by
the database first. What takes longer than the budget is refused: a metric for it answers at once, at any size.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import psycopg

from services.reporting.answering import (
    Answer,
    Answers,
    Part,
    Told,
    cells_of,
    permit,
    reached,
    read,
    sources_of,
    tabled,
    today,
)
from services.reporting.commands import refused
from services.reporting.documents import table_document
from services.reporting.domain.definitions import Definition, Measure, Wrong, read_definition
from services.reporting.domain.exact import plus
from services.reporting.domain.questions import QUESTION_KEYS, Question, Table
from services.reporting.freshness import check_fresh
from services.reporting.incomplete import missing
from services.reporting.metrics import store
from services.reporting.metrics.compiling import Compiled, compile_metric
from services.reporting.metrics.deltas import Sums
from services.reporting.metrics.wheres import check_where
from services.reporting.projections import counts_numbers
from shared.kernel.clock import monotonic, now
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.kernel.errors import Invalid
from shared.kernel.json import loads
from shared.service.permissions import REPORTS_READ, require, require_scope
from shared.service.replica.catalogs import KnownType
from shared.service.replica.linkages import lead_sql

BUDGET_SECONDS = 5.0
MOST_CELLS = 100_000
NAME = "question"
_PORTION = 5000
_SNAPSHOT = "set transaction isolation level repeatable read, read only"
_ALIKE = """select jsonb_strip_nulls(jsonb_build_object({pairs}))::text, count(*), count({measure}),
    coalesce(sum(({measure})::numeric), 0)
from fact f where type_no = %(no)s and not archived group by 1"""
Cell = tuple[str | None, ...]


class _TooLong(Exception):
    """The budget is used up."""


def ask(answers: Answers, ctx: Context, raw: Mapping[str, Any], fresh: str = "any") -> Answer:
    """Answer a question about entities; nothing of it is kept.

    Raises NotFound, Forbidden, Invalid (also when it takes too long), and Unavailable when it is not fresh.
    """
    require_scope(ctx.actor, REPORTS_READ)
    check_fresh(fresh)
    asked = now()
    definition = _definition(raw)
    with answers.database.connect() as connection:
        known = answers.projections.catalogs.types(connection).type(definition.entity_type)
    require(ctx.actor, "objects", known.live.defn, "read")
    compiled = compile_metric(definition, known)
    question = read(_question(raw, definition), definition)
    permit(ctx, compiled, compiled.joins)
    part = Part(_stand_in(definition), known, compiled)
    sources = sources_of([part])
    answers.wait(sources, fresh, asked)
    with answers.database.connect() as connection:
        check_where(connection, [(0, known, compiled)], question)
        as_of = reached(connection, sources)
        lacking = missing(connection, sources)
        found = _table(connection, part, question)
    told: dict[str, Any] = {"metric": None, "label": definition.label, "definition_version": None, "precomputed": False}
    told |= {"verified_at": None, "unit": definition.unit, "dimensions": list(definition.offered)}
    told |= {**table_document(question, found, as_of), **lacking.document}
    return Answer(told, "", Told(part, question, found))


def _definition(raw: Mapping[str, Any]) -> Definition:
    """What would be the metric. Dimensions need not be said apart from those that the question names."""
    given = {key: value for key, value in raw.items() if key not in QUESTION_KEYS}
    if "dimensions" not in given:
        given["dimensions"] = _named(raw)
    if "time" not in given and any(raw.get(key) is not None for key in ("period", "series")):
        given["time"] = {"attribute": "created_at"}
    try:
        definition = read_definition({**given, "name": NAME})
    except Wrong as error:
        raise refused(error) from error
    if definition.measure.kind == "ratio":
        raise Invalid.one("measure.kind", "INVALID_QUESTION", "a ratio is made of two metrics: define it")
    measure = " of ".join(one for one in (definition.measure.kind, definition.measure.attribute) if one)
    told = definition.label if definition.label != NAME else f"{definition.entity_type}: {measure}"
    return replace(definition, label=told)


def _named(raw: Mapping[str, Any]) -> list[Any]:
    by = raw.get("by") or []
    names = [one.strip() for one in by.split(",")] if isinstance(by, str) else list(by) if isinstance(by, list) else []
    names += list(raw["where"]) if isinstance(raw.get("where"), Mapping) else []
    names += [raw["pivot"]] if isinstance(raw.get("pivot"), str) and raw["pivot"] != "time" else []
    return list(dict.fromkeys(one for one in names if isinstance(one, str) and one))


def _question(raw: Mapping[str, Any], definition: Definition) -> dict[str, Any]:
    asked = {key: value for key, value in raw.items() if key in QUESTION_KEYS}
    return asked if "by" in asked else {**asked, "by": list(definition.names)}


def _stand_in(definition: Definition) -> store.Metric:
    """A metric that is none: its cells are those that were worked out."""
    when = now()
    return store.Metric(0, NAME, 0, definition.entity_type, definition, store.READY, 0, 0, None, None, None, when, when)


def _table(connection: Connection, part: Part, question: Question) -> Table:
    deadline = monotonic() + BUDGET_SECONDS
    try:
        with connection.transaction():
            connection.run(_SNAPSHOT)
            connection.run(f"set local statement_timeout = {int(BUDGET_SECONDS * 1000)}")
            cells = replace(
                cells_of(part, today(part.metric.definition)), worked_out=_cells(connection, part, deadline)
            )
            return tabled(connection, [cells], question)
    except (psycopg.errors.QueryCanceled, _TooLong) as error:
        told = f"the answer takes longer than {BUDGET_SECONDS:g} s to work out: define a metric for it"
        raise Invalid.one("filter", "TIME_BUDGET", told) from error


def _cells(connection: Connection, part: Part, deadline: float) -> dict[str, list[dict[str, Any]]]:
    """The rows that a metric's tables would have."""
    work = _Work(part.compiled, part.known)
    pairs, params = work.alike
    measure = "f.values->>%(measure)s" if work.numeric else "null"
    sql = _ALIKE.format(pairs=pairs, measure=measure)
    params |= {"no": part.known.no, "measure": work.measured}
    for some in connection.portions(sql, params, _PORTION):
        if monotonic() > deadline:
            raise _TooLong
        for text, n, m, s in some:
            work.count(loads(text), n, m, s)
    return work.rows()


@dataclass(slots=True)
class _Work:
    """The cells of a question while they are counted."""

    compiled: Compiled
    known: KnownType
    sums: dict[Cell, Sums]
    values: dict[tuple[Cell, str], int]
    grouping: Compiled
    numeric: bool
    measured: str

    def __init__(self, compiled: Compiled, known: KnownType) -> None:
        measure = compiled.definition.measure
        self.compiled, self.known = compiled, known
        self.sums, self.values = {}, {}
        self.numeric = measure.kind in ("sum", "average")
        self.measured = known.live.attribute(measure.attribute).key if measure.attribute else ""
        # What is summed up need not be alike; everything else that the question looks at must be.
        plain = replace(
            compiled.definition, measure=Measure("count", "", "", "", measure.currency, measure.to, measure.at)
        )
        self.grouping = compile_metric(plain, known) if self.numeric else compiled

    @property
    def alike(self) -> tuple[str, dict[str, Any]]:
        """SQL of all values that entities must have in common to be counted together, and what it binds."""
        params: dict[str, Any] = {}
        pairs = []
        ways = {one.key: one for one in self.grouping.linkages}
        for place, key in enumerate(self.grouping.keys):
            params[f"k{place}"] = key
            value = f"f.values->%(k{place})s::text"
            if key in ways:
                value = f"({lead_sql(ways[key], 'f.id')})::text"
            pairs.append(f"%(k{place})s::text, {value}")
        return ", ".join(pairs), params

    def count(self, values: Mapping[str, Any], n: int, m: int, s: Decimal) -> None:
        """Take some entities into account."""
        one = self.grouping.of(values)
        if one is None:
            return
        sums = self.sums.setdefault(one.dims, Sums())
        sums.n += n
        sums.m += m if self.numeric else n * one.m
        sums.s = plus(sums.s, s)
        if one.value is not None:
            key = (one.dims, one.value)
            self.values[key] = self.values.get(key, 0) + n
        if len(self.sums) + len(self.values) > MOST_CELLS:
            told = f"by: more than {MOST_CELLS} cells; narrow the question down, or define a metric for it"
            raise Invalid.one("by", "TOO_MANY_GROUPS", told)

    def rows(self) -> dict[str, list[dict[str, Any]]]:
        """As the tables `total` and `cell_value` would hold them."""
        numbers = counts_numbers(self.compiled, self.known)
        return {
            "total": [{"dims": dims, "n": one.n, "m": one.m, "s": f"{one.s:f}"} for dims, one in self.sums.items()],
            "cell_value": [
                {"dims": dims, "value": value, "amount": value if numbers else None, "n": n}
                for (dims, value), n in self.values.items()
            ],
        }
