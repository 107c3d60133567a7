"""Doors of forecasts: as of an instant, as submitted, and what changed between two instants."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from flask import Response

from services.opportunities.api import forecast_models as models
from services.opportunities.api.reading import DAY, INSTANT, read_day, read_decimal, read_past
from services.opportunities.commands.forecast import forecast_of, submit, submitted, waterfall_of
from services.opportunities.domain.forecast import GROUPS, Scope, Total
from services.opportunities.domain.waterfall import Waterfall
from services.opportunities.tables import Submission
from shared.kernel.clock import iso, now
from shared.kernel.errors import ErrorList
from shared.kernel.json import Raw
from shared.service.web.operation import Operation, QueryParam, answer
from shared.service.web.request import context, json_object, known_keys, text_param

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

PATH = "/api/v1/opportunities/forecast"
_SUBMITTED = ("from", "to", "pipeline", "owner", "team", "call", "note")
MOST_NOTE = 2000
_DIGITS = 19
MOST_DEALS = 100
"""Of one part of a waterfall, named by id."""


def read_forecast(service: Runtime) -> Response:
    """What may be won in a period."""
    errors = ErrorList()
    scope, at, by = _scope(service, _asked(), errors), _instant("as_of", errors), text_param("by")
    if by and by not in GROUPS:
        errors.add("by", "INVALID_OPTION", f"by must be one of {', '.join(GROUPS)}", tuple(GROUPS))
    errors.raise_if_any()
    found = forecast_of(service, context(), scope, by, at)
    groups = [{"group": group or None, "categories": _totals(found[group])} for group in sorted(found)]
    return answer({**_told(scope), "as_of": iso(at or now()), "results": groups})


def read_waterfall(service: Runtime) -> Response:
    """Why the pipeline of a period changed."""
    errors = ErrorList()
    scope = _scope(service, _asked(), errors)
    since, until = _instant("since", errors), _instant("until", errors) or now()
    if since is None:
        errors.add("since", "REQUIRED_FIELD", "since is required: the instant to compare with")
    elif since > until:
        errors.add("since", "INVALID_DATE", "since must not be after until")
    errors.raise_if_any()
    assert since is not None
    found = waterfall_of(service, context(), scope, since, until)
    return answer({**_told(scope), "since": iso(since), "until": iso(until), **_shown(found)})


def submit_forecast(service: Runtime) -> Response:
    """Stand for a forecast."""
    body = json_object()
    known_keys(body, _SUBMITTED)
    errors = ErrorList()
    scope, call, note = _scope(service, body, errors), body.get("call"), body.get("note", "")
    try:
        stands = None if call is None else read_decimal(None if isinstance(call, str) else call)
    except ValueError:
        errors.add("call", "INVALID_INTEGER", "call must be a number that an amount may be, in home currency")
    if not isinstance(note, str) or len(note) > MOST_NOTE:
        errors.add("note", "INVALID_STRING", f"note must be a text of at most {MOST_NOTE} characters")
    errors.raise_if_any()
    made = submit(service, context(), scope, stands, note)
    return answer(_submission(made), 201)


def list_submissions(service: Runtime) -> Response:
    """What was submitted for a period by then."""
    errors = ErrorList()
    scope, at = _scope(service, _asked(), errors), _instant("on", errors)
    errors.raise_if_any()
    return answer({"results": [_submission(one) for one in submitted(service, context(), scope, at)]})


def _asked() -> dict[str, Any]:
    return {name: text_param(name) for name in ("from", "to", "pipeline", "owner", "team")}


def _scope(service: Runtime, asked: Mapping[str, Any], errors: ErrorList) -> Scope:
    days = {}
    for name in ("from", "to"):
        try:
            days[name] = read_day(asked.get(name))
        except ValueError:
            errors.add(name, "INVALID_DATE", f"{name} is required: {DAY}")
    if len(days) == 2 and days["from"] >= days["to"]:
        errors.add("to", "INVALID_DATE", "to must be after from: the first day that is not in the period any more")
    whose = {name: asked.get(name) or "" for name in ("pipeline", "owner", "team")}
    for name, one in whose.items():
        if not isinstance(one, str):
            errors.add(name, "INVALID_STRING", f"{name} must be an id, as text")
        elif one and not _there(service, name, one):
            errors.add(name, "INVALID_OPTION", f"{one[:40]} is not the id of any {name}")
    return Scope(days.get("from", date.min), days.get("to", date.max), **whose)


def _there(service: Runtime, kind: str, ident: str) -> bool:
    """Whether somebody has the id, as far as that is known here."""
    if kind == "pipeline":
        service.catalog.refresh()
        attribute = service.catalog.type("deal").attributes["pipeline"]
        return any(one.value == ident for one in (*attribute.options, *attribute.retired))
    if not (ident.isascii() and ident.isdecimal() and len(ident) < _DIGITS):
        return False
    return not service.foreign.unknown(kind, [int(ident)])


def _instant(name: str, errors: ErrorList) -> datetime | None:
    text = text_param(name)
    if not text:
        return None
    try:
        return read_past(text)
    except ValueError:
        errors.add(name, "INVALID_DATE", f"{name} must be {INSTANT}")
        return None


def _told(scope: Scope) -> dict[str, Any]:
    whose = {name: getattr(scope, name) or None for name in ("pipeline", "owner", "team")}
    return {"from": scope.begins.isoformat(), "to": scope.ends.isoformat(), **whose}


def _number(amount: Decimal) -> Raw:
    return Raw(f"{amount:f}")


def _totals(found: Mapping[str, Total]) -> dict[str, Any]:
    return {
        name: {"count": one.count, "amount": _number(one.amount), "weighted": _number(one.weighted)}
        for name, one in sorted(found.items())
    }


def _shown(found: Waterfall) -> dict[str, Any]:
    parts = [
        {
            "part": name,
            "count": one.count,
            "amount": _number(one.amount),
            "deals": [str(ident) for ident in one.deals[:MOST_DEALS]],
        }
        for name, one in found.parts.items()
    ]
    return {"opening": _number(found.opening), "parts": parts, "closing": _number(found.closing)}


def _submission(one: Submission) -> dict[str, Any]:
    return {
        "id": str(one.id),
        **_told(one.scope),
        "categories": _totals(one.totals),
        "call": None if one.call is None else _number(one.call),
        "note": one.note,
        "actor": one.actor,
        "submitted_at": iso(one.at),
    }


_PERIOD = (
    QueryParam("from", description="The first day of the period", required=True, example="2026-04-01"),
    QueryParam("to", description="The first day after it", required=True, example="2026-07-01"),
    QueryParam("pipeline", description="Only deals of this pipeline"),
    QueryParam("owner", description="Only deals of this owner"),
    QueryParam("team", description="Only deals of this team: their own, else their owner's main one"),
)
_TAG = "Forecast"
_EXAMPLE = {"from": "2026-04-01", "to": "2026-07-01", "owner": "12", "call": 250000, "note": "Two are certain"}
_BY = QueryParam("by", description=f"What to break down by: {', '.join(GROUPS)}")
_AS_OF = QueryParam("as_of", description="As the deals stood at this instant", example="2026-05-01T00:00:00Z")
_ON = QueryParam("on", description="By this instant; now by default")
_BETWEEN = (
    QueryParam("since", description="The earlier instant", required=True, example="2026-04-01T00:00:00Z"),
    QueryParam("until", description="The later instant; now by default"),
)
OPERATIONS = (
    Operation("GET", PATH, "readForecast", "Forecast a period", read_forecast,
              query=(*_PERIOD, _BY, _AS_OF), response=models.ForecastOut, tag=_TAG,
              description="Amounts in home currency of all deals that close in the period, by forecast category."),
    Operation("GET", PATH + "/waterfall", "readWaterfall", "Explain how the pipeline of a period changed",
              read_waterfall, query=(*_PERIOD, *_BETWEEN), response=models.WaterfallOut, tag=_TAG,
              description="The opening and all parts sum to the closing exactly."),
    Operation("POST", PATH + "/submissions", "submitForecast", "Submit a forecast", submit_forecast, 201,
              body=models.SubmissionIn, response=models.SubmissionOut, example=_EXAMPLE, tag=_TAG),
    Operation("GET", PATH + "/submissions", "listForecastSubmissions", "List forecasts as submitted",
              list_submissions, query=(*_PERIOD, _ON), response=models.SubmissionList, tag=_TAG,
              description="The latest by then, by pipeline, owner and team."),
)  # fmt: skip
