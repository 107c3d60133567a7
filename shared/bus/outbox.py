"""Writing to the log: events go in with the change they tell of, in one transaction, or not at all.

Call `append` once per transaction, after the rows that it tells of are locked, with all its events: one statement
whatever their number; for thousands of them `copy` costs half of that. Where the caller runs a pipeline of its own,
STATEMENT and `parameters` give the pieces.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from shared.contracts.event import Event, encode
from shared.kernel.copying import blocks, escaped
from shared.kernel.db import Connection

STATEMENT = """insert into outbox (kind, entity_type, entity_id, version, body)
select e->>'kind', e->>'entity_type', (e->>'entity_id')::bigint, (e->>'version')::bigint, e
from jsonb_array_elements(%(events)s::jsonb) with ordinality as listed(e, place) order by place"""


def parameters(events: Sequence[Event]) -> dict[str, str]:
    """The parameters of STATEMENT."""
    return {"events": (b"[" + b",".join(map(encode, events)) + b"]").decode()}


def append(connection: Connection, events: Sequence[Event]) -> None:
    """Store events in the given order, in the caller's transaction; ids are drawn in that order.

    Raises psycopg's CheckViolation when today's partition is missing (`shared.kernel.partitions.is_missing_partition`):
    the outermost block then calls `shared.bus.schema.ensure_partitions` and tries the whole transaction again.
    """
    if events:
        connection.run(STATEMENT, parameters(events), prepare=True)


Encoded = tuple[str, str, int, int, bytes]
"""Kind, entity type, entity id, version and the JSON form of an event about an entity."""


def copy(connection: Connection, events: Iterable[Encoded]) -> None:
    """Like `append`, for very many events, which are made while the server takes them in."""
    lines = (
        f"{kind}\t{escaped(entity_type)}\t{ident}\t{version}\t{escaped(body.decode())}\n"
        for kind, entity_type, ident, version, body in events
    )
    connection.copy("copy outbox (kind, entity_type, entity_id, version, body) from stdin", blocks(lines))
