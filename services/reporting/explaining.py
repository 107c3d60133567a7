"""The entities that make up a group, with what each adds; what they add sums exactly to the group's value.

A period narrows a group down by the metric's time, as in questions. Each entity can be told with the events behind it:
the versions that changed something the metric looks at, or whether the entity counts at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC
from itertools import islice
from typing import Any

from services.reporting.commands import live_facts, of_entities
from services.reporting.domain.definitions import TIME, Definition, Dimension
from services.reporting.domain.periods import Period, bucketed, is_range, parse_range
from services.reporting.metrics.compiling import Compiled, Contribution, Dims, Join
from services.reporting.projections import Projections, compiled_metric
from shared.kernel.clock import iso, now
from shared.kernel.db import Connection, Database
from shared.kernel.errors import Invalid
from shared.kernel.json import loads
from shared.service.replica.catalogs import KnownType
from shared.service.replica.evaluating import group_text

MOST_EXPLAINED = 500
MOST_EVENTS = 20
_AT_ONCE = 2000
_OTHERS = "select id, (values->%(key)s)::text from fact where type_no = %(no)s and id = any(%(ids)s) and not archived"
_EVENTS = """select id, version, kind, at, actor, changed::text from (
    select v.*, row_number() over (partition by id order by version desc) as place from fact_version v
    where type_no = %(no)s and id = any(%(ids)s) and (changed ?| %(keys)s::text[] or kind <> 'entity.updated')) latest
where place <= %(most)s order by id, version"""
Found = tuple[int, Contribution]


def explain(
    database: Database,
    projections: Projections,
    name: str,
    group: Mapping[str, str | None],
    after: int,
    limit: int,
    hidden: Sequence[str] = (),
    *,
    period: Period | None = None,
    events: bool = False,
) -> tuple[list[dict[str, Any]], int | None]:
    """Entities of a group (some of its dimensions), and the id to go on behind. hidden: dimensions that are not told.

    Raises Invalid for dimensions that the metric has not, and for a period when it knows no time.
    """
    rows: list[dict[str, Any]] = []
    with database.transaction() as connection:
        metric = of_entities(connection, name)
        names = [one.name for one in metric.definition.groups]
        places = {name: place for place, name in enumerate(names)}
        unknown = [one for one in group if one not in names]
        if unknown:
            raise Invalid.one("group", "INVALID_QUESTION", f"group: {unknown[0][:60]} is none of {', '.join(names)}")
        known = projections.catalogs.types(connection).type(metric.entity_type)
        compiled = compiled_metric(metric, known)
        unseen = {*hidden, *(one.name for one in compiled.beyond)}
        fits = _within(metric.definition, group, period)
        facts = live_facts(connection, known, after, compiled.linkages)
        found = ((ident, one) for ident, values in facts if (one := compiled.of(values)) is not None)
        for ident, one, dims in _shown(connection, compiled, found):
            if not fits(dims) or not all(test.fits(dims[places[test.name]]) for test in compiled.beyond):
                continue
            if len(rows) == limit:
                return _told(connection, compiled, known, rows, events), int(rows[-1]["id"])
            told = {key: value for key, value in zip(names, dims, strict=True) if key not in unseen}
            entity = {"id": str(ident), "type": metric.entity_type, "adds": _adds(compiled, one)}
            rows.append({**entity, "group": told})
        return _told(connection, compiled, known, rows, events), None


def _within(definition: Definition, group: Mapping[str, str | None], period: Period | None) -> Callable[[Dims], bool]:
    names = [one.name for one in definition.groups]
    asked = [_range(names.index(one), definition, value) for one, value in group.items() if value and is_range(value)]
    ranges = [one for one in asked if one is not None]
    places = {place for place, _, _ in ranges}
    wanted = {at: value for one, value in group.items() if (at := names.index(one)) not in places}
    if period is not None:
        if TIME not in names:
            told = "period: this metric has no time, so that it knows no periods"
            raise Invalid.one("period", "INVALID_QUESTION", told)
        ranges.append((names.index(TIME), period.first.isoformat(), period.last.isoformat()))

    def fits(dims: Dims) -> bool:
        if any(dims[at] != value for at, value in wanted.items()):
            return False
        return all((one := dims[at]) is not None and first <= one <= (last or one) for at, first, last in ranges)

    return fits


def _range(place: int, definition: Definition, text: str) -> tuple[int, str, str] | None:
    """The buckets of a range; None where such a text is the name of a group. Raises Invalid for no range."""
    one = definition.groups[place]
    if not one.bucket:
        return None
    try:
        return place, *parse_range(text, one.bucket, one.time_zone, now())
    except ValueError as error:
        raise Invalid.one(f"group.{one.name}", "INVALID_QUESTION", f"group.{one.name}: {error}") from error


def _told(
    connection: Connection, compiled: Compiled, known: KnownType, rows: list[dict[str, Any]], events: bool
) -> list[dict[str, Any]]:
    """The rows, with the events behind each where they are asked for: the latest ones, oldest first."""
    if not events or not rows:
        return rows
    params = {"no": known.no, "ids": [int(one["id"]) for one in rows], "keys": list(compiled.keys), "most": MOST_EVENTS}
    found: dict[str, list[dict[str, Any]]] = {}
    names = {attribute.key: attribute.name for attribute in known.live.by_id.values()}
    for ident, version, kind, at, actor, changed in connection.rows(_EVENTS, params):
        values = {names.get(key, key): pair for key, pair in loads(changed).items() if key in compiled.keys}
        event = {"version": version, "kind": kind, "at": iso(at.replace(tzinfo=UTC)), "actor": actor, "changed": values}
        found.setdefault(str(ident), []).append(event)
    return [{**one, "events": found.get(one["id"], [])} for one in rows]


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
            told = bucketed(told, part.bucket, part.time_zone)
        found[str(ident)] = group_text(told)
    return found


def _adds(compiled: Compiled, one: Contribution) -> str | None:
    """What an entity adds to its group: one, its number, or its value among those that are counted."""
    if compiled.by_value:
        return one.value
    return format(one.s, "f") if compiled.definition.measure.attribute else "1"
