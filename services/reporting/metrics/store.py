"""Metrics and their cells in the database: one statement per table and batch, keys in order."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from services.reporting.domain.definitions import FILTER_PREFIX, Definition, document, read_definition
from services.reporting.metrics.compiling import Dims
from services.reporting.metrics.deltas import Deltas
from services.reporting.tables import WEIGHT
from shared.kernel.db import Connection
from shared.kernel.json import dumps, loads

BACKFILLING, READY, REPLACED, RETIRED, FAILED = "backfilling", "ready", "replaced", "retired", "failed"
ACTIVE = (BACKFILLING, READY)

_FIND = """select {columns} from metric where name = %(name)s and state = any(%(states)s)
order by state = 'ready' desc, version desc limit 1"""
_SERVED = """select {columns} from metric where name = %(name)s and state in ('ready', 'replaced')
and ready_at < %(end)s and (retired_at is null or retired_at >= %(end)s) order by version desc limit 1"""
_COLUMNS = """id, name, version, entity_type, definition::text, state, backfilled_to, to_backfill, error, verified_at,
    verified_wrong, created_at, ready_at"""
_BY_STATE = f"select {_COLUMNS} from metric where state = any(%(states)s) and entity_type = any(%(types)s)"
_JOINED = f"""select {_COLUMNS} from metric where state = any(%(states)s)
and (definition @? '$.dimensions[*].attribute ? (@ like_regex "[.]")'
    or definition @? '$.filter.**.attribute ? (@ like_regex "[.]")') order by id"""
_CELLS = """insert into cell (metric_id, dims, day, n, m, s)
select metric_id, dims, day, n, m, s from json_to_recordset(%(rows)s::json)
    as r(metric_id int, dims text[], day date, n bigint, m bigint, s numeric) order by metric_id, dims, day
on conflict (metric_id, dims, day) do update
set n = cell.n + excluded.n, m = cell.m + excluded.m, s = cell.s + excluded.s"""
_TOTALS = f"""insert into total (metric_id, dims, n, m, s, weight)
select metric_id, dims, sum(n), sum(m), sum(s), sum({WEIGHT}) from json_to_recordset(%(rows)s::json)
    as r(metric_id int, dims text[], day date, n bigint, m bigint, s numeric)
group by metric_id, dims order by metric_id, dims
on conflict (metric_id, dims) do update set n = total.n + excluded.n, m = total.m + excluded.m,
    s = total.s + excluded.s, weight = total.weight + excluded.weight"""
_VALUES = """insert into cell_value (metric_id, dims, value, amount, n)
select metric_id, dims, value, case when numeric then value::numeric end, n from json_to_recordset(%(rows)s::json)
    as r(metric_id int, dims text[], value text, "numeric" bool, n bigint) order by metric_id, dims, value
on conflict (metric_id, dims, value) do update set n = cell_value.n + excluded.n"""
_NO_VALUES = "delete from cell_value where metric_id = any(%(ids)s) and n = 0"
_REPLACE = """update metric set state = 'replaced', retired_at = timezone('utc', clock_timestamp())
where name = %(name)s and state = 'ready' returning id"""
_READY = """update metric set state = 'ready', to_backfill = 0, ready_at = timezone('utc', clock_timestamp())
where id = %(id)s"""
_RETIRE = """update metric set state = 'retired', retired_at = timezone('utc', clock_timestamp())
where name = %(name)s and state <> 'retired' returning id"""
_STAND = """select c.metric_id, c.version, w.as_of
from (select min(as_of) as as_of from watermark where source = any(%(sources)s)) w
left join metric_change c on c.metric_id = any(%(ids)s)"""
_NOTE = """insert into repair (what, detail, repaired, found)
values (%(what)s, %(detail)s, %(repaired)s, %(found)s::jsonb)"""
_CHANGED = """insert into metric_change (metric_id, version)
select id, 1 from unnest(%(ids)s::int[]) ids(id) order by id
on conflict (metric_id) do update set version = metric_change.version + 1"""


@dataclass(frozen=True, slots=True)
class Metric:
    """One generation of a metric. Deltas count for entities with an id up to `backfilled_to` until it is ready."""

    id: int
    name: str
    version: int
    entity_type: str
    definition: Definition
    state: str
    backfilled_to: int
    to_backfill: int
    error: str | None
    verified_at: datetime | None
    verified_wrong: int | None
    created_at: datetime
    ready_at: datetime | None


def metric_of(row: Sequence[Any]) -> Metric:
    """A row of the columns above."""
    ident, name, version, entity_type, text, *rest = row
    known: list[Any] = [one.replace(tzinfo=UTC) if isinstance(one, datetime) else one for one in rest]
    return Metric(ident, name, version, entity_type, _definition(text), *known)


@lru_cache(maxsize=1024)
def _definition(text: str) -> Definition:
    """Every question needs one; what it is read from says all about it."""
    return read_definition(loads(text))


def active(connection: Connection, types: Collection[str], states: Sequence[str] = ACTIVE) -> list[Metric]:
    """Metrics over these entity types that are kept by deltas."""
    params = {"states": list(states), "types": sorted(types)}
    return [metric_of(row) for row in connection.rows(f"{_BY_STATE} order by id", params, prepare=True)]


def joined(connection: Connection) -> list[Metric]:
    """Metrics kept by deltas whose cells are joined to attributes of other types at read."""
    return [metric_of(row) for row in connection.rows(_JOINED, {"states": list(ACTIVE)}, prepare=True)]


def find(connection: Connection, name: str, states: Sequence[str] = ACTIVE) -> Metric | None:
    """The newest generation of a name in one of the states, the ready one before others."""
    row = connection.row(_FIND.format(columns=_COLUMNS), {"name": name, "states": list(states)}, prepare=True)
    return None if row is None else metric_of(row)


def served(connection: Connection, name: str, day: date) -> Metric | None:
    """The generation that answered under a name at the end of a day; None when none did."""
    row = connection.row(_SERVED.format(columns=_COLUMNS), {"name": name, "end": day + timedelta(1)})
    return None if row is None else metric_of(row)


def by_id(connection: Connection, ident: int, *, lock: bool = False) -> Metric | None:
    """One generation, locked on demand."""
    row = connection.row(f"select {_COLUMNS} from metric where id = %s{' for update' if lock else ''}", (ident,))
    return None if row is None else metric_of(row)


def filling(connection: Connection, entity_type: str, reached: int) -> list[Metric]:
    """Metrics over a type that are being filled and have come so far, locked."""
    sql = f"{_BY_STATE} and backfilled_to = %(reached)s order by id for update"
    params = {"states": [BACKFILLING], "types": [entity_type], "reached": reached}
    return [metric_of(row) for row in connection.rows(sql, params)]


def listed(connection: Connection, states: Sequence[str] = ACTIVE, *, filters: bool | None = None) -> list[Metric]:
    """All generations in these states, by name; filters: only those that count saved filters, or all but those."""
    sql = f"""select {_COLUMNS} from metric where state = any(%(states)s)
        and starts_with(name, %(prefix)s) is not distinct from coalesce(%(filters)s, starts_with(name, %(prefix)s))
        order by name, version"""
    params = {"states": list(states), "filters": filters, "prefix": FILTER_PREFIX}
    return [metric_of(row) for row in connection.rows(sql, params)]


def sizes(connection: Connection, ids: Sequence[int]) -> dict[int, int]:
    """How many entities each of these metrics counts."""
    sql = "select metric_id, sum(n)::bigint from total where metric_id = any(%s) group by metric_id"
    return dict.fromkeys(ids, 0) | dict(connection.rows(sql, (list(ids),), prepare=True))


def ratios_of(connection: Connection, name: str) -> list[str]:
    """Names of the ratios in force that are made of a metric."""
    sql = """select name from metric where state = any(%(states)s) and entity_type = ''
        and %(name)s in (definition->'measure'->>'numerator', definition->'measure'->>'denominator') order by name"""
    return [row[0] for row in connection.rows(sql, {"states": [*ACTIVE, FAILED], "name": name})]


def insert(connection: Connection, definition: Definition, actor: str | None, to_backfill: int) -> Metric:
    """A new generation, to be backfilled. Raises UniqueViolation (psycopg) while another one of the name is."""
    row = connection.row(
        f"""insert into metric (name, version, entity_type, definition, state, to_backfill, created_by)
        select %(name)s, 1 + coalesce((select max(version) from metric where name = %(name)s), 0), %(type)s,
            %(definition)s::jsonb, 'backfilling', %(to)s, %(actor)s returning {_COLUMNS}""",
        {
            "name": definition.name,
            "type": definition.entity_type,
            "definition": dumps(document(definition)).decode(),
            "to": to_backfill,
            "actor": actor,
        },
    )
    assert row is not None
    return metric_of(row)


def write(connection: Connection, found: Mapping[int, tuple[bool, Deltas]]) -> None:
    """Add deltas to the cells of metrics, by metric id; the flag says whether counted values are numbers."""
    cells = [
        {"metric_id": ident, "dims": dims, "day": day.isoformat(), "n": one.n, "m": one.m, "s": f"{one.s:f}"}
        for ident, (_, deltas) in found.items()
        for (dims, day), one in deltas.cells.items()
        if not one.nothing
    ]
    values = [
        {"metric_id": ident, "dims": dims, "value": value, "numeric": numeric, "n": n}
        for ident, (numeric, deltas) in found.items()
        for (dims, value), n in deltas.values.items()
        if n
    ]
    changed = sorted(ident for ident, (_, deltas) in found.items() if not deltas.nothing)
    if cells:
        rows = {"rows": dumps(cells).decode()}
        connection.run(_CELLS, rows, prepare=True)
        connection.run(_TOTALS, rows, prepare=True)
    if values:
        connection.run(_VALUES, {"rows": dumps(values).decode()}, prepare=True)
        connection.run(_NO_VALUES, {"ids": changed}, prepare=True)
    if changed:
        note_change(connection, changed)


def note_change(connection: Connection, ids: Sequence[int]) -> None:
    """Count the change that caches of these metrics are made under."""
    connection.run(_CHANGED, {"ids": sorted(ids)}, prepare=True)


def finish(connection: Connection, metric: Metric) -> None:
    """Let a generation serve from now on, in place of the one before."""
    connection.run(_REPLACE, {"name": metric.name})
    connection.run(_READY, {"id": metric.id})
    note_change(connection, [metric.id])


def fail(connection: Connection, ident: int, error: str) -> None:
    """Take a metric out of service that can no longer be evaluated, with the reason."""
    connection.run("update metric set state = 'failed', error = %s where id = %s", (error[:500], ident))


def group_rows(rows: Iterable[Sequence[Any]]) -> dict[Dims, tuple[int, int, Any]]:
    """(dims, n, m, s) rows as a mapping; groups that came to nothing are left out."""
    return {tuple(row[0]): (row[1], row[2], row[3]) for row in rows if row[1] or row[2] or row[3]}


def totals(connection: Connection, ident: int) -> dict[Dims, tuple[int, int, Any]]:
    """A metric's present groups: (entities, entities with a value, sum)."""
    return group_rows(connection.rows("select dims, n, m, s from total where metric_id = %s", (ident,)))


def ledger(connection: Connection, ident: int) -> dict[Dims, tuple[int, int, Any]]:
    """The same, summed up from the days of the ledger."""
    sql = "select dims, sum(n)::bigint, sum(m)::bigint, sum(s) from ledger where metric_id = %s group by dims"
    return group_rows(connection.rows(sql, (ident,)))


def values(connection: Connection, ident: int) -> dict[tuple[Dims, str], int]:
    """Counted values of a metric."""
    return {key: n for key, (n, _) in amounts(connection, ident).items()}


def amounts(connection: Connection, ident: int) -> dict[tuple[Dims, str], tuple[int, Decimal | None]]:
    """The same, each with the number that it stands for where values are numbers."""
    sql = "select dims, value, n, amount from cell_value where metric_id = %s and n <> 0"
    return {(tuple(dims), value): (n, amount) for dims, value, n, amount in connection.rows(sql, (ident,))}


def note_verified(connection: Connection, ident: int, at: datetime, wrong: int) -> None:
    """When a metric was last compared with the replica, and how many groups were wrong."""
    told = {"id": ident, "at": at.astimezone(UTC).replace(tzinfo=None), "wrong": wrong}
    connection.run("update metric set verified_at = %(at)s, verified_wrong = %(wrong)s where id = %(id)s", told)


def retire(connection: Connection, name: str) -> None:
    """Take all generations of a name out of service and their cells away."""
    ids = [row[0] for row in connection.rows(_RETIRE, {"name": name})]
    for table in ("cell", "cell_month", "total", "cell_value"):
        connection.run(f"delete from {table} where metric_id = any(%s)", (ids,))
    note_change(connection, ids)


def stand(connection: Connection, ids: Sequence[int], sources: Sequence[str]) -> tuple[dict[int, int], datetime | None]:
    """How often the cells of each of these metrics have changed, and the instant up to which nothing of any of these
    sources is missing in them; of one moment."""
    rows = connection.rows(_STAND, {"ids": list(ids), "sources": list(sources)}, prepare=True)
    counts = {ident: count for ident, count, _ in rows if ident is not None}
    as_of = rows[0][2]
    return dict.fromkeys(ids, 0) | counts, None if as_of is None else as_of.replace(tzinfo=UTC)


def hold(connection: Connection, source: str) -> None:
    """Keep a source's events out until the transaction is over."""
    connection.rows("select 1 from watermark where source = %s for update", (source,))


def hold_name(connection: Connection, name: str) -> None:
    """Let nobody else make, change or retire what a name stands for until the transaction is over. What was found
    before may be gone: look again."""
    connection.row("select pg_advisory_xact_lock(7102, hashtext(%s))", (name,))


def note_repair(
    connection: Connection, metric: str, groups: int, *, repaired: bool, found: Mapping[str, Any] | None = None
) -> None:
    """Write down that cells were found wrong; found: which."""
    count = f"{groups} group was wrong" if groups == 1 else f"{groups} groups were wrong"
    note(connection, f"metric {metric}", count, repaired=repaired, found=found)


def note(
    connection: Connection, what: str, detail: str, *, repaired: bool, found: Mapping[str, Any] | None = None
) -> None:
    """Write down that something was found wrong. Values stand in `found` only, which doors tell those who may know."""
    told = {"what": what, "detail": detail, "repaired": repaired, "found": found and dumps(found).decode()}
    connection.run(_NOTE, told)


def names(connection: Connection) -> set[str]:
    """Every name that was ever given to a metric."""
    return {row[0] for row in connection.rows("select distinct name from metric")}
