"""Ticks cut the log into numbered batches, by snapshots, so that nothing committed is missed and nobody waits.

Tick n stores a snapshot; batch n is what snapshot n sees and snapshot n-1 does not. A transaction that stays open
delays its own events only (a reader that remembers the highest id would lose them; one that waits for the oldest
transaction would stall). Inside a batch events are ordered by id, which is drawn under the entity's row lock; never by
transaction id, which is drawn earlier and puts version 2 before version 1.

Making a tick costs a transaction, so `Ticker` first asks one cheap question and often knows that there is no news: no
id was drawn since the last look, and whatever was in progress then still is (shared/bus/outstanding.py).
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg

from shared.bus.epoch import LOG_LOCK
from shared.bus.outstanding import Outstanding, Snapshot
from shared.kernel.clock import monotonic
from shared.kernel.db import Connection, Database
from shared.kernel.errors import CrmError
from shared.kernel.telemetry import logger

SLACK = timedelta(hours=6)
"""How far the database's clock may step between a row and the tick that sees it before the row could be overlooked."""

TRUSTED = 1.0
"""Seconds that one full look is relied upon; it bounds what a wrong conclusion from cheap looks could cost."""

# Bounds on `at` let the planner leave out all partitions but one or two.
NEWS = """select 1 from outbox where at >= %(low)s and at < %(high)s
        and xid >= pg_snapshot_xmax(%(snap)s::pg_snapshot)
    union all
    select 1 from outbox where at >= %(low)s and at < %(high)s
        and xid = any(array(select pg_snapshot_xip(%(snap)s::pg_snapshot)))"""

_PROBE = """select (select max(id) from tick), case when is_called then last_value else 0 end,
    pg_current_snapshot()::text from outbox_id"""
_LOCK = "select pg_advisory_xact_lock(%s), clock_timestamp() at time zone 'UTC'"
_NEWEST = "select id, snap::text, total, at, since from tick order by id desc limit 1"

# `since`: no event that this tick's snapshot misses can be older. Transactions it misses got their ids after the
# newest tick whose snapshot ends at or before this one's oldest running transaction, hence their rows are younger.
_INSERT = f"""with news as (select count(*) as n from ({NEWS}) as rows),
made as (
    insert into tick (id, snap, n, total, at, since)
    select %(id)s, pg_current_snapshot(), n, %(total)s + n, %(at)s, coalesce(
        (select t.at from tick t where pg_snapshot_xmax(t.snap) <= pg_snapshot_xmin(pg_current_snapshot())
            order by pg_snapshot_xmax(t.snap) desc limit 1), %(since)s)
    from news where n > 0
    returning id
)
select (select id from made), pg_current_snapshot()::text, pg_current_xact_id_if_assigned()::text"""

_log = logger("bus.ticks")


@dataclass(frozen=True, slots=True)
class Head:
    """The newest tick, and whether everything committed before the look is in it."""

    tick: int
    quiet: bool


class Ticker:
    """Makes ticks of one log. Keep one per process and database; threads may share it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: tuple[Outstanding, float] | None = None

    def head(self) -> Head:
        """The newest tick, after one cheap look. `quiet` False: there may be news, `tick` finds out."""
        with self._database.connect() as connection:
            return self._look(connection)[0]

    def tick(self) -> int | None:
        """Make a tick if anything was committed since the last one; its number, or None when there is no news.

        When it returns, everything committed before the call is in a tick. Raises Unavailable.
        """
        with self._database.connect() as connection:
            head, drawn = self._look(connection)
            if head.quiet:
                return None
            known, at = self._known, monotonic()
            number, snapshot, newest = _make(connection)
            seen = Snapshot.parse(snapshot)
            if number is None and known is not None and known[0].drawn == drawn:
                self._known = known[0].after_another(seen), at
            else:
                newest = newest or _assigned(connection)
                self._known = Outstanding.after_look(drawn, seen, newest), at
            return number

    def _look(self, connection: Connection) -> tuple[Head, int]:
        row = connection.row(_PROBE, prepare=True)
        assert row is not None
        newest, drawn, snapshot = row
        known = self._known
        trusted = known is not None and monotonic() - known[1] < TRUSTED
        quiet = trusted and known is not None and known[0].quiet(drawn, Snapshot.parse(snapshot))
        return Head(newest, quiet), drawn


def tick(database: Database) -> int | None:
    """One tick without memory, see `Ticker.tick`; for jobs and tests, not for loops."""
    return Ticker(database).tick()


def run_ticker(ticker: Ticker, stop: threading.Event, interval: float = 0.02) -> None:
    """Tick until `stop` is set. Outlives a database that goes away."""
    pause = interval
    while not stop.wait(pause):
        try:
            ticker.tick()
            pause = interval
        except (CrmError, psycopg.Error) as error:
            pause = min(0.5, max(0.1, pause * 2))
            _log.warning("no tick", error=type(error).__name__)


def _make(connection: Connection) -> tuple[int | None, str, int | None]:
    """Lock, then (a statement later, so that the snapshot follows the lock) cut what is new.

    The tick's number, if there was news; the snapshot; the transaction id that the tick itself took.
    """
    with connection.transaction():
        locked = connection.row(_LOCK, (LOG_LOCK,), prepare=True)
        newest = connection.row(_NEWEST, prepare=True)
        assert locked is not None
        assert newest is not None
        number, snap, total, before, since = newest
        at: datetime = locked[1]
        low, high = bounds([before, at], since)
        params: dict[str, Any] = {"id": number + 1, "snap": snap, "total": total, "at": at, "since": since}
        row = connection.row(_INSERT, {**params, "low": low, "high": high})
    assert row is not None
    return row[0], row[1], None if row[2] is None else int(row[2])


def _assigned(connection: Connection) -> int:
    """A transaction id newer than all assigned before; it is used up by asking."""
    row = connection.row("select pg_current_xact_id()::text", prepare=True)
    assert row is not None
    return int(row[0])


def bounds(made: Sequence[datetime], since: datetime) -> tuple[datetime, datetime]:
    """Between which instants the rows of successive batches were stamped.

    made: when the tick before the first batch, and each batch's own, were made; since: `since` of the one before.
    """
    return min(since, *made) - SLACK, max(made) + SLACK
