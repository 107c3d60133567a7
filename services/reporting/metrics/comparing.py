"""A metric built anew beside the one that serves: whether both say the same, and which days' ledger goes on.

Both are looked at in the transaction that lets the new one serve, under the lock of their source, hence at one moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from services.reporting.metrics import mending, store
from services.reporting.metrics.compiling import Dims
from shared.kernel.db import Connection
from shared.kernel.json import dumps, loads

MOST_TOLD = 20
_NOTE = """insert into metric_rebuild (metric_id, of_id, entities) values (%(id)s, %(of)s, %(entities)s)"""
_OF = """select of_id from metric_rebuild where metric_id = %(id)s and of_id is not null"""
_COMPARED = """update metric_rebuild set compared = %(compared)s::jsonb where metric_id = %(id)s"""
_LATEST = """select r.metric_id, r.entities, r.compared::text from metric_rebuild r join metric m on m.id = r.metric_id
where m.name = %(name)s order by r.metric_id desc limit 1"""
_TAKE_ON = """insert into cell (metric_id, dims, day, n, m, s)
select %(id)s, dims, day, n, m, s from ledger where metric_id = %(of)s"""
_DAYS = """select count(*) from (
    select dims, day, n, m, s from ledger where metric_id = %(id)s and (n <> 0 or m <> 0 or s <> 0)) mine
full join (
    select dims, day, n, m, s from ledger where metric_id = %(of)s and (n <> 0 or m <> 0 or s <> 0)) theirs
on mine.dims = theirs.dims and mine.day = theirs.day
where (mine.n, mine.m, mine.s) is distinct from (theirs.n, theirs.m, theirs.s)"""


@dataclass(frozen=True, slots=True)
class Rebuild:
    """The latest rebuild of a metric: its generation, of how many entities, and what the comparison came to."""

    metric: store.Metric
    entities: int
    compared: dict[str, Any] | None


def note(connection: Connection, made: store.Metric, of: store.Metric, entities: int) -> None:
    """Note that a generation is a rebuild of another."""
    connection.run(_NOTE, {"id": made.id, "of": of.id, "entities": entities})


def latest(connection: Connection, name: str) -> Rebuild | None:
    """The latest rebuild under a name, None when there was none."""
    row = connection.row(_LATEST, {"name": name})
    metric = None if row is None else store.by_id(connection, row[0])
    if row is None or metric is None:
        return None
    return Rebuild(metric, row[1], None if row[2] is None else loads(row[2]))


def compare(connection: Connection, metric: store.Metric) -> None:
    """Before a rebuilt generation serves: compare it with the one it was made beside, and note what differs.

    Where all groups say the same, the ledger of the one before goes on: it knows of days what no replay can (values
    erased since, links as they were). Where they do not, the new one is right and begins with its own.
    """
    row = connection.row(_OF, {"id": metric.id})
    old = None if row is None else store.by_id(connection, row[0])
    if old is None or old.state != store.READY:
        return
    groups, wrong = differing(connection, metric, old)
    pair = {"id": metric.id, "of": old.id}
    days = connection.row(_DAYS, pair)
    told = {
        "version": old.version,
        "groups": groups,
        "differing": len(wrong),
        "examples": [list(one) for one in sorted(wrong, key=str)[:MOST_TOLD]],
        "days_differing": days[0] if days else 0,
    }
    connection.run(_COMPARED, {"id": metric.id, "compared": dumps(told).decode()})
    if wrong:
        store.note_repair(connection, metric.name, len(wrong), repaired=True)
        return
    connection.run("delete from cell where metric_id = %(id)s", pair)
    # A copy: whoever has just found the other to serve reads on in its cells.
    connection.run(_TAKE_ON, pair)
    mending.take_weights(connection, metric.id, old.id)


def differing(connection: Connection, mine: store.Metric, theirs: store.Metric) -> tuple[int, set[Dims]]:
    """How many groups there are, and those that differ: in totals, in the ledger's sums, or in counted values."""
    kept = [[read(connection, one.id) for read in (store.totals, store.ledger)] for one in (mine, theirs)]
    true = kept[0][0]
    wrong = {dims for one in (*kept[0], *kept[1]) for dims in {*one, *true} if one.get(dims) != true.get(dims)}
    counted = [store.values(connection, one.id) for one in (mine, theirs)]
    keys = {*counted[0], *counted[1]}
    wrong |= {dims for dims, value in keys if counted[0].get((dims, value)) != counted[1].get((dims, value))}
    return len(true), wrong
