"""Plain pages of all metrics, for a browser: bars, freshness, and behind every number the entities that make it up.

A browser asks for a name and a password; the password is an access token, the name does not matter.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache, wraps
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from flask import Response, request
from jinja2 import Environment, PackageLoader

from services.reporting import commands, filters
from services.reporting.answering import Answers, permit
from services.reporting.domain.definitions import FILTER_PREFIX
from services.reporting.domain.showing import numeric, written
from services.reporting.explaining import explain
from services.reporting.labels import labelled
from services.reporting.metrics import store
from services.reporting.projections import compiled_metric
from shared.kernel.context import Context
from shared.kernel.errors import CrmError, Unauthenticated
from shared.service.permissions import REPORTS_READ, require, require_scope
from shared.service.web.operation import Operation
from shared.service.web.request import context, int_param, text_param

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

TOP = 12
MOST_COLUMNS = 12
PAGE = 100
NO_VALUE = "(none)"
_GROUP = "g."
_PRIVATE = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
}
Page = Callable[["Runtime", Context], Response]


@lru_cache(maxsize=1)
def _templates() -> Environment:
    return Environment(loader=PackageLoader("services.reporting", "templates"), autoescape=True)


def _rendered(name: str, **values: Any) -> Response:
    page = _templates().get_template(name).render(**values)
    return Response(page, 200, _PRIVATE, content_type="text/html; charset=utf-8")


def _signed_in(page: Page) -> Callable[[Runtime], Response]:
    """The page for whoever the browser's password belongs to; else the browser is told to ask for one."""

    @wraps(page)
    def view(service: Runtime) -> Response:
        try:
            actor = service.tokens.authenticate(f"Bearer {_password(request.headers.get('Authorization', ''))}")
        except Unauthenticated:
            asking = {"WWW-Authenticate": 'Basic realm="reports: the password is an access token", charset="UTF-8"'}
            return Response("An access token is needed.", 401, asking, content_type="text/plain; charset=utf-8")
        return page(service, replace(context(), actor=actor))

    return view


def _password(header: str) -> str:
    kind, _, coded = header.partition(" ")
    if kind.lower() == "bearer":
        return coded
    try:
        return base64.b64decode(coded, validate=True).decode().partition(":")[2] if kind.lower() == "basic" else ""
    except (binascii.Error, UnicodeDecodeError):
        return ""


@_signed_in
def overview(service: Runtime, ctx: Context) -> Response:
    """All metrics that the reader may see, by their first dimension or the one asked for."""
    require_scope(ctx.actor, REPORTS_READ)
    with service.db.connect() as connection:
        found = store.listed(connection, (*store.ACTIVE, store.FAILED), filters=False)
    named = text_param("metric")
    asked = {named: (text_param("by"), text_param("across"))}
    shown = [view for one in found if (view := _view(service, ctx, one, *asked.get(one.name, ("", ""))))]
    assert isinstance(service.own, Answers)
    saved = [_saved(one) for one in filters.listing(service.own, ctx)["results"]]
    unknown = "" if any(one["name"] == named for one in shown) else named
    return _rendered("metrics.html", metrics=shown, filters=saved, unknown=unknown)


def _saved(one: Mapping[str, Any]) -> dict[str, Any]:
    count = one["error"] or one["state"] if one["count"] is None else written(str(one["count"]))
    return {**one, "count": count, "explanation": _explained(FILTER_PREFIX + one["name"], [])}


def _explained(metric: str, parts: Sequence[tuple[str, str]]) -> str:
    return f"/reporting/explanation?{urlencode([('metric', metric), *parts])}"


def _view(service: Runtime, ctx: Context, one: store.Metric, by: str, across: str) -> dict[str, Any] | None:
    assert isinstance(service.own, Answers)
    names = [part.name for part in one.definition.dimensions]
    # Not every reader may see what linked entities are: that is shown to who asks for it.
    own = [part.name for part in one.definition.dimensions if "." not in part.attribute]
    chosen = by or next(iter([*own, *names]), "")
    view: dict[str, Any] = {
        "name": one.name,
        "label": one.definition.label,
        "state": one.state,
        "error": one.error,
        "dimensions": names,
        "answer": None,
        "by": chosen,
    }
    if one.state != store.READY:
        return view
    try:
        question: dict[str, Any] = {"by": [chosen] if chosen else [], "top": TOP}
        asked = service.own.ask(ctx, one.name, {**question, "pivot": across} if across else question)
        found = labelled(service.db, ctx, asked).body
    except CrmError as error:  # not for this reader, or not now: the other metrics are shown all the same
        return None if error.category == "MISSING_SCOPES" else {**view, "error": error.message}
    lines = [*found["rows"], *([found["others"]] if "others" in found else [])]
    most = max((abs(number) for row in lines if (number := numeric(row["value"])) is not None), default=Decimal(0))
    rows = [_row(one, row, most, found["labels"]) for row in lines]
    pivot = _pivot(one, found, lines, rows) if across else {}
    return {**view, "answer": found, "rows": rows, "dimensions": found["dimensions"], **pivot}


def _pivot(
    one: store.Metric, found: Mapping[str, Any], lines: Sequence[Mapping[str, Any]], rows: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """What a table of rows by columns has besides: the columns' names, and the numbers across, with their total."""
    across, columns = found["pivot"], found["columns"][:MOST_COLUMNS]
    whole = {**_row(one, {**found["total"], "group": {}}, Decimal(0), found["labels"]), "group": "total"}
    told = []
    for line, row in zip([*lines, {**found["total"], "group": {}}], [*rows, whole], strict=True):
        group = line.get("group")
        cells = [
            {"value": written(value, one.definition.unit),
             "explanation": "" if group is None else _leads(one, {**group, across: column})}
            for column, value in zip(columns, line["cells"], strict=False)
        ]  # fmt: skip
        told.append({**row, "cells": cells})
    titles = [_called(found["labels"], across, column) for column in columns]
    return {"rows": told, "across": across, "columns": titles, "hidden": len(found["columns"]) - len(columns)}


def _leads(one: store.Metric, group: Mapping[str, str | None]) -> str:
    """Where the entities of a group are told; nowhere for a ratio."""
    parts = [("none", name) if value is None else (_GROUP + name, value) for name, value in group.items()]
    return _explained(one.name, parts) if one.entity_type else ""


def _row(
    one: store.Metric, row: Mapping[str, Any], most: Decimal, labels: Mapping[str, Mapping[str, str]]
) -> dict[str, Any]:
    number = numeric(row["value"]) or Decimal(0)
    shown = {
        "value": written(row["value"], one.definition.unit),
        "percent": round(abs(number) / most * 100) if most else 0,
        "minus": number < 0,
    }
    if "group" not in row:  # what the top leaves out is explained by asking for more
        return {**shown, "group": f"({row['groups']} {row['name']})", "explanation": ""}
    return {
        **shown,
        "group": ", ".join(_called(labels, name, value) for name, value in row["group"].items()) or "all",
        "explanation": _leads(one, row["group"]),
    }


def _called(labels: Mapping[str, Mapping[str, str]], name: str, value: str | None) -> str:
    return NO_VALUE if value is None else labels.get(name, {}).get(value, value)


@_signed_in
def explanation(service: Runtime, ctx: Context) -> Response:
    """The entities behind one number."""
    assert isinstance(service.own, Answers)
    require_scope(ctx.actor, REPORTS_READ)
    own, name = service.own, text_param("metric")
    group: dict[str, str | None] = {
        key.removeprefix(_GROUP): value for key, value in request.args.items() if key.startswith(_GROUP)
    }
    group |= dict.fromkeys(request.args.getlist("none"))
    with service.db.connect() as connection:
        metric = commands.of_entities(connection, name)
        known = own.projections.catalogs.types(connection).type(metric.entity_type)
        require(ctx.actor, "objects", known.live.defn, "read")
        permit(ctx, compiled_metric(metric, known), group)
    entities, after = explain(own.database, own.projections, name, group, int_param("after", 0) or 0, PAGE)
    following = ""
    if after is not None:
        kept = [(key, value) for key, value in request.args.items(multi=True) if key != "after"]
        following = f"?{urlencode([*kept, ('after', str(after))])}"
    return _rendered("explanation.html", metric=metric.definition, group=group, entities=entities, following=following)


OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", "/reporting", "reportsPage", "All metrics, for a browser", overview, public=True, hidden=True),
    Operation("GET", "/reporting/explanation", "explanationPage", "The entities behind a number, for a browser",
              explanation, public=True, hidden=True),
)  # fmt: skip
