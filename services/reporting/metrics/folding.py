"""Old days of the ledger, folded: one row per group and month in place of up to thirty-one, with every day still in it.

A metric reads as of any day gone by, so that no day may be summed up into another. What folding may lose is nothing but
days that came to zero. Readers read the view `ledger`: days as they were written and days folded, one moment of both.
What is written about an old day later lies beside its month until that is folded again.
"""

from __future__ import annotations

from datetime import date, timedelta

from shared.kernel.db import Connection

KEPT_DAYS = 62
"""So many days stay as they were written: those that are changed still, by what comes late, and asked for most."""

_NEXT = """select m.id, (select min(day) from cell where metric_id = m.id) from metric m
where exists (select from cell where metric_id = m.id and day < %(before)s) order by m.id limit 1"""
_FOLD = """with written as (
    delete from cell where metric_id = %(metric)s and day >= %(first)s and day < %(next)s returning dims, day, n, m, s),
folded as (
    delete from cell_month where metric_id = %(metric)s and month = %(first)s and dims in (select dims from written)
    returning dims, days, ns, ms, ss),
every as (
    select dims, day, n, m, s from written
    union all
    select f.dims, d.day, d.n, d.m, d.s
    from folded f cross join lateral unnest(f.days, f.ns, f.ms, f.ss) as d(day, n, m, s)
),
summed as (
    select dims, day, sum(n)::bigint n, sum(m)::bigint m, sum(s) s from every group by dims, day
    having sum(n) <> 0 or sum(m) <> 0 or sum(s) <> 0)
select dims, array_agg(day order by day), array_agg(n order by day), array_agg(m order by day),
    array_agg(s order by day) from summed group by dims"""
_PUT = """insert into cell_month (metric_id, month, dims, days, ns, ms, ss)
values (%(metric)s, %(first)s, %(dims)s, %(days)s::date[], %(ns)s::bigint[], %(ms)s::bigint[], %(ss)s::numeric[])"""
# What a rebuild was compared with is not read again, once whoever had just found it has read it.
_OUTLIVED = """select m.id from metric m join metric_rebuild r on r.of_id = m.id
where m.state = 'replaced' and m.retired_at < timezone('utc', clock_timestamp()) - interval '1 hour'
and exists (select from total where metric_id = m.id)"""
_TABLES = ("cell", "cell_month", "total", "cell_value")


def due(connection: Connection, today: date) -> tuple[int, date] | None:
    """A metric and a month of it that can be folded, None when all is."""
    row = connection.row(_NEXT, {"before": _before(today)})
    return None if row is None else (row[0], row[1].replace(day=1))


def _before(today: date) -> date:
    """Whole months only: the first day that stays as it was written."""
    return (today - timedelta(KEPT_DAYS)).replace(day=1)


def fold(connection: Connection, metric: int, month: date) -> int:
    """Fold one month of a metric, in the caller's transaction; how many groups it has. Any number of times."""
    following = (month + timedelta(31)).replace(day=1)
    params = {"metric": metric, "first": month, "next": following}
    rows = connection.rows(_FOLD, params)
    with connection.raw.cursor() as cursor:
        names = ("dims", "days", "ns", "ms", "ss")
        cursor.executemany(_PUT, [{**params, **dict(zip(names, row, strict=True))} for row in rows])
    return len(rows)


def outlived(connection: Connection) -> bool:
    """Whether `clear_outlived` has something to do."""
    return bool(connection.rows(_OUTLIVED))


def clear_outlived(connection: Connection) -> int:
    """Take the cells of generations away whose ledger goes on in a rebuild; how many generations."""
    ids = [row[0] for row in connection.rows(_OUTLIVED)]
    for table in _TABLES if ids else ():
        connection.run(f"delete from {table} where metric_id = any(%s)", (ids,))
    return len(ids)
