"""Doors on what is proven: verifications of everything, and the log of what was found wrong and repaired."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response
from pydantic import BaseModel

from services.reporting import verifying
from services.reporting.answering import Answers
from services.reporting.bodies import StartedDocument
from services.reporting.metrics import store
from services.reporting.rights import knowable
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.kernel.errors import NotFound
from shared.service.permissions import REPORTS_READ, REPORTS_WRITE, require_scope
from shared.service.web.operation import Operation, QueryParam, answer
from shared.service.web.request import bool_param, context, int_param

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

PATH = "/reporting/v1/verify"
REPAIRS = "/reporting/v1/repairs"
MOST_REPAIRS = 500


class VerificationDocument(BaseModel):
    """What a verification found. `cells` of a wrong metric: the groups with what is stored and what is right, of many
    the first, and how many `more`; for those who may read what the metric counts. `after_repair`: what a second look
    found, where something was repaired; then `right` is about that."""

    at: str
    right: bool
    sources: dict[str, Any]
    metrics: dict[str, Any]
    accounts: list[dict[str, Any]]
    after_repair: dict[str, Any] | None = None


class RepairPage(BaseModel):
    """What was found wrong, newest first: `what`, how much (`detail`), whether it was put right, and for those who may
    read what a metric counts, the groups (`found`)."""

    results: list[dict[str, Any]]
    next_after: str | None = None


def _own(service: Runtime) -> Answers:
    assert isinstance(service.own, Answers)
    return service.own


def start(service: Runtime) -> Response:
    """Begin a verification of metrics, replica and accounts."""
    require_scope(context().actor, REPORTS_WRITE)
    wish = verifying.Wish(repair=bool_param("repair"), reread=bool_param("reread"))
    started = verifying.start(service.db, context(), wish)
    return answer({"started": started}, 202)


def outcome(service: Runtime) -> Response:
    """The outcome of the last verification."""
    require_scope(context().actor, REPORTS_READ)
    found = verifying.last(service.db)
    if found is None:
        raise NotFound("verification", ["last"], "Nothing has been verified yet")
    with service.db.connect() as connection:
        known = _known(connection, service, context())
        for look in (found, found.get("after_repair") or {}):
            for name, one in look.get("metrics", {}).items():
                if "cells" in one and name not in known:
                    del one["cells"], one["more"]
    return answer(found)


def repairs(service: Runtime) -> Response:
    """A page of the log of repairs."""
    ctx = context()
    require_scope(ctx.actor, REPORTS_READ)
    limit = int_param("limit", 50, MOST_REPAIRS, least=1) or 50
    with service.db.connect() as connection:
        rows = verifying.repairs(connection, before=int_param("after", 0) or None, limit=limit + 1)
        results = [one.document for one in rows[:limit]]
        known = _known(connection, service, ctx)
        for one, told in zip(rows, results, strict=False):
            if one.found is not None and one.what.removeprefix("metric ") in known:
                told["found"] = one.found
    body: dict[str, Any] = {"results": results}
    if len(rows) > limit:
        body["next_after"] = results[-1]["id"]
    return answer(body)


def _known(connection: Connection, service: Runtime, ctx: Context) -> set[str]:
    """Metrics whose groups may be told; none that is no more, for then nobody knows what it counted."""
    return knowable(connection, _own(service).projections, ctx, store.listed(connection, (*store.ACTIVE, store.FAILED)))


_CELL = {"group": {"city": "Berlin"}, "in": "days", "day": "2026-03-01",
         "stored": {"n": 4, "with_value": 0, "sum": "0"}, "right": {"n": 3, "with_value": 0, "sum": "0"}}  # fmt: skip
_REPAIR = {"id": "7", "what": "metric contacts_by_city", "detail": "1 group was wrong", "repaired": True,
           "at": "2026-03-02T10:00:00.000Z", "found": {"cells": [_CELL], "more": 0}}  # fmt: skip

OPERATIONS: tuple[Operation, ...] = (
    Operation("POST", PATH, "verifyReports", "Verify metrics, replica and accounts", start, 202,
              query=(QueryParam("repair", "boolean", "Put right what is wrong here", False),
                     QueryParam("reread", "boolean", "Read every value again on both sides; slow", False)),
              response=StartedDocument, tag="Reports", read_only=True,
              description="Metrics against the replica, that against the checksums of each source, the account of each "
              "log: produced = applied + put aside + given up. The outcome is at the same address."),
    Operation("GET", PATH, "readVerification", "The outcome of the last verification", outcome,
              response=VerificationDocument, tag="Reports"),
    Operation("GET", REPAIRS, "listRepairs", "What was found wrong, and whether it was repaired", repairs,
              query=(QueryParam("after", "integer", "`next_after` of the page before"),
                     QueryParam("limit", "integer", f"Repairs per page, at most {MOST_REPAIRS}", 50)),
              response=RepairPage, tag="Reports", answer_example={"results": [_REPAIR]}),
)  # fmt: skip
