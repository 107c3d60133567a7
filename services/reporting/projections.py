"""The event door: a source's events folded into the replica, and what they changed into the cells of every metric.

Facts, transitions, cells and the watermark move in one transaction; two statements and one per table touched,
whatever the number of events and metrics.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from services.reporting.metrics import store
from services.reporting.metrics.compiling import Compiled, compile_metric
from services.reporting.metrics.deltas import Deltas
from shared.contracts.event import Event
from shared.kernel.db import Connection
from shared.kernel.errors import Invalid
from shared.service.replica.catalogs import Catalogs, KnownType
from shared.service.replica.facts import FactChange
from shared.service.replica.fold import fold

NUMERIC_VALUES = frozenset({"min", "max"})


class Projections:
    """What one process makes of events. Holds nothing but copies of definitions, each checked by its version."""

    def __init__(self) -> None:
        self.catalogs = Catalogs()

    def apply(self, connection: Connection, source: str, events: Sequence[Event]) -> None:
        """Fold a page of events and everything that follows from it, in the caller's transaction."""
        self.project(connection, fold(connection, self.catalogs, source, events))

    def project(self, connection: Connection, changes: Sequence[FactChange]) -> None:
        """Keep every metric by what has changed."""
        if not changes:
            return
        by_type: dict[str, list[FactChange]] = {}
        for one in changes:
            by_type.setdefault(one.known.name, []).append(one)
        found: dict[int, tuple[bool, Deltas]] = {}
        for metric in store.active(connection, by_type):
            known = by_type[metric.entity_type][0].known
            try:
                compiled = compiled_metric(metric, known)
            except Invalid as error:  # its attribute is gone: the others go on
                store.fail(connection, metric.id, str(error))
                continue
            reached = metric.backfilled_to if metric.state == store.BACKFILLING else None
            deltas = Deltas()
            for one in by_type[metric.entity_type]:
                if reached is None or one.id <= reached:
                    deltas.add(compiled, one)
            found[metric.id] = (counts_numbers(compiled, known), deltas)
        store.write(connection, found)


class _Key:
    """A metric's generation against a version of its type: equal when what they compile to is."""

    __slots__ = ("_key", "known", "metric")

    def __init__(self, metric: store.Metric, known: KnownType) -> None:
        self.metric = metric
        self.known = known
        self._key = (metric.id, metric.definition.name, metric.created_at, known.no, known.live.version)

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, _Key) and self._key == other._key


def compiled_metric(metric: store.Metric, known: KnownType) -> Compiled:
    """The metric compiled against the type in force, from memory when that has not changed."""
    return _compiled(_Key(metric, known))


@lru_cache(maxsize=1024)
def _compiled(key: _Key) -> Compiled:
    return compile_metric(key.metric.definition, key.known)


def counts_numbers(compiled: Compiled, known: KnownType) -> bool:
    """Whether the values that the metric counts are numbers (else they are compared as text, which dates allow)."""
    measure = compiled.definition.measure
    return measure.kind in NUMERIC_VALUES and known.live.attribute(measure.attribute).kind == "number"
