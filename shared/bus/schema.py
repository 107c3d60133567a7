"""Tables of the log and of consumers, as statements for a migration, and what must be true before a process starts.

A service's database has both sides: its own log (`outbox`, `tick`, `feed_epoch`, `feed_reader`) and its memory of the
feeds it follows (`watermark`, `consumer_state`). All instants are UTC without zone.
"""

from __future__ import annotations

from datetime import date

from shared.bus.epoch import settle_epoch
from shared.kernel.db import Connection, Database
from shared.kernel.partitions import PartitionedBy

OUTBOX = PartitionedBy(table="outbox", period="day", ahead=30, prefix="outbox")

_NOW = "(clock_timestamp() at time zone 'UTC')"

# The column order of outbox matters: defaults are computed in it, and a row's xid must be assigned before its id is
# drawn (see shared/bus/ticks.py on what the sequence proves).
_CREATE = (
    "create sequence outbox_id as bigint cache 1",
    f"""create table outbox (
    xid xid8 not null default pg_current_xact_id(),
    id bigint not null default nextval('outbox_id'),
    at timestamp not null default {_NOW},
    kind text not null,
    entity_type text not null,
    entity_id bigint,
    version bigint not null,
    body jsonb not null
) partition by range (at)""",
    "alter sequence outbox_id owned by outbox.id",
    "create index outbox_xid on outbox (xid, id)",
    """create table tick (
    id bigint primary key,
    snap pg_snapshot not null,
    n integer not null,
    total bigint not null,
    at timestamp not null,
    since timestamp not null
)""",
    "create index tick_xmax on tick (pg_snapshot_xmax(snap))",
    "create index tick_at on tick (at)",
    f"""insert into tick (id, snap, n, total, at, since)
    select 0, pg_current_snapshot(), 0, 0, {_NOW}, {_NOW}""",
    """create table feed_epoch (
    one boolean primary key default true check (one),
    epoch uuid not null,
    origin bigint not null,
    home text not null
)""",
    "insert into feed_epoch (epoch, origin, home) values (gen_random_uuid(), 0, '')",
    """create table feed_reader (
    name text primary key,
    epoch uuid not null,
    tick bigint not null,
    part bigint not null,
    seen_at timestamp not null
)""",
    """create table watermark (
    subscription text primary key,
    source text not null,
    epoch uuid not null,
    tick bigint not null,
    part bigint not null,
    as_of timestamp not null
)""",
    """create table consumer_state (
    subscription text primary key,
    source text not null,
    state text not null,
    error text,
    failures integer not null default 0,
    behind bigint,
    since timestamp not null,
    seen_at timestamp not null
)""",
)


def create_statements() -> list[str]:
    """The DDL, in order, without parameters and without colons that SQLAlchemy could take for them."""
    return list(_CREATE)


def drop_statements() -> list[str]:
    """The way back, for a migration's downgrade."""
    tables = "consumer_state, watermark, feed_reader, feed_epoch, tick, outbox"
    return [f"drop table if exists {tables} cascade"]


def prepare(database: Database) -> None:
    """Make the log ready for writes: partitions ahead, and an epoch that belongs to this very database.

    Call it after migrating and at the start of every process. Raises Unavailable.
    """
    with database.connect() as connection:
        ensure_partitions(connection)
        settle_epoch(connection)


def ensure_partitions(connection: Connection, today: date | None = None) -> list[str]:
    """Make missing outbox partitions (yesterday to 30 days ahead); the names made. Cheap when none is missing."""
    return OUTBOX.ensure(connection, today)


def days_ahead(connection: Connection, today: date | None = None) -> int:
    """Days after today that writes are ready for; readiness degrades below 7. -1: not even today."""
    return OUTBOX.periods_ahead(connection, today)
