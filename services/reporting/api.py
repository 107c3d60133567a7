"""HTTP doors of reporting: metrics are defined, asked, explained and verified under /reporting/v1/metrics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from flask import Response, request

from services.reporting import commands
from services.reporting.answering import Answers, permit, today
from services.reporting.bodies import (
    AnswerDocument,
    ChangesBody,
    ChangesDocument,
    DefinitionBody,
    DefinitionChange,
    ExplainBody,
    Explanation,
    MetricDocument,
    MetricList,
    QuestionBody,
    VerifiedDocument,
)
from services.reporting.domain.definitions import CURRENCY, FILTER_PREFIX
from services.reporting.domain.periods import Period, parse_period
from services.reporting.explaining import MOST_EXPLAINED
from services.reporting.explaining import explain as explaining
from services.reporting.freshness import FRESHNESS
from services.reporting.labels import labelled
from services.reporting.metrics import store
from services.reporting.presenting import metric_document, shown
from services.reporting.projections import compiled_metric
from services.reporting.recent import key_of
from services.reporting.rights import permit_metric
from services.reporting.waterfall import waterfall
from shared.kernel.clock import now
from shared.kernel.context import Context
from shared.kernel.errors import Invalid
from shared.kernel.json import decimal_text, dumps
from shared.service.permissions import REPORTS_READ, REPORTS_WRITE, allowed, require, require_scope
from shared.service.web.operation import Operation, QueryParam, answer, no_content
from shared.service.web.request import bool_param, context, int_param, json_object, known_keys, text_param

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

PATH = "/reporting/v1/metrics"
PRIVATE = "private, no-cache"


def _own(service: Runtime) -> Answers:
    assert isinstance(service.own, Answers)
    return service.own


def listing(service: Runtime) -> Response:
    """All metrics that serve, are being filled, or failed."""
    require_scope(context().actor, REPORTS_READ)
    with service.db.connect() as connection:
        found = store.listed(connection, (*store.ACTIVE, store.FAILED), filters=False)
        metrics = shown(connection, _own(service).projections, context(), found)
    return answer({"results": metrics})


def define(service: Runtime) -> Response:
    """A new metric."""
    require_scope(context().actor, REPORTS_WRITE)
    own, body = _own(service), json_object()
    if str(body.get("name", "")).startswith(FILTER_PREFIX):
        raise Invalid.one("name", "INVALID_METRIC", "name: filters are saved under /reporting/v1/filters")
    made = commands.define(own.database, own.projections, context(), body)
    return answer(metric_document(made), 201, {"Location": f"{PATH}/{made.name}"})


def read(service: Runtime, name: str) -> Response:
    """One metric."""
    require_scope(context().actor, REPORTS_READ)
    with service.db.connect() as connection:
        (metric,) = shown(connection, _own(service).projections, context(), [commands.found(connection, name)])
    return answer(metric)


def change(service: Runtime, name: str) -> Response:
    """A new generation of a metric."""
    require_scope(context().actor, REPORTS_WRITE)
    own = _own(service)
    return answer(metric_document(commands.redefine(own.database, own.projections, context(), name, json_object())))


def retire(service: Runtime, name: str) -> Response:
    """Take a metric out of service."""
    require_scope(context().actor, REPORTS_WRITE)
    _permit(service, name)
    commands.retire(service.db, name, with_ratios=bool_param("ratios"))
    _own(service).recent.settle()
    return no_content()


def query(service: Runtime, name: str) -> Response:
    """A question, answered; 304 when the rows are those the caller has."""
    own, ctx = _own(service), context()
    named, fresh = False, "any"
    if request.environ.get("QUERY_STRING"):
        named, fresh = bool_param("labels"), text_param("fresh", "any")
    known = not named and "HTTP_CONTENT_ENCODING" not in request.environ
    if known and (told := own.again(ctx, name, request.get_data(), fresh)):
        return _rows(*told)
    body = json_object()
    found = own.ask(ctx, name, body, fresh)
    if named:
        found = labelled(own.database, ctx, found)
    own.recent.spell(name, request.get_data(), key_of(name, body))
    return _rows(found.etag, dumps(found.body))


def _rows(etag: str, body: bytes) -> Response:
    headers = {"ETag": f'"{etag}"', "Cache-Control": PRIVATE}
    if "HTTP_IF_NONE_MATCH" in request.environ and etag in request.if_none_match:
        return Response(b"", 304, headers)
    return Response(body, 200, headers, content_type="application/json")


def explain(service: Runtime, name: str) -> Response:
    """The entities of a group."""
    ctx = context()
    require_scope(ctx.actor, REPORTS_READ)
    own = _own(service)
    body = json_object()
    known_keys(body, ("group", "period", "events"))
    group = _group(body)
    day, hidden = _readable(service, ctx, name, group)
    period = _period(body["period"], day) if body.get("period") else None
    more: dict[str, Any] = {"period": period, "events": body.get("events") is True}
    limit = int_param("limit", 50, MOST_EXPLAINED, least=1) or 50
    after = int_param("after", 0) or 0
    rows, following = explaining(own.database, own.projections, name, group, after, limit, hidden, **more)
    page: dict[str, Any] = {"results": rows}
    if following is not None:
        page["next_after"] = str(following)
    return answer(page)


def changes(service: Runtime, name: str) -> Response:
    """What changed a number between two days."""
    ctx, own, body = context(), _own(service), json_object()
    require_scope(ctx.actor, REPORTS_READ)
    known_keys(body, ("period", "group"))
    period = _period(body.get("period"), now().date())
    group = _group(body)
    _readable(service, ctx, name, group)
    _told_apart(service, name, group)
    found = waterfall(own.database, own.projections, name, period.first, period.last, group)
    parts = [
        {"cause": cause, "n": one.n, "value": decimal_text(one.value), "versions": one.versions,
         "entities": [str(ident) for ident in one.entities]}
        for cause, one in found.parts.items()
    ]  # fmt: skip
    told = {"first": found.first.isoformat(), "last": found.last.isoformat()}
    numbers = {"before": decimal_text(found.before), "after": decimal_text(found.after)}
    return answer({"metric": name, "period": told, **numbers, "parts": parts})


def _period(raw: Any, day: date) -> Period:
    try:
        return parse_period(str(raw or "today"), day)
    except (ValueError, OverflowError) as error:
        raise Invalid.one("period", "INVALID_QUESTION", f"period: {error}") from error


def _group(body: dict[str, Any]) -> dict[str, str | None]:
    group = body.get("group", {})
    if not isinstance(group, dict) or any(one is not None and not isinstance(one, str) for one in group.values()):
        raise Invalid.one("group", "INVALID_QUESTION", "group: expected an object of dimensions and their values")
    return group


def _readable(service: Runtime, ctx: Context, name: str, group: Iterable[str] = ()) -> tuple[date, list[str]]:
    """Entities are shown to those only who may read them: today in the metric's time zone, and dimensions that this
    reader must not see. Raises Forbidden, also for a group by such a dimension, and Invalid for a ratio."""
    with service.db.connect() as connection:
        metric = commands.of_entities(connection, name)
        known = _own(service).projections.catalogs.types(connection).type(metric.entity_type)
        compiled = compiled_metric(metric, known)
    require(ctx.actor, "objects", known.live.defn, "read")
    permit(ctx, compiled, group)
    targets = {name: join.linkage.target.live.defn for name, join in compiled.joins.items()}
    hidden = [name for name, defn in targets.items() if not allowed(ctx.actor, "objects", defn, "read")]
    return today(metric.definition), hidden


def _permit(service: Runtime, name: str) -> None:
    """Raises Forbidden for a metric of what must not be read, NotFound."""
    with service.db.connect() as connection:
        permit_metric(connection, _own(service).projections, context(), commands.found(connection, name))


def _told_apart(service: Runtime, name: str, group: Mapping[str, Any]) -> None:
    """Raises Invalid for groups of past days that are not kept, and for sums over several currencies."""
    with service.db.connect() as connection:
        definition = commands.of_entities(connection, name).definition
    for one in definition.dimensions:
        if one.name in group and "." in one.attribute:
            told = f"group: {one.name} is an attribute of linked entities; what they were on past days is not kept"
            raise Invalid.one("group", "NOT_KEPT", told)
    if definition.measure.currency and CURRENCY not in group:
        told = f"group: amounts are explained currency by currency: say which, as in {CURRENCY}: EUR"
        raise Invalid.one("group", "NOT_ADDITIVE", told)


def verify(service: Runtime, name: str) -> Response:
    """Recompute a metric from all entities and compare."""
    require_scope(context().actor, REPORTS_WRITE)
    own = _own(service)
    _permit(service, name)
    found = commands.verify(own.database, own.projections, name, repair=bool_param("repair"))
    own.recent.settle()
    told = {"wrong": found.told["cells"], "more": found.told["more"]}
    return answer({"groups": found.groups, "wrong_groups": found.wrong_groups, **told})


_METRIC = {
    "name": "contacts_by_city",
    "label": "Contacts by city",
    "entity_type": "contact",
    "measure": {"kind": "count"},
    "dimensions": [{"name": "city", "attribute": "city"}],
    "time": {"attribute": "created_at", "time_zone": "UTC"},
}
_QUESTION = {"by": ["city"], "period": "last 30 days", "sort": "-value", "top": 10}
LABELS = QueryParam("labels", "boolean", "Tell what the groups are called, under `labels`", False)
FRESH = QueryParam("fresh", "string", f"How fresh the answer must be: {FRESHNESS}", "any")
_PAGE = (
    QueryParam("after", "integer", "`next_after` of the page before"),
    QueryParam("limit", "integer", "Entities per page", 50),
)

OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", PATH, "listMetrics", "List metrics", listing, response=MetricList, tag="Reports"),
    Operation("POST", PATH, "defineMetric", "Define a metric", define, 201, body=DefinitionBody,
              response=MetricDocument, example=_METRIC,
              tag="Reports", description="It is filled from all entities while events keep coming; exact when ready."),
    Operation("GET", f"{PATH}/{{name}}", "readMetric", "Read a metric", read, response=MetricDocument, tag="Reports"),
    Operation("PATCH", f"{PATH}/{{name}}", "changeMetric", "Change a metric", change, body=DefinitionChange,
              response=MetricDocument, example={"label": "Contacts, by city"}, tag="Reports",
              description="Makes a new version; the one before serves until it is filled."),
    Operation("DELETE", f"{PATH}/{{name}}", "retireMetric", "Retire a metric", retire, 204, tag="Reports",
              query=(QueryParam("ratios", "boolean", "Retire the ratios that are made of it as well", False),)),
    Operation("POST", f"{PATH}/{{name}}/query", "queryMetric", "Ask a metric", query, query=(FRESH, LABELS),
              body=QuestionBody, response=AnswerDocument, example=_QUESTION, tag="Reports", read_only=True,
              statuses=(304,)),
    Operation("POST", f"{PATH}/{{name}}/explain", "explainMetric", "The entities that make up a group", explain,
              query=_PAGE, body=ExplainBody, response=Explanation, example={"group": {"city": "Berlin"}}, tag="Reports",
              read_only=True),
    Operation("POST", f"{PATH}/{{name}}/changes", "explainChanges", "What changed a number, by cause", changes,
              body=ChangesBody, response=ChangesDocument, tag="Reports", read_only=True,
              example={"period": "this week", "group": {"city": "Berlin"}},
              description="Days are those on which changes were recorded, in UTC."),
    Operation("POST", f"{PATH}/{{name}}/verify", "verifyMetric", "Compare a metric with all entities", verify,
              query=(QueryParam("repair", "boolean", "Put wrong cells right", False),), response=VerifiedDocument,
              tag="Reports", read_only=True),
)  # fmt: skip
