"""The event door: a source's events folded into the replica, and what they changed into the cells of every metric.

Facts, transitions, cells and the watermark move in one transaction; two statements and one per table touched,
whatever the number of events and metrics.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from services.reporting.linking import Linked, Start, begin, told, watch
from services.reporting.metrics import store
from services.reporting.metrics.compiling import Compiled, compile_metric
from services.reporting.metrics.deltas import Deltas
from services.reporting.metrics.sharing import Kept, Sharing
from shared.contracts.event import Event
from shared.kernel.clock import now
from shared.kernel.db import Connection
from shared.kernel.errors import Invalid, NotFound
from shared.service.replica.catalogs import Catalogs, KnownType
from shared.service.replica.facts import FactChange
from shared.service.replica.fold import fold
from shared.service.replica.takeover import Link, Speaks, differing_links, take_over_links

NUMERIC_VALUES = frozenset({"min", "max"})

Joined = tuple[store.Metric, KnownType, Compiled]


class Projections:
    """What one process makes of events. Holds nothing but copies of definitions, each checked by its version."""

    def __init__(self) -> None:
        self.catalogs = Catalogs()

    def apply(self, connection: Connection, source: str, events: Sequence[Event]) -> None:
        """Fold a page of events and everything that follows from it, in the caller's transaction."""
        linked = self.linked(connection)
        starts: list[Start] = []
        if linked:
            starts = watch(connection, ways(linked), self.catalogs.types(connection), events)
        self.keep(connection, fold(connection, self.catalogs, source, events), linked, starts)

    def project(self, connection: Connection, changes: Sequence[FactChange]) -> None:
        """Keep every metric by what has changed, links aside."""
        linked = self.linked(connection)
        ids: dict[str, set[int]] = {}
        for one in changes:
            ids.setdefault(one.known.name, set()).add(one.id)
        self.keep(connection, changes, linked, begin(connection, ways(linked), ids, {}))

    def take_over_links(
        self,
        connection: Connection,
        links: Sequence[Link],
        first: tuple[int, ...],
        last: tuple[int, ...],
        speaks: Speaks,
    ) -> None:
        """Make a range of links what their home says they are, and keep every metric by it."""
        linked = self.linked(connection)
        starts: list[Start] = []
        if linked:
            at = now()
            moved = {row[:2]: at for row in differing_links(connection, links, first, last, speaks)}
            starts = begin(connection, ways(linked), {}, moved)
        take_over_links(connection, links, first, last, speaks)
        self.keep(connection, [], linked, starts)

    def linked(self, connection: Connection) -> list[Joined]:
        """Metrics in force whose cells are joined to other entities when they are read."""
        types = self.catalogs.types(connection)
        found = []
        for metric in store.joined(connection):
            try:
                known = types.type(metric.entity_type)
                found.append((metric, known, compiled_metric(metric, known)))
            except (Invalid, NotFound) as error:  # the other type, or its attribute, is gone
                store.fail(connection, metric.id, str(error))
        return found

    def keep(
        self, connection: Connection, changes: Sequence[FactChange], linked: Sequence[Joined], starts: Sequence[Start]
    ) -> None:
        """Keep every metric by what has changed; starts: what entities led to before it."""
        if starts:
            changes = told(connection, starts, changes)
        if not changes:
            return
        by_type: dict[str, list[FactChange]] = {}
        for one in changes:
            by_type.setdefault(one.known.name, []).append(one)
        found: dict[int, tuple[bool, Deltas]] = {}
        kept: dict[str, list[Kept]] = {}
        for metric in store.active(connection, by_type):
            known = by_type[metric.entity_type][0].known
            try:
                compiled = compiled_metric(metric, known)
            except Invalid as error:  # its attribute is gone: the others go on
                store.fail(connection, metric.id, str(error))
                continue
            reached = metric.backfilled_to if metric.state == store.BACKFILLING else None
            deltas = Deltas()
            kept.setdefault(metric.entity_type, []).append(Kept(compiled, reached, deltas))
            found[metric.id] = (counts_numbers(compiled, known), deltas)
        for entity_type, some in kept.items():
            sharing = Sharing(some)
            for change in by_type[entity_type]:
                sharing.add(change)
        store.write(connection, found)
        elsewhere = [metric.id for metric, _, compiled in linked if _seen(compiled, by_type)]
        if elsewhere:
            store.note_change(connection, elsewhere)


def ways(linked: Sequence[Joined]) -> list[Linked]:
    """All linkages by links, each once with its type."""
    found = {(known.no, one.relation): (known, one) for _, known, compiled in linked for one in compiled.linkages}
    return list(found.values())


def _seen(compiled: Compiled, by_type: Mapping[str, Sequence[FactChange]]) -> bool:
    """Whether answers differ because linked entities have changed, though no cell has."""
    return any(
        _value(one.old, join.attribute.key) != _value(one.new, join.attribute.key)
        for join in compiled.joins.values()
        for one in by_type.get(join.linkage.target.name, ())
    )


def _value(values: Mapping[str, Any] | None, key: str) -> Any:
    return None if values is None else values.get(key)


class _Key:
    """A metric's generation against a version of its type: equal when what they compile to is."""

    __slots__ = ("_key", "known", "metric")

    def __init__(self, metric: store.Metric, known: KnownType) -> None:
        self.metric = metric
        self.known = known
        # What is joined is looked up among all types: then none of them may have changed.
        among = known.among if any("." in one.attribute for one in metric.definition.groups) else None
        self._key = (metric.id, metric.definition.name, metric.created_at, known.no, known.live.version, among)

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
