"""Filling a new metric from the replica while events keep coming, exact when it says ready.

Entities are taken in id order, some at a time, each time under the lock of their source's watermark, so that no event
is applied meanwhile. The metric remembers how far it has come: events about entities up to there count from then on,
those about later ones do not yet. Every version is replayed at its own instant, so that the ledger reads as of days
before the metric was made; of entities that were taken over whole, nothing before that is known.

Metrics of one type that have come equally far are filled together: reading and replaying entities costs more than what
one metric makes of them, and services suggest dozens at once. A piece is cut by the versions that are to be replayed,
since no event of its source is applied meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC
from itertools import groupby
from operator import attrgetter
from typing import Any

from services.reporting.linking import Start, begin, placed
from services.reporting.metrics import comparing, store
from services.reporting.metrics.compiling import Compiled
from services.reporting.metrics.deltas import Deltas
from services.reporting.metrics.sharing import Kept, Sharing
from services.reporting.projections import Projections, compiled_metric, counts_numbers
from shared.contracts.event import CREATED
from shared.kernel.db import Connection
from shared.kernel.errors import Invalid
from shared.kernel.json import loads
from shared.service.replica.catalogs import KnownType
from shared.service.replica.facts import COPIED, Fact, FactChange, Step, advance, new_fact

ENTITIES = 2000
VERSIONS = 4000

# Links are told of by other sources, too: none of them may be in the middle of a page that knows nothing of the metric.
_LOCK = """select 1 from watermark where source = %(source)s or %(linked)s order by subscription for update"""
_PAGE = "select id, version from fact where type_no = %(no)s and id > %(after)s order by id limit %(limit)s"
_FACTS = """select id, version, archived, values::text from fact
where type_no = %(no)s and id = any(%(ids)s) order by id"""
# The first version of an entity is the fact itself: nothing has to be replayed.
_FIRST = """select id, at, values::text from fact
where type_no = %(no)s and id = any(%(ids)s) and version = 1 and not archived"""
_STEPS = """select id, version, kind, at, effective_at, changed::text from fact_version
where type_no = %(no)s and id = any(%(ids)s) order by id, version"""
_REACHED = """update metric set backfilled_to = %(upto)s, to_backfill = greatest(to_backfill - %(done)s, 0)
where id = any(%(ids)s)"""
Filled = list[tuple[store.Metric, Compiled]]


def backfill(connection: Connection, projections: Projections, metric_id: int, *, entities: int | None = None) -> bool:
    """One piece of the work, in the caller's transaction; False when there is nothing left to do."""
    metric = store.by_id(connection, metric_id)
    if metric is None or metric.state != store.BACKFILLING:
        return False
    known = projections.catalogs.types(connection).type(metric.entity_type)
    linked = _linked(metric)
    connection.rows(_LOCK, {"source": known.source, "linked": linked})
    metric = store.by_id(connection, metric_id, lock=True)
    if metric is None or metric.state != store.BACKFILLING:
        return False
    filled = _together(connection, metric, known, linked)
    ids, more = _piece(connection, known, metric.backfilled_to, entities or ENTITIES)
    if ids:
        _add(connection, filled, known, ids)
        numbers = [one.id for one, _ in filled]
        connection.run(_REACHED, {"ids": numbers, "upto": ids[-1], "done": len(ids)})
    # Nothing comes behind a short piece while its source is held: waiting for an empty one could take for ever.
    if more:
        return True
    for one, _ in filled:
        comparing.compare(connection, one)
        store.finish(connection, one)
    return False


def _linked(metric: store.Metric) -> bool:
    return any("." in one.attribute for one in metric.definition.groups)


def _together(connection: Connection, metric: store.Metric, known: KnownType, linked: bool) -> Filled:
    """The metric, and those others that have come as far and need no lock that is not held. What cannot be compiled is
    left to its own job, which tells why."""
    found: Filled = []
    for one in store.filling(connection, metric.entity_type, metric.backfilled_to):
        try:
            if one.id == metric.id or linked or not _linked(one):
                found.append((one, compiled_metric(one, known)))
        except Invalid:
            if one.id == metric.id:
                raise
    return found


def _piece(connection: Connection, known: KnownType, after: int, most: int) -> tuple[list[int], bool]:
    """The next entities by id, and whether there may be more behind them."""
    rows = connection.rows(_PAGE, {"no": known.no, "after": after, "limit": most})
    ids: list[int] = []
    versions = 0
    for ident, version in rows:
        versions += version
        if ids and versions > VERSIONS:
            break
        ids.append(ident)
    return ids, len(ids) == most or len(ids) < len(rows)


def _add(connection: Connection, filled: Filled, known: KnownType, ids: Sequence[int]) -> None:
    kept = [Kept(compiled, None, Deltas()) for _, compiled in filled]
    sharing = Sharing(kept)
    # What an entity led to at each version is not known: it counts under what it leads to now.
    ways = dict.fromkeys(one for _, compiled in filled for one in compiled.linkages)
    starts = begin(connection, [(known, one) for one in ways], {known.name: ids}, {})
    for change in told(connection, known, starts, ids):
        sharing.add(change)
    counted = zip(filled, kept, strict=True)
    store.write(connection, {m.id: (counts_numbers(one.compiled, known), one.deltas) for (m, _), one in counted})


def told(connection: Connection, known: KnownType, starts: Sequence[Start], ids: Sequence[int]) -> Iterator[FactChange]:
    """All versions of these entities as changes at their own instants, placed by what the entities lead to now."""
    first = connection.rows(_FIRST, {"no": known.no, "ids": list(ids)})
    for ident, at, text in first:
        moment = at.replace(tzinfo=UTC)
        made = FactChange(known, ident, 1, CREATED, moment, moment, None, loads(text))
        yield placed(starts, made)
    later = {*ids}.difference(row[0] for row in first)
    for change in history(connection, known, sorted(later)) if later else ():
        yield placed(starts, change)


def history(connection: Connection, known: KnownType, ids: Sequence[int]) -> Iterator[FactChange]:
    """All changes of these entities, oldest first for each; they end at the facts as they are."""
    place = {"no": known.no, "ids": list(ids)}
    steps = (_step(row) for row in connection.rows(_STEPS, place))
    by_entity = {ident: list(some) for ident, some in groupby(steps, attrgetter("id"))}
    for ident, version, archived, text in connection.rows(_FACTS, place):
        values = loads(text)
        fact = new_fact()
        yield from _replayed(known, fact, by_entity.get(ident, ()))
        if (fact.archived, fact.values) != (archived, values):
            # Erased since, or told in parts: what is left belongs to the last known instant.
            old, end = fact.live, Fact(version, archived, fact.at, values)
            yield FactChange(known, ident, version, COPIED, fact.at, fact.at, old, end.live)


def _replayed(known: KnownType, fact: Fact, steps: Iterable[Step]) -> Iterator[FactChange]:
    for step in steps:
        yield advance(known, fact, step)


def _step(row: tuple[Any, ...]) -> Step:
    ident, version, kind, at, effective_at, changed = row
    return Step(ident, version, kind, at.replace(tzinfo=UTC), effective_at.replace(tzinfo=UTC), loads(changed))
