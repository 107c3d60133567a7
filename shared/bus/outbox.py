"""Writing to the log: events go in with the change they tell of, in one transaction, or not at all.

Call `append` once per transaction, after the rows that it tells of are locked, with all its events: one statement
whatever their number; for thousands of them `copy` costs half of that. Other rows that change with every such event
are changed by the same statement, as riders of it: a statement costs more than what it does to one row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from shared.contracts.event import Event, encode
from shared.kernel.copying import blocks, escaped
from shared.kernel.db import Connection

_APPEND = """insert into outbox (kind, entity_type, entity_id, version, body)
select e->>'kind', e->>'entity_type', (e->>'entity_id')::bigint, (e->>'version')::bigint, e
from jsonb_array_elements(%(events)s::jsonb) with ordinality as listed(e, place) order by place"""


class Rider(NamedTuple):
    """A statement that changes rows and answers nothing, to be run within the one that stores events. It sees rows as
    they were before that, what other riders insert is not there. Names of parameters must be its own.
    """

    sql: str
    params: Mapping[str, Any]


def append(connection: Connection, events: Sequence[Event], riders: Sequence[Rider] = ()) -> None:
    """Store events in the given order, in the caller's transaction, and do what rides along; ids are drawn in that
    order.

    Raises psycopg's CheckViolation when today's partition is missing (`shared.kernel.partitions.is_missing_partition`):
    the outermost block then calls `shared.bus.schema.ensure_partitions` and tries the whole transaction again.
    """
    if events or riders:
        params: dict[str, Any] = {"events": (b"[" + b",".join(map(encode, events)) + b"]").decode()}
        for one in riders:
            params |= one.params
        connection.run(_appending(tuple(one.sql for one in riders)), params, prepare=True)


@lru_cache(maxsize=128)
def _appending(riders: tuple[str, ...]) -> str:
    aside = ",\n".join(f"rider_{n} as ({sql})" for n, sql in enumerate(riders))
    return f"with {aside}\n{_APPEND}" if riders else _APPEND


Encoded = tuple[str, str, int, int, bytes]
"""Kind, entity type, entity id, version and the JSON form of an event about an entity."""


def copy(connection: Connection, events: Iterable[Encoded]) -> None:
    """Like `append`, for very many events, which are made while the server takes them in."""
    lines = (
        f"{kind}\t{escaped(entity_type)}\t{ident}\t{version}\t{escaped(body.decode())}\n"
        for kind, entity_type, ident, version, body in events
    )
    connection.copy("copy outbox (kind, entity_type, entity_id, version, body) from stdin", blocks(lines))
