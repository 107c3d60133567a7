"""Tables partitioned by day or month: partitions made ahead, counted, and dropped, beside open writers.

A partition is made by CREATE TABLE ... LIKE and ATTACH, and goes by DETACH CONCURRENTLY and DROP: these wait for no
writer and make none wait (CREATE ... PARTITION OF would run into every open write transaction). There is no DEFAULT
partition, which would forbid DETACH CONCURRENTLY; a write that meets a missing partition is told by
`is_missing_partition`, and its outermost block then calls `ensure` and tries once more.
Not for tables keyed by anything but an instant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from psycopg import errors

from shared.kernel.db import Connection, Database

_DIGITS = {"day": 8, "month": 6}
_FORMAT = {"day": "%Y%m%d", "month": "%Y%m"}


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition that exists: rows with start <= instant < end. `leaving`: a detach began and did not finish."""

    name: str
    start: date
    end: date
    leaving: bool = False


@dataclass(frozen=True, slots=True)
class PartitionedBy:
    """How one table is cut. Names are `<prefix>_YYYYMMDD` or `<prefix>_YYYYMM`; `ahead` periods are kept ready."""

    table: str
    period: Literal["day", "month"]
    ahead: int
    prefix: str

    def start_of(self, day: date) -> date:
        """The first day of the period that holds `day`."""
        return day if self.period == "day" else day.replace(day=1)

    def following(self, start: date) -> date:
        """The first day of the next period."""
        if self.period == "day":
            return start + timedelta(days=1)
        return (start.replace(day=1) + timedelta(days=32)).replace(day=1)

    def name(self, start: date) -> str:
        """The partition's table name."""
        return f"{self.prefix}_{start.strftime(_FORMAT[self.period])}"

    def listed(self, connection: Connection) -> list[Partition]:
        """The partitions attached now, oldest first."""
        found = connection.rows(
            "select c.relname, i.inhdetachpending from pg_inherits i join pg_class c on c.oid = i.inhrelid"
            " where i.inhparent = %(table)s::regclass order by c.relname",
            {"table": self.table},
        )
        return [self._partition(name, leaving) for name, leaving in found if self._is_ours(name)]

    def ensure(self, connection: Connection, today: date | None = None) -> list[str]:
        """Make what is missing from the period before today's up to `ahead` after it; the names made. Call it often.

        One cheap query when nothing is missing. `today` None: the database's own day (UTC).
        """
        today = today or utc_day(connection)
        missing = set(self._wanted(today)) - {one.start for one in self.listed(connection)}
        if not missing:
            return []
        with connection.transaction():
            connection.row("select pg_advisory_xact_lock(hashtext('partitions'), hashtext(%s))", (self.table,))
            missing -= {one.start for one in self.listed(connection)}
            for start in sorted(missing):
                self._make(connection, start)
        return [self.name(start) for start in sorted(missing)]

    def periods_ahead(self, connection: Connection, today: date | None = None) -> int:
        """How many periods after today's are ready without a gap; -1 when today's own is missing."""
        start = self.start_of(today or utc_day(connection))
        ready = {one.start for one in self.listed(connection) if not one.leaving}
        count = -1
        while start in ready:
            count += 1
            start = self.following(start)
        return count

    def drop(self, database: Database, partition: Partition) -> None:
        """Detach and drop one partition. Waits for transactions that are using the table, holds up none of them.

        Runs outside any transaction; one that was broken off before is finished by the next call.
        """
        with database.connect() as connection:
            how = "finalize" if partition.leaving else "concurrently"
            connection.run(f"alter table {self.table} detach partition {partition.name} {how}")
            connection.run(f"drop table if exists {partition.name}")

    def drop_strays(self, database: Database, before: date) -> list[str]:
        """Drop tables of our naming that were detached but not dropped and end on or before `before`."""
        with database.connect() as connection:
            attached = {one.name for one in self.listed(connection)}
            found = connection.rows(
                "select c.relname from pg_class c where c.relkind = 'r' and pg_table_is_visible(c.oid)"
                " and c.relname like %(prefix)s",
                {"prefix": self.prefix.replace("_", r"\_") + r"\_%"},
            )
            strays = [name for (name,) in found if self._is_ours(name) and name not in attached]
            gone = [name for name in strays if self._partition(name, False).end <= before]
            for name in gone:
                connection.run(f"drop table if exists {name}")
            return gone

    def _wanted(self, today: date) -> Iterator[date]:
        start = self.start_of(self.start_of(today) - timedelta(days=1))
        for _ in range(self.ahead + 2):
            yield start
            start = self.following(start)

    def _make(self, connection: Connection, start: date) -> None:
        name = self.name(start)
        connection.run(
            f"create table if not exists {name} (like {self.table} including defaults including constraints)"
        )
        connection.run(
            f"alter table {self.table} attach partition {name}"
            f" for values from ('{start.isoformat()}') to ('{self.following(start).isoformat()}')"
        )

    def _is_ours(self, name: str) -> bool:
        return re.fullmatch(rf"{re.escape(self.prefix)}_\d{{{_DIGITS[self.period]}}}", name) is not None

    def _partition(self, name: str, leaving: bool) -> Partition:
        digits = name.removeprefix(f"{self.prefix}_").ljust(8, "0")
        start = date(int(digits[:4]), int(digits[4:6]), max(1, int(digits[6:8])))
        return Partition(name, start, self.following(start), leaving)


def utc_day(connection: Connection) -> date:
    """The database's current day in UTC, by which rows are cut."""
    row = connection.row("select clock_timestamp() at time zone 'UTC'")
    assert row is not None
    now: datetime = row[0]
    return now.date()


def is_missing_partition(error: BaseException) -> bool:
    """Whether a write failed because no partition takes its row (told by code, not by the translated message)."""
    return isinstance(error, errors.CheckViolation) and error.diag.constraint_name is None
