"""HTTP doors of building anew: of a metric, and of the replica of one source; how far it is, what it came to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response
from pydantic import BaseModel

from services.reporting import rebuilding
from services.reporting.answering import Answers
from services.reporting.metrics import store
from services.reporting.metrics.comparing import Rebuild
from shared.kernel.clock import iso
from shared.service.permissions import REPORTS_READ, REPORTS_WRITE, require_scope
from shared.service.web.operation import Operation, answer
from shared.service.web.request import context

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

METRIC = "/reporting/v1/metrics/{name}/rebuild"
REPLICA = "/reporting/v1/replica/{source}/rebuild"


class RebuildDocument(BaseModel):
    """A metric built anew. comparison: with the generation that served meanwhile, once it has taken over."""

    metric: str
    version: int
    state: str
    entities: int
    left: int
    started_at: str
    ready_at: str | None
    error: str | None
    comparison: dict[str, Any] | None


class ReplicaDocument(BaseModel):
    """The replica of a source compared with it entity by entity."""

    source: str
    state: str
    entities: int
    of: int
    repaired: int
    differences: list[str]
    started_at: str
    changed_at: str
    reason: str


class BegunDocument(BaseModel):
    """Whether it began; not while one was under way."""

    started: bool


def _own(service: Runtime) -> Answers:
    assert isinstance(service.own, Answers)
    return service.own


def rebuild(service: Runtime, name: str) -> Response:
    """Begin."""
    require_scope(context().actor, REPORTS_WRITE)
    own = _own(service)
    return answer(_told(rebuilding.rebuild(own.database, own.projections, context(), name)), 202)


def progress(service: Runtime, name: str) -> Response:
    """How far it is."""
    require_scope(context().actor, REPORTS_READ)
    return answer(_told(rebuilding.latest(service.db, name)))


def _told(one: Rebuild) -> dict[str, Any]:
    metric = one.metric
    return {
        "metric": metric.name,
        "version": metric.version,
        "state": "filling" if metric.state == store.BACKFILLING else metric.state,
        "entities": one.entities,
        "left": metric.to_backfill,
        "started_at": iso(metric.created_at),
        "ready_at": metric.ready_at and iso(metric.ready_at),
        "error": metric.error,
        "comparison": one.compared,
    }


def rebuild_replica(service: Runtime, source: str) -> Response:
    """Begin."""
    require_scope(context().actor, REPORTS_WRITE)
    own = _own(service)
    return answer({"started": rebuilding.rebuild_replica(own.database, own.projections, context(), source)}, 202)


def replica_progress(service: Runtime, source: str) -> Response:
    """How far it is."""
    require_scope(context().actor, REPORTS_READ)
    one = rebuilding.replica_rebuild(service.db, source)
    return answer({
        "source": one.source,
        "state": one.state,
        "entities": one.entities,
        "of": one.of,
        "repaired": one.repaired,
        "differences": list(one.differences),
        "started_at": iso(one.started_at),
        "changed_at": iso(one.changed_at),
        "reason": one.reason,
    })  # fmt: skip


OPERATIONS: tuple[Operation, ...] = (
    Operation("POST", METRIC, "rebuildMetric", "Build a metric anew", rebuild, 202, response=RebuildDocument,
              tag="Reports", description="A new generation is filled beside the one that serves, compared with it, and "
              "takes its place; reads go on throughout. Every metric is exact without it."),
    Operation("GET", METRIC, "readRebuild", "How far the latest rebuild is", progress, response=RebuildDocument,
              tag="Reports"),
    Operation("POST", REPLICA, "rebuildReplica", "Compare every entity of a source, and take over what differs",
              rebuild_replica, 202, response=BegunDocument, tag="Reports"),
    Operation("GET", REPLICA, "readReplicaRebuild", "How far that is", replica_progress, response=ReplicaDocument,
              tag="Reports"),
)  # fmt: skip
