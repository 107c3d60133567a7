"""What the log keeps: a week, and longer for readers that have not come so far.

Ticks go first, then the partitions all of whose events lie before the oldest tick kept; so a reader that still finds
its tick finds its events too, and one that came too late is told (FeedGone), never led past a gap. Registered readers
(`feed_reader`) hold events back without end: strike off the dead with `shared.bus.feed.forget_reader`.
"""

from __future__ import annotations

from datetime import date, timedelta

from shared.bus.schema import OUTBOX
from shared.kernel.db import Connection, Database
from shared.kernel.partitions import Partition, utc_day

_KEEP = """select least(
    coalesce((select id from tick where at >= %(cutoff)s order by at, id limit 1), newest.id + 1),
    coalesce((select min(tick) from feed_reader r join feed_epoch e on e.epoch = r.epoch), newest.id + 1))
from (select max(id) as id from tick) newest"""
_UNREAD = """select exists (
    select 1 from {name} where xid >= pg_snapshot_xmax(%(snap)s::pg_snapshot)
    union all
    select 1 from {name} where xid = any(array(select pg_snapshot_xip(%(snap)s::pg_snapshot))))"""


def drop_old_partitions(database: Database, keep_days: int = 7, today: date | None = None) -> list[str]:
    """Drop ticks and outbox partitions older than `keep_days` that every registered reader has passed; their names.

    Run it now and then from one place. Detaching waits for open transactions, so keep it out of loops in a hurry.
    """
    with database.connect() as connection:
        cutoff = (today or utc_day(connection)) - timedelta(days=keep_days)
        row = connection.row(_KEEP, {"cutoff": cutoff})
        assert row is not None
        connection.run("delete from tick where id < %s - 1", (row[0],))
        old = [one for one in OUTBOX.listed(connection) if one.end <= cutoff]
        kept = connection.row("select snap::text from tick order by id limit 1")
        assert kept is not None
        gone = [one for one in old if not _unread(connection, one, kept[0])]
    for partition in gone:
        OUTBOX.drop(database, partition)
    return [one.name for one in gone] + OUTBOX.drop_strays(database, cutoff)


def _unread(connection: Connection, partition: Partition, kept: str) -> bool:
    """Whether events of a partition lie after the oldest snapshot kept: then the partition stays."""
    row = connection.row(_UNREAD.format(name=partition.name), {"snap": kept})
    assert row is not None
    return bool(row[0])
