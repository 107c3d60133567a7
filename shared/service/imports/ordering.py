"""Orders as they go out: `import.job` events on the log of the service that took the file. The other end: `orders`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.bus import outbox
from shared.contracts import imports as contract
from shared.contracts.event import Event
from shared.contracts.imports import JobOrder
from shared.kernel.clock import now
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.kernel.json import dumps
from shared.service.imports.telling import SOURCE

_OTHERWISE = """
update outbox set body = jsonb_set(body, '{detail,spec}', %(spec)s)
where at >= %(since)s and kind = %(kind)s and entity_id = %(number)s and body #> '{detail,spec}' is not null
"""


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


def tell_otherwise(connection: Connection, number: int, spec: Mapping[str, Any], since: datetime) -> None:
    """Another specification in the orders that were told of an import since then: values of somebody go from it. Who
    has not heard them yet hears this one. The log is read through, as for every erasure."""
    values = {"kind": contract.JOB, "number": number, "spec": dumps(spec).decode(), "since": since}
    connection.run(_OTHERWISE, values)
