"""A question about a metric, answered: rights, freshness, cache, presentation. The only way to a number.

Every answer carries `as_of` (nothing committed before it is missing), `lag_ms`, `verified_at`, `definition_version`.
`fresh`: `any` answers at once; `bounded` waits until the lag is below two seconds, `strong` until everything committed
before the question is in; both are refused after a while, never answered with less.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from services.reporting.cache import Cache
from services.reporting.commands import refused, serving
from services.reporting.domain.definitions import Definition, Wrong
from services.reporting.domain.questions import Question, Row, change, ordered, read_question
from services.reporting.metrics import store
from services.reporting.projections import Projections
from services.reporting.query import answer
from shared.kernel.clock import iso, monotonic, now
from shared.kernel.context import Context
from shared.kernel.db import Connection, Database
from shared.kernel.errors import Invalid, Unavailable
from shared.kernel.json import decimal_text
from shared.service.permissions import REPORTS_READ, require, require_scope
from shared.service.replica.catalogs import KnownType

FRESHNESS = ("any", "bounded", "strong")
BOUND = timedelta(seconds=2)
PATIENCE = 5.0
LOOK_EVERY = 0.01
Parts = list[tuple[store.Metric, KnownType]]
_AS_OF = "select min(as_of) from watermark where source = any(%(sources)s)"


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; `etag` names the rows, not the freshness around them."""

    body: dict[str, Any]
    etag: str


@dataclass(slots=True)
class Answers:
    """What a process needs to answer."""

    database: Database
    projections: Projections
    cache: Cache

    def ask(self, ctx: Context, name: str, raw: Mapping[str, Any], fresh: str = "any") -> Answer:
        """Answer a question. Raises NotFound, Forbidden, Invalid with every problem, Unavailable when not fresh."""
        require_scope(ctx.actor, REPORTS_READ)
        if fresh not in FRESHNESS:
            raise Invalid.one("fresh", "INVALID_PARAMETER", f"fresh: use one of {', '.join(FRESHNESS)}")
        asked = now()
        with self.database.connect() as connection:
            metric = serving(connection, name)
            parts = self._parts(connection, ctx, metric)
            question = _read(raw, parts[0][0].definition)
            sources = sorted({known.source for _, known in parts})
        if question.as_of is None:
            self._wait(sources, fresh, asked)
        with self.database.connect() as connection:
            as_of = _as_of(connection, sources)
            versions = store.changes(connection, [metric.id, *(one.id for one, _ in parts)])
            etag, rows = self.cache.rows(
                metric, versions, question, lambda: self._rows(connection, metric, parts, question)
            )
        return Answer(_document(metric, parts, question, rows, as_of), etag)

    def _parts(self, connection: Connection, ctx: Context, metric: store.Metric) -> Parts:
        """The metric, or the two that a ratio is made of, with their types; their entities must be readable."""
        measure = metric.definition.measure
        metrics = [metric]
        if measure.kind == "ratio":
            metrics = [serving(connection, one) for one in (measure.numerator, measure.denominator)]
        types = self.projections.catalogs.types(connection)
        parts = [(one, types.type(one.entity_type)) for one in metrics]
        for _, known in parts:
            require(ctx.actor, "objects", known.live.defn, "read")
        return parts

    def _wait(self, sources: Sequence[str], fresh: str, asked: datetime) -> None:
        if fresh == "any":
            return
        needed = asked if fresh == "strong" else asked - BOUND
        deadline = monotonic() + PATIENCE
        while True:
            with self.database.connect() as connection:
                as_of = _as_of(connection, sources)
            if as_of is not None and as_of >= needed:
                return
            if monotonic() >= deadline:
                raise Unavailable(f"reporting lags behind; nothing as fresh as {fresh} came within {PATIENCE:g} s")
            time.sleep(LOOK_EVERY)

    def _rows(self, connection: Connection, metric: store.Metric, parts: Parts, question: Question) -> list[Row]:
        if len(parts) == 1:
            return ordered(answer(connection, metric, question), question)
        over, under = ({row.group: row for row in answer(connection, one, question)} for one, _ in parts)
        rows = []
        for group in dict.fromkeys([*over, *under]):
            upper, lower = over.get(group), under.get(group)
            compared = _share(upper and upper.previous, lower and lower.previous) if question.compare else None
            value = _share(upper and upper.value, lower and lower.value)
            rows.append(Row(group, value, lower.n if lower else 0, compared))
        return ordered(rows, question)


def _share(over: Any, under: Any) -> Decimal | None:
    """A quotient; None where nothing is divided by, zero where nothing is divided."""
    if not isinstance(under, Decimal) or not under:
        return None
    return (over if isinstance(over, Decimal) else Decimal(0)) / under


def _read(raw: Mapping[str, Any], definition: Definition) -> Question:
    zone = definition.time.time_zone if definition.time else "UTC"
    try:
        return read_question(raw, definition, now().astimezone(ZoneInfo(zone)).date())
    except Wrong as error:
        raise refused(error) from error


def _as_of(connection: Connection, sources: Sequence[str]) -> datetime | None:
    row = connection.row(_AS_OF, {"sources": list(sources)}, prepare=True)
    return None if row is None or row[0] is None else row[0].replace(tzinfo=UTC)


def _document(
    metric: store.Metric,
    parts: Parts,
    question: Question,
    rows: Sequence[Row],
    as_of: datetime | None,
) -> dict[str, Any]:
    verified = [one.verified_at for one, _ in parts]
    lag = None if as_of is None else max(0, round((now() - as_of).total_seconds() * 1000))
    return {
        "metric": metric.name,
        "label": metric.definition.label,
        "definition_version": metric.version,
        "precomputed": True,
        "as_of": None if as_of is None else iso(as_of),
        "as_of_day": None if question.as_of is None else question.as_of.isoformat(),
        "lag_ms": lag,
        "verified_at": None if None in verified else iso(min(one for one in verified if one)),
        "by": list(question.columns),
        "period": None
        if question.period is None
        else {"first": question.period.first.isoformat(), "last": question.period.last.isoformat()},
        "rows": [_row(question, one) for one in rows],
    }


def _row(question: Question, row: Row) -> dict[str, Any]:
    body: dict[str, Any] = {
        "group": dict(zip(question.columns, row.group, strict=True)),
        "value": _shown(row.value),
        "n": row.n,
    }
    if question.compare:
        more = change(row.value, row.previous)
        body["previous"] = _shown(row.previous)
        body["change"] = None if more is None else _shown(round(more, 6))
    return body


def _shown(value: Decimal | str | None) -> str | None:
    return decimal_text(value) if isinstance(value, Decimal) else value
