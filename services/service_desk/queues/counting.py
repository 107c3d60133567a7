"""How much waits in each queue: open, nobody's, and soon late. By indexes; three statements for all queues whose
tickets name them, three more for each that has a filter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from services.service_desk.domain.policies import Target
from services.service_desk.promises.keeping import TICKET
from services.service_desk.queues.routing import OPEN
from services.service_desk.queues.store import Queue
from shared.kernel.clock import iso, now
from shared.kernel.context import Context
from shared.service.assignment import Tally

FREE = {"attribute": "owner_id", "operator": "NOT_HAS_PROPERTY"}
SOON_MINUTES = 120


def soon(at: datetime, minutes: int) -> dict[str, Any]:
    """Tickets of which a promise that runs ends within some minutes."""
    until = iso(at + timedelta(minutes=minutes))
    return {
        "or": [
            {
                "and": [
                    {"attribute": f"{one.value}_status", "operator": "EQ", "value": "running"},
                    {"attribute": f"{one.value}_due_at", "operator": "LTE", "value": until},
                ]
            }
            for one in Target
        ]
    }


def counts(tally: Tally, ctx: Context, queues: Sequence[Queue], minutes: int) -> dict[int, dict[str, int]]:
    """The three numbers of each queue."""
    asked: dict[str, dict[str, Any]] = {
        "open": OPEN,
        "unassigned": {"and": [OPEN, FREE]},
        "breaching_soon": {"and": [OPEN, soon(now(), minutes)]},
    }
    named = [one.id for one in queues if one.filter is None]
    found: dict[int, dict[str, int]] = {one.id: {} for one in queues}
    for what, wanted in asked.items():
        by_queue = tally.by_reference(ctx, TICKET, wanted, "queue_id", named) if named else {}
        for one in queues:
            if one.filter is None:
                found[one.id][what] = by_queue.get(one.id, 0)
            else:
                found[one.id][what] = tally.of(ctx, TICKET, {"and": [one.filter, wanted]})
    return found
