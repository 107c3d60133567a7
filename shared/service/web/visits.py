"""The native door of stage visits: where an entity stood from when to when."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from flask import Response
from pydantic import BaseModel, Field

from shared.kernel.clock import iso
from shared.service.pipelines.visit_rows import MOST_LISTED, Visit
from shared.service.web.native.present import entity_id
from shared.service.web.operation import Operation, QueryParam, answer
from shared.service.web.request import context, int_param

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

_PAGE = 100
PATH = "/api/v1/objects/{type}/{id}/visits"


class VisitOut(BaseModel):
    """One stay in a stage. `from`: the stage it came from. Without `left_at` it is there now."""

    pipeline: str | None
    stage: str
    came_from: str | None = Field(alias="from")
    entered_at: datetime
    left_at: datetime | None
    seconds: float | None
    version: int
    actor: str
    source: str
    source_id: str | None
    recorded_at: datetime


class VisitPage(BaseModel):
    """Visits in order. `next_after`: where the next page goes on."""

    results: list[VisitOut]
    next_after: int | None = None


def visit_json(one: Visit) -> dict[str, Any]:
    """One visit, ready for JSON."""
    return {
        "pipeline": one.pipeline,
        "stage": one.stage,
        "from": one.came_from,
        "entered_at": iso(one.entered),
        "left_at": None if one.left is None else iso(one.left),
        "seconds": None if one.seconds is None else float(one.seconds),
        "version": one.version,
        "actor": one.actor,
        "source": one.source,
        "source_id": one.source_id,
        "recorded_at": iso(one.recorded),
    }


def list_visits(service: Runtime, type: str, id: str) -> Response:
    """An entity's visits."""
    name = service.catalog.type(type).name
    limit = int_param("limit", _PAGE, MOST_LISTED, least=1) or _PAGE
    after = int_param("after", 0, 2**31 - 1) or 0
    found = service.visits.of(context(), name, entity_id(name, id), after=after, limit=limit + 1)
    body: dict[str, Any] = {"results": [visit_json(one) for one in found[:limit]]}
    if len(found) > limit:
        body["next_after"] = found[limit - 1].version
    return answer(body)


OPERATIONS = (
    Operation(
        "GET",
        PATH,
        "listVisits",
        "List the stages an entity has stood in",
        list_visits,
        query=(
            QueryParam("limit", "integer", f"At most so many, up to {MOST_LISTED}", _PAGE),
            QueryParam("after", "integer", "Go on after the visit of this version", 0),
        ),
        response=VisitPage,
        tag="Pipelines",
        pipelined=True,
        description="In the order in which they were made. Coming back to a stage is a visit of its own.",
    ),
)
