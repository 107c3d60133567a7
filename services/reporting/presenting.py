"""Metrics as JSON, for those who may know their numbers and for those who may not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.reporting.domain.definitions import document
from services.reporting.metrics import store
from services.reporting.projections import Projections
from services.reporting.relinking import left
from services.reporting.rights import knowable
from shared.kernel.clock import iso
from shared.kernel.context import Context
from shared.kernel.db import Connection

_NUMBERS = frozenset({"to_backfill", "catching_up", "verified_wrong"})


def metric_document(one: store.Metric) -> dict[str, Any]:
    """A metric as JSON."""
    return {
        **document(one.definition),
        "version": one.version,
        "state": one.state,
        "to_backfill": one.to_backfill,
        "error": one.error,
        "verified_at": one.verified_at and iso(one.verified_at),
        "verified_wrong": one.verified_wrong,
        "created_at": iso(one.created_at),
        "ready_at": one.ready_at and iso(one.ready_at),
    }


def shown(
    connection: Connection, projections: Projections, ctx: Context, metrics: Sequence[store.Metric]
) -> list[dict[str, Any]]:
    """Metrics as JSON, with what is left to do; without numbers of entities that the reader must not see."""
    waits, known = left(connection, projections, metrics), knowable(connection, projections, ctx, metrics)
    found = []
    for one in metrics:
        told = metric_document(one) | ({"catching_up": n} if (n := waits.get(one.id)) else {})
        if one.name not in known:
            told = {key: value for key, value in told.items() if key not in _NUMBERS}
        found.append(told)
    return found
