"""Answers as JSON: what every surface shows of a table, and how fresh it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from services.reporting.domain.questions import Question, Row, Table, Value, change
from services.reporting.metrics.store import Metric
from shared.kernel.clock import iso, now
from shared.kernel.json import decimal_text, dumps

OTHERS = "others"
_FRESHNESS = ("as_of", "lag_ms")


def answer_document(
    metric: Metric, parts: Sequence[Metric], question: Question, found: Table, as_of: datetime | None
) -> dict[str, Any]:
    """The answer of a metric; parts: what was read for it."""
    verified = [one.verified_at for one in parts]
    return {
        "metric": metric.name,
        "label": metric.definition.label,
        "definition_version": metric.version,
        "precomputed": True,
        "verified_at": None if None in verified else iso(min(one for one in verified if one)),
        "unit": metric.definition.unit,
        **table_document(question, found, as_of),
    }


def table_document(question: Question, found: Table, as_of: datetime | None) -> dict[str, Any]:
    """The groups and how fresh they are."""
    period = question.period
    body: dict[str, Any] = {
        **freshness(as_of),
        "as_of_day": None if question.as_of is None else question.as_of.isoformat(),
        "by": list(question.columns),
        "period": None if period is None else {"first": period.first.isoformat(), "last": period.last.isoformat()},
        "rows": [
            {"group": dict(zip(question.columns, one.group, strict=True)), **_line(question, one)} for one in found.rows
        ],
    }
    if question.series:
        body["series"] = question.series
    if question.pivot:
        body |= {"pivot": question.pivot, "columns": list(found.columns)}
    if found.total is not None:
        body["total"] = _line(question, found.total)
    if found.others is not None:
        body["others"] = {"name": OTHERS, "groups": found.hidden, **_line(question, found.others)}
    if found.unconverted:
        body["not_converted"] = [
            {"currency": code, "n": n, "amount": decimal_text(amount)} for code, n, amount in found.unconverted
        ]
    return body


def freshness(as_of: datetime | None) -> dict[str, Any]:
    """Up to when nothing is missing, and how long ago that is."""
    if as_of is None:
        return {"as_of": None, "lag_ms": None}
    return {"as_of": iso(as_of), "lag_ms": max(0, round((now() - as_of).total_seconds() * 1000))}


def freshness_text(as_of: datetime | None) -> bytes:
    """The beginning of an answer's JSON, to which `text_without_freshness` is the rest."""
    return dumps(freshness(as_of))[:-1] + b","


def text_without_freshness(body: Mapping[str, Any]) -> bytes:
    """An answer's JSON without its beginning; the same for as long as its rows are."""
    return dumps({key: value for key, value in body.items() if key not in _FRESHNESS})[1:]


def _line(question: Question, row: Row) -> dict[str, Any]:
    body: dict[str, Any] = {"value": shown(row.value), "n": row.n}
    if question.pivot:
        body["cells"] = [shown(one) for one in row.cells]
    if question.compare:
        more = change(row.value, row.previous)
        body["previous"] = shown(row.previous)
        body["change"] = None if more is None else shown(more)
    return body


def shown(value: Value) -> str | None:
    """A value in JSON: numbers as exact decimals in text."""
    return decimal_text(value) if isinstance(value, Decimal) else value
