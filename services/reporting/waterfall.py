"""What changed a number between two days, by cause. The parts sum exactly to the difference that the ledger tells.

Every version recorded in between is replayed and put under one cause: `new`, `archived`, `restored`, `merged` (the
absorbed that are no longer counted, and what the survivor got from them; its undoing, too), `erased`, `moved in` and
`moved out` (into or out of the group asked for, or of the metric's filter), `value changed`, `taken over` (copied from
its home, what led there is not known). What erasure took from the replay is still in the ledger: it stands under
`erased`, too; what a repair put right, under `repaired`. Where another definition answered on the day before, the
number is the one told then, and what the present one makes of that day differs by `definition changed`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, timedelta
from decimal import Decimal
from typing import Any

from services.reporting.backfill import history
from services.reporting.commands import of_entities
from services.reporting.domain.exact import minus, plus, total
from services.reporting.domain.periods import is_range
from services.reporting.metrics import store
from services.reporting.metrics.compiling import Compiled, Contribution, Dims
from services.reporting.projections import Projections, compiled_metric
from shared.contracts.event import ARCHIVED, CREATED, ERASED, MERGED, RESTORED, UNMERGED
from shared.kernel.db import Connection, Database
from shared.kernel.errors import Invalid
from shared.service.replica.catalogs import KnownType
from shared.service.replica.facts import ABSORBED, COPIED, COPIED_ARCHIVED, RELEASED, FactChange

ENTITIES = 1000
MOST_EXAMPLES = 20
ADDITIVE = ("count", "sum")
_TOUCHED = """select distinct id from fact_version where type_no = %(no)s and at >= %(low)s and at < %(high)s
and id > %(after)s order by id limit %(limit)s"""
_LEDGER = """select coalesce(sum(n), 0)::bigint, coalesce(sum(s), 0) from ledger
where metric_id = %(metric)s and day <= %(day)s{groups}"""
_REPAIRS = """select count(*) from repair where what = %(what)s and repaired and at >= %(low)s and at < %(high)s"""
_CAUSES = {
    CREATED: "new",
    ARCHIVED: "archived",
    RESTORED: "restored",
    MERGED: "merged",
    UNMERGED: "merged",
    ABSORBED: "merged",
    RELEASED: "merged",
    ERASED: "erased",
    COPIED: "taken over",
    COPIED_ARCHIVED: "taken over",
}


@dataclass(slots=True)
class Part:
    """What one cause came to: versions, entities more or fewer, value more or less, and some of the entities."""

    versions: int = 0
    n: int = 0
    value: Decimal = Decimal(0)
    entities: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Waterfall:
    """From the end of the day before `first` to the end of `last`."""

    metric: str
    first: date
    last: date
    before: Decimal
    after: Decimal
    parts: Mapping[str, Part]


def waterfall(
    database: Database,
    projections: Projections,
    name: str,
    first: date,
    last: date,
    group: Mapping[str, str | None],
) -> Waterfall:
    """Raises NotFound, and Invalid for measures whose parts do not add up (averages, extremes, ratios)."""
    with database.transaction() as connection:
        # Versions and ledger of one moment, without keeping anybody waiting.
        connection.run("set transaction isolation level repeatable read, read only")
        metric = of_entities(connection, name)
        kind = metric.definition.measure.kind
        if kind not in ADDITIVE:
            raise Invalid.one("metric", "NOT_ADDITIVE", f"the parts of a metric of kind {kind} do not add up")
        names = [one.name for one in metric.definition.groups]
        unknown = [one for one in group if one not in names]
        if unknown:
            raise Invalid.one("group", "INVALID_QUESTION", f"group: {unknown[0][:60]} is none of {', '.join(names)}")
        known = projections.catalogs.types(connection).type(metric.entity_type)
        compiled = compiled_metric(metric, known)
        joined = [*(one for one in group if one in compiled.joins), *(test.name[1:] for test in compiled.beyond)]
        if joined:
            raise Invalid.one("group", "INVALID_QUESTION", f"group: {joined[0]} is of linked entities, whose own "
                              "changes are no changes of these")  # fmt: skip
        ranges = [one.name for one in metric.definition.groups if one.bucket and is_range(group.get(one.name))]
        if ranges:
            raise Invalid.one("group", "INVALID_QUESTION", f"group: ask for one {ranges[0]}, or for all of them")
        wanted = {names.index(one): value for one, value in group.items()}
        before, after = (_ledger(connection, metric, wanted, day) for day in (first - timedelta(1), last))
        place = _Place(compiled, wanted, kind == "sum")
        parts = place.parts(_changes(connection, known, first, last))
        _settle(connection, metric, parts, after, before, (first, last))
        began = _told_then(connection, metric, parts, before, (group, first - timedelta(1)))
    return Waterfall(name, first, last, began, _value(metric, after), parts)


def _changes(connection: Connection, known: KnownType, first: date, last: date) -> Iterator[FactChange]:
    """All changes of entities that were changed in between; those of other days among them have to be left out."""
    params: dict[str, Any] = {"no": known.no, "low": first, "high": last + timedelta(1), "after": 0, "limit": ENTITIES}
    while ids := [row[0] for row in connection.rows(_TOUCHED, params)]:
        for one in history(connection, known, ids):
            if first <= one.at.astimezone(UTC).date() <= last:
                yield one
        params["after"] = ids[-1]


@dataclass(frozen=True, slots=True)
class _Place:
    compiled: Compiled
    wanted: Mapping[int, str | None]
    sums: bool

    def parts(self, changes: Iterable[FactChange]) -> dict[str, Part]:
        found: dict[str, Part] = {}
        for one in changes:
            old = None if one.old is None else self.compiled.of(one.old)
            new = None if one.new is None else self.compiled.of(one.new)
            before, after = (part if part and self._inside(part.dims) else None for part in (old, new))
            if before == after:
                continue
            part = found.setdefault(self._cause(one, before, after), Part())
            part.versions += 1
            part.n += (after is not None) - (before is not None)
            part.value = plus(part.value, minus(self._value(after), self._value(before)))
            if len(part.entities) < MOST_EXAMPLES and one.id not in part.entities:
                part.entities.append(one.id)
        return found

    def _inside(self, dims: Dims) -> bool:
        return all(dims[place] == value for place, value in self.wanted.items())

    def _value(self, one: Contribution | None) -> Decimal:
        return Decimal(0) if one is None else one.s if self.sums else Decimal(1)

    def _cause(self, change: FactChange, before: Contribution | None, after: Contribution | None) -> str:
        known = _CAUSES.get(change.kind)
        if known is not None:
            return known
        if before is None:
            return "moved in"
        return "moved out" if after is None else "value changed"


def _ledger(
    connection: Connection, metric: store.Metric, wanted: Mapping[int, str | None], day: date
) -> tuple[int, Decimal]:
    """(entities, sum) of a group at the end of a day."""
    params: dict[str, Any] = {"metric": metric.id, "day": day}
    groups = ""
    for place, value in wanted.items():
        params[f"g{place}"] = value
        groups += f" and dims[{place + 1}] is not distinct from %(g{place})s::text"
    row = connection.row(_LEDGER.format(groups=groups), params)
    return (0, Decimal(0)) if row is None else (int(row[0]), Decimal(row[1]))


def _told_then(
    connection: Connection,
    metric: store.Metric,
    parts: dict[str, Part],
    before: tuple[int, Decimal],
    asked: tuple[Mapping[str, str | None], date],
) -> Decimal:
    """What was answered on that day, with what the present definition makes of it as a part of its own."""
    (group, day), mine = asked, _value(metric, before)
    then = store.served(connection, metric.name, day)
    if then is None or then.definition == metric.definition:
        return mine
    names = [one.name for one in then.definition.groups]
    if then.definition.measure.kind not in ADDITIVE or any(one not in names for one in group):
        return mine  # it had no such number
    told = _ledger(connection, then, {names.index(one): value for one, value in group.items()}, day)
    theirs = _value(then, told)
    if told[0] != before[0] or mine != theirs:
        parts["definition changed"] = Part(n=before[0] - told[0], value=minus(mine, theirs))
    return theirs


def _value(metric: store.Metric, sums: tuple[int, Decimal]) -> Decimal:
    return sums[1] if metric.definition.measure.kind == "sum" else Decimal(sums[0])


def _settle(
    connection: Connection,
    metric: store.Metric,
    parts: dict[str, Part],
    after: tuple[int, Decimal],
    before: tuple[int, Decimal],
    days: tuple[date, date],
) -> None:
    """What the ledger knows and the replay cannot: erased values, and repairs."""
    sums = metric.definition.measure.kind == "sum"
    n = after[0] - before[0] - sum(one.n for one in parts.values())
    value = minus(after[1], before[1]) if sums else Decimal(after[0] - before[0])
    value = minus(value, total(one.value for one in parts.values()))
    if not n and not value:
        return
    told = {"what": f"metric {metric.name}", "low": days[0], "high": days[1] + timedelta(1)}
    repaired = connection.row(_REPAIRS, told)
    part = parts.setdefault("repaired" if repaired and repaired[0] else "erased", Part())
    part.n += n
    part.value = plus(part.value, value)
