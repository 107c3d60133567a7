"""The epoch of a service's log: cursors of one epoch mean nothing in another.

Ticks hold transaction ids, and these do not survive a dump and restore, a recovery to a point in time or a failover.
So the epoch is tied to the cluster, its timeline and the database; when these differ from what is stored, the log
starts anew and every consumer, seeing another epoch, rebuilds from the source's state.
"""

from __future__ import annotations

from shared.kernel.clock import new_id
from shared.kernel.db import Connection
from shared.kernel.telemetry import logger

LOG_LOCK = 0x7469636B
"""Advisory lock (single bigint key) under which ticks are made and the epoch changes."""

_HOME = """select (select system_identifier from pg_control_system())::text
    || '/' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)
    || '/' || (select oid from pg_database where datname = current_database())::text"""
_NOW = "(clock_timestamp() at time zone 'UTC')"

_log = logger("bus.epoch")


def current_epoch(connection: Connection) -> tuple[str, int]:
    """The epoch and its origin: the tick before its first."""
    row = connection.row("select epoch::text, origin from feed_epoch", prepare=True)
    if row is None:
        raise RuntimeError("feed_epoch is empty: the migration did not run")
    return row[0], row[1]


def settle_epoch(connection: Connection) -> str:
    """The epoch, made sure to belong to this database. A fresh database adopts the one it was made with."""
    home = _one(connection, _HOME)
    stored = _one(connection, "select home from feed_epoch")
    if stored == "":
        connection.run("update feed_epoch set home = %s where home = ''", (home,))
    elif stored != home:
        renew_epoch(connection)
    return current_epoch(connection)[0]


def renew_epoch(connection: Connection) -> str:
    """Start the log anew: the events in it are dropped, consumers rebuild. For restores; `settle_epoch` calls it."""
    home = _one(connection, _HOME)
    epoch = new_id()
    with connection.transaction():
        connection.row("select pg_advisory_xact_lock(%s)", (LOG_LOCK,))
        origin = int(_one(connection, "select (coalesce(max(id), 0) + 1)::text from tick"))
        connection.run("delete from outbox")
        connection.run("delete from tick")
        connection.run("delete from feed_reader")
        connection.run(
            f"insert into tick (id, snap, n, total, at, since) select %s, pg_current_snapshot(), 0, 0, {_NOW}, {_NOW}",
            (origin,),
        )
        connection.run("update feed_epoch set epoch = %s::uuid, origin = %s, home = %s", (epoch, origin, home))
    _log.warning("the log starts anew", epoch=epoch)
    return epoch


def _one(connection: Connection, sql: str) -> str:
    row = connection.row(sql)
    assert row is not None
    return str(row[0])
