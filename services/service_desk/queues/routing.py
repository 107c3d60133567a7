"""Rules of assignment that follow from queues: whoever gives tickets out asks them after those that people made."""

from __future__ import annotations

from collections.abc import Mapping

from services.service_desk.queues import store
from shared.kernel.db import Connection
from shared.service.assignment import Assigned, Rule, Sticky
from shared.service.steps import LiveType

REQUESTER = "requester_email"
STATUSES = ("new", "open", "waiting_on_customer", "waiting_on_us")
OPEN = {"attribute": "status", "operator": "IN", "values": list(STATUSES)}


def rules(connection: Connection, _live: LiveType) -> list[Rule]:
    """One for each queue that gives its tickets out, in the order of queues."""
    return [
        Rule(
            f"queue {one.name}",
            one.pool,
            one.tickets,
            one.skills,
            (),
            None if one.sticky_days is None else Sticky(REQUESTER, one.sticky_days),
        )
        for one in store.every(connection)
        if one.automatic and one.pool is not None
    ]


ASSIGNED: Mapping[str, Assigned] = {"ticket": Assigned(open=OPEN, derived=rules)}
