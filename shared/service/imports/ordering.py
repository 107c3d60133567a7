"""Orders as they go out: `import.job` events on the log of the service that took the file. The other end: `orders`."""

from __future__ import annotations

from shared.bus import outbox
from shared.contracts import imports as contract
from shared.contracts.event import Event
from shared.contracts.imports import JobOrder
from shared.kernel.clock import now
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.service.imports.telling import SOURCE


def tell_order(connection: Connection, job: int, entity_type: str, order: JobOrder, context: Context) -> None:
    """Append an order in the transaction of what it is about. `context`: who submitted the import."""
    event = Event(
        kind=contract.JOB,
        entity_type=entity_type,
        at=now(),
        entity_id=job,
        actor=context.actor.id,
        source=SOURCE,
        source_id=str(job),
        correlation=context.correlation,
        detail=order.to_document(),
    )
    outbox.append(connection, [event])
