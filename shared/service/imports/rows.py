"""What an import remembers of each row: which entity it became, and which links it made. For undo and erasure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from shared.eav.bulk.items import BulkOutcome
from shared.eav.links.asked import LinkChange
from shared.kernel import arrays
from shared.kernel.db import Connection

_ROWS = """
insert into import_row (job_id, line, entity_type, entity_id, outcome, version)
select %(job)s, r.line, %(type)s, r.id, r.outcome, r.version
from unnest(%(lines)s::int[], %(ids)s::bigint[], %(outcomes)s::text[], %(versions)s::bigint[])
    r(line, id, outcome, version)
on conflict do nothing
"""
_LINKS = """
insert into import_link (job_id, from_type, from_id, to_type, to_id, relation)
select %(job)s, * from unnest(%(from_types)s::text[], %(from_ids)s::bigint[], %(to_types)s::text[],
    %(to_ids)s::bigint[], %(relations)s::int[])
on conflict do nothing
"""


TARGET = "target"
"""The outcome of an entity that was made because a row links to it."""


def record(
    connection: Connection, job: int, entity_type: str, rows: Iterable[tuple[int, BulkOutcome]], outcome: str = ""
) -> None:
    """Note what lines became, rejected ones left out; `outcome` instead of their own."""
    kept = [(line, one) for line, one in rows if one.id is not None and one.outcome != "rejected"]
    if not kept:
        return
    values = {
        "job": job,
        "type": entity_type,
        "lines": arrays.numbers(line for line, _ in kept),
        "ids": arrays.numbers(one.id or 0 for _, one in kept),
        "outcomes": arrays.texts(outcome or one.outcome for _, one in kept),
        "versions": arrays.numbers(one.version or 0 for _, one in kept),
    }
    connection.run(_ROWS, values)


def record_links(connection: Connection, job: int, made: Sequence[LinkChange]) -> None:
    """Note the links that were made."""
    if not made:
        return
    values = {
        "job": job,
        "from_types": [one.from_type for one in made],
        "from_ids": [one.from_id for one in made],
        "to_types": [one.to_type for one in made],
        "to_ids": [one.to_id for one in made],
        "relations": [one.relation for one in made],
    }
    connection.run(_LINKS, values)
