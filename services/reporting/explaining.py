"""The entities that make up a group, with what each adds; what they add sums exactly to the group's value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from services.reporting.commands import live_facts, of_entities
from services.reporting.domain.definitions import Dimension
from services.reporting.domain.periods import bucket_of, local_day
from services.reporting.metrics.compiling import Compiled, Contribution, Dims, Join
from services.reporting.projections import Projections, compiled_metric
from shared.kernel.db import Connection, Database
from shared.kernel.errors import Invalid
from shared.kernel.json import loads
from shared.service.replica.evaluating import group_text

MOST_EXPLAINED = 500
_AT_ONCE = 2000
_OTHERS = "select id, (values->%(key)s)::text from fact where type_no = %(no)s and id = any(%(ids)s) and not archived"
Found = tuple[int, Contribution]


def explain(
    database: Database,
    projections: Projections,
    name: str,
    group: Mapping[str, str | None],
    after: int,
    limit: int,
    hidden: Sequence[str] = (),
) -> tuple[list[dict[str, Any]], int | None]:
    """Entities of a group (some of its dimensions), and the id to go on behind. hidden: dimensions that are not told.

    Raises Invalid for dimensions that the metric has not.
    """
    rows: list[dict[str, Any]] = []
    with database.transaction() as connection:
        metric = of_entities(connection, name)
        names = [one.name for one in metric.definition.groups]
        unknown = [one for one in group if one not in names]
        if unknown:
            raise Invalid.one("group", "INVALID_QUESTION", f"group: {unknown[0][:60]} is none of {', '.join(names)}")
        known = projections.catalogs.types(connection).type(metric.entity_type)
        compiled = compiled_metric(metric, known)
        wanted = {names.index(one): value for one, value in group.items()}
        facts = live_facts(connection, known, after, compiled.linkages)
        found = ((ident, one) for ident, values in facts if (one := compiled.of(values)) is not None)
        for ident, one, dims in _shown(connection, compiled, found):
            if any(dims[place] != value for place, value in wanted.items()):
                continue
            if len(rows) == limit:
                return rows, int(rows[-1]["id"])
            told = {key: value for key, value in zip(names, dims, strict=True) if key not in hidden}
            entity = {"id": str(ident), "type": metric.entity_type, "adds": _adds(compiled, one)}
            rows.append({**entity, "group": told})
    return rows, None


def _shown(
    connection: Connection, compiled: Compiled, found: Iterator[Found]
) -> Iterator[tuple[int, Contribution, Dims]]:
    """The groups as answers show them: ids that lead to others are joined to their attributes."""
    joined = [
        (place, one, compiled.joins[one.name])
        for place, one in enumerate(compiled.definition.groups)
        if one.name in compiled.joins
    ]
    if not joined:
        yield from ((ident, one, one.dims) for ident, one in found)
        return
    while some := list(islice(found, _AT_ONCE)):
        texts = {place: _texts(connection, part, join, some, place) for place, part, join in joined}
        for ident, one in some:
            dims = list(one.dims)
            for place, known in texts.items():
                dims[place] = known.get(dims[place] or "")
            yield ident, one, tuple(dims)


def _texts(
    connection: Connection, part: Dimension, join: Join, some: Sequence[Found], place: int
) -> dict[str, str | None]:
    """By the id that a cell holds: the group that it stands for."""
    ids = sorted({int(ident) for _, one in some if (ident := one.dims[place]) is not None})
    params = {"key": join.attribute.key, "no": join.linkage.target.no, "ids": ids}
    found: dict[str, str | None] = {}
    for ident, value in connection.rows(_OTHERS, params):
        told = None if value is None else loads(value)
        if part.bucket and told is not None:
            told = bucket_of(local_day(told, part.time_zone), part.bucket)
        found[str(ident)] = group_text(told)
    return found


def _adds(compiled: Compiled, one: Contribution) -> str | None:
    """What an entity adds to its group: one, its number, or its value among those that are counted."""
    if compiled.by_value:
        return one.value
    return format(one.s, "f") if compiled.definition.measure.attribute else "1"
