"""How much waits in each queue: open, nobody's, and soon late. By indexes, in one statement for all queues, those that
are a filter too."""

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
_NAMES = ("open", "unassigned", "breaching_soon")


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


def counts(tally: Tally, ctx: Context, queues: Sequence[Queue], minutes: int) -> dict[int, dict[str, int | None]]:
    """The three numbers of each queue; none for one whose filter asks for what is no more."""
    found = tally.each(ctx, TICKET, OPEN, (FREE, soon(now(), minutes)), [one.tickets for one in queues])
    return {
        queue.id: dict(zip(_NAMES, numbers or (None,) * len(_NAMES), strict=True))
        for queue, numbers in zip(queues, found, strict=True)
    }
