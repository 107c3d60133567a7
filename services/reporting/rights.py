"""Who may have to do with a metric: those only who may read what it counts, by whatever door.

Whether entities fit a filter is told by a number, by the groups that a verification compared, and by how many are left
to be filled: whoever defines, changes, retires or verifies a metric needs the rights of whoever asks it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from services.reporting.metrics import store
from services.reporting.metrics.compiling import Compiled
from services.reporting.projections import Projections, compiled_metric
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.service.permissions import allowed, require
from shared.service.replica.catalogs import KnownType, KnownTypes
from shared.service.schema import TypeDef


def permit_counting(ctx: Context, known: KnownType, compiled: Compiled) -> None:
    """Raises Forbidden unless the actor may read the type, and every type that the definition looks at by links."""
    for defn in _looked_at(known, compiled):
        require(ctx.actor, "objects", defn, "read")


def permit_metric(connection: Connection, projections: Projections, ctx: Context, metric: store.Metric) -> None:
    """The same of a metric that is there; of a ratio: of both metrics that it is made of."""
    for known, compiled in _parts(connection, projections.catalogs.types(connection), metric, {}):
        permit_counting(ctx, known, compiled)


def knowable(
    connection: Connection, projections: Projections, ctx: Context, metrics: Sequence[store.Metric]
) -> set[str]:
    """The names of those whose numbers may be shown; as many statements for all metrics as for one."""
    types, among = projections.catalogs.types(connection), {one.name: one for one in metrics}
    hidden = {
        one.name
        for one in metrics
        for known, compiled in _parts(connection, types, one, among)
        for defn in _looked_at(known, compiled)
        if not allowed(ctx.actor, "objects", defn, "read")
    }
    return among.keys() - hidden


def _looked_at(known: KnownType, compiled: Compiled) -> Iterator[TypeDef]:
    yield known.live.defn
    for join in compiled.joins.values():
        yield join.linkage.target.live.defn


def _parts(
    connection: Connection, types: KnownTypes, metric: store.Metric, among: Mapping[str, store.Metric]
) -> Iterator[tuple[KnownType, Compiled]]:
    """What a metric counts. A failed one may be of a type that is gone: it counts nothing any more. among: metrics at
    hand, that a ratio may be made of."""
    measure = metric.definition.measure
    names = [measure.numerator, measure.denominator] if measure.kind == "ratio" else []
    made_of = [found for name in names if (found := among.get(name) or store.find(connection, name)) is not None]
    for one in made_of if names else [metric]:
        known = types.find(one.entity_type)
        if known is not None and one.state != store.FAILED:
            yield known, compiled_metric(one, known)
