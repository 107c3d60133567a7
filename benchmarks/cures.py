"""The known cures of EAV's slowness, each measured with and without: `python -m benchmarks.cures`.

Server CPU in milliseconds unless the row says otherwise; "without" is the same statement with the cure taken away
(an index dropped inside a transaction that is rolled back, a condition left out, a memory emptied).
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

import psycopg

from benchmarks.eav import open_rig
from benchmarks.eav_reads import somebody
from benchmarks.people import NAMES, segment, window
from benchmarks.rigs import SHOWN, Rig
from benchmarks.server import Meter, own_server, version
from benchmarks.tables import show
from shared.eav.catalog import load
from shared.eav.entity import Page
from shared.eav.filters import Condition, Node, Operator
from shared.eav.query import page as pages
from shared.eav.query.sorting import Sort
from shared.eav.requests import Query, Ref
from shared.kernel.db import Database

Op = Operator
Row = tuple[str, str, str, str]
REPEATS = 7
NEWEST = (Sort("last_seen_at", True),)
HISTORY_ROWS = 200_000


class Capturing:
    """Remembers the last statement of the engine and its parameters."""

    def __init__(self) -> None:
        self.last: tuple[str, Any] = ("", None)
        self._execute = psycopg.Connection.execute

    def __enter__(self) -> Capturing:
        def execute(connection: Any, sql: Any, params: Any = None, **more: Any) -> Any:
            self.last = (sql, params)
            return self._execute(connection, sql, params, **more)

        psycopg.Connection.execute = execute  # type: ignore[method-assign, assignment]
        return self

    def __exit__(self, *_: object) -> None:
        psycopg.Connection.execute = self._execute  # type: ignore[method-assign]


class Memory(dict[str, bytes]):
    """A Walk in this process."""

    def put(self, key: str, value: bytes) -> None:
        """Keep a boundary."""
        self[key] = value


class Cures:
    """The experiments over one rig. `a` is a plain connection of its own and its meter."""

    def __init__(self, rig: Rig, rng: Random) -> None:
        self.rig, self.rng = rig, rng
        self.a, self.meter = rig.native, rig.native_meter
        self.table = f"eav_entity_{rig.live.table}"

    def all(self) -> list[Row]:
        """Every row of the table."""
        return [
            *self.slot_index(),
            self.not_null_clause(),
            self.search_documents(),
            self.complement_counts(),
            self.kept_plan(),
            *self.deep_pages(),
            self.compiled_once(),
            self.kept_catalog(),
            *self.partitions(),
        ]

    def _column(self, name: str) -> str:
        return f"e.{self.rig.live.attributes[name].column}"

    def _cost(self, sql: str, params: Any = None, *, prepare: bool = False) -> float:
        """The median CPU of a statement on our own connection, after one that warms."""
        costs = []
        for _ in range(REPEATS + 1):
            before = self.meter.read()
            self.a.rows(sql, params, prepare=prepare)
            costs.append(self.meter.read() - before)
        return statistics.median(costs[1:])

    def _statement(self, query: Query) -> tuple[str, Any]:
        with Capturing() as seen:
            self.rig.engine.reads.query("contact", query, SHOWN)
        return seen.last

    def _without_index(self, name: str, sql: str, params: Any) -> float:
        """The cost while the slot's index is away."""
        index = f"{self.table}_{self.rig.live.attributes[name].column}"
        raw = self.a.raw
        raw.execute("begin")
        raw.execute(f"drop index {index}")
        try:
            return self._cost(sql, params)
        finally:
            raw.execute("rollback")

    def slot_index(self) -> list[Row]:
        """An index per slot: equality, and the walk in sort order."""
        code = somebody(self.rig, self.rng)["account_code"]
        node: Node = Condition("account_code", Op.EQ, (code,))
        found = []
        for label, name, query in (
            ("index of a slot: equality, one match", "account_code", Query(node, limit=50, offset=None, total="none")),
            (
                "index of a slot: first 50 of 50 %, newest first",
                "last_seen_at",
                Query(Condition("segment", Op.EQ, ("half",)), sorts=NEWEST, limit=50, offset=None, total="none"),
            ),
        ):
            sql, params = self._statement(query)
            found.append(_row(label, self._cost(sql, params), self._without_index(name, sql, params)))
        low, high = window(self.rng, 0.01)
        column = self._column("rating")
        counting = f"select count(*) from {self.table} e where {column} between {low} and {high}"
        label = "index of a slot: count of a range of 1 %"
        return [*found, _row(label, self._cost(counting), self._without_index("rating", counting, None))]

    def not_null_clause(self) -> Row:
        """A partial index is used for ORDER BY only when the statement says `is not null`."""
        column = self._column("last_seen_at")
        sql = f"select e.id from {self.table} e where {{}} order by {column} desc, e.id desc limit 50"
        with_clause = self._cost(sql.format(f"{column} is not null"))
        return _row("`is not null` beside ORDER BY (partial index)", with_clause, self._cost(sql.format("true")))

    def search_documents(self) -> Row:
        """Words found through one document per entity with a trigram index, or by reading every entity."""
        words = somebody(self.rig, self.rng, "company ~ '^[A-Za-z]{6,}'")["company"].split()
        part = words[0].lower()[1:-1]
        node = Condition("company", Op.CONTAINS_TOKEN, (f"*{part}*",))
        sql, params = self._statement(Query(node, limit=50, offset=None, total="none"))
        key = self.rig.live.attributes["company"].id
        scan = (
            f"select e.id from {self.table} e where coalesce(e.extra->>'{key}', {self._column('company')}) ilike "
            "%(p)s order by e.id + 0 limit 51"
        )
        return _row("search documents: a part of a word", self._cost(sql, params), self._cost(scan, {"p": f"%{part}%"}))

    def complement_counts(self) -> Row:
        """ "How many lack it" as a difference of two counts that indexes answer."""
        column = self._column("renewal_on")
        return _row(
            "count of those without a value, as a difference",
            self._cost(
                f"select (select count(*) from {self.table}) - "
                f"(select count(*) from {self.table} e where {column} is not null)"
            ),
            self._cost(f"select count(*) from {self.table} e where {column} is null"),
        )

    def kept_plan(self) -> Row:
        """Point reads prepared by name, their plan kept."""
        who = somebody(self.rig, self.rng)["id"]
        with Capturing() as seen:
            self.rig.engine.reads.read("contact", [Ref(who)], SHOWN)
        sql, params = seen.last
        self._cost(sql, params, prepare=True)
        return _row("prepared point read", self._cost(sql, params, prepare=True), self._cost(sql, params))

    def deep_pages(self) -> list[Row]:
        """The keyset boundary of an offset remembered, and the first page's total with it."""
        row = self.a.row("select count(*) from native")
        assert row is not None
        depth = min(50_000, row[0] // 3)
        node = Condition("rating", Op.LTE, ("80",))
        jump = Query(node, sorts=NEWEST, limit=50, offset=depth, total="none")
        follow = Query(node, sorts=NEWEST, limit=50, offset=depth + 50, total="none")
        memory = Memory()
        cold = self._page(follow, pages.Forgetful())
        self._page(jump, memory)
        warm = self._page(follow, memory)
        first = Query(node, sorts=NEWEST, limit=50, offset=0)
        second = Query(node, sorts=NEWEST, limit=50, offset=50)
        third = Query(node, sorts=NEWEST, limit=50, offset=100)
        for query in (first, second):
            self._page(query, memory)
        counted = self._page(third, pages.Forgetful())
        return [
            _row(f"page at offset {depth:,}, its boundary remembered", warm, cold),
            _row("third page of a walk with a total, the total remembered", self._page(third, memory), counted),
        ]

    def _page(self, query: Query, walk: pages.Walk) -> float:
        request = self.rig.engine.reads._request(self.rig.live, query, SHOWN)
        costs = []
        for _ in range(REPEATS):
            before = self.meter.read()
            found: Page = pages.page(self.a, request, walk)
            costs.append(self.meter.read() - before)
            assert found.entities
        return statistics.median(costs)

    def compiled_once(self) -> Row:
        """SQL text kept per shape of a request: CPU of this process."""
        query = Query(
            Condition("segment", Op.EQ, (segment(self.rng, 1),)), sorts=NEWEST, limit=50, offset=None, total="none"
        )
        ask = self.rig.engine.reads

        def again() -> None:
            pages._statement.cache_clear()
            ask.query("contact", query, SHOWN)

        kept = _client(lambda: ask.query("contact", query, SHOWN))
        return _row("SQL compiled once per shape (client CPU of a list)", kept, _client(again))

    def kept_catalog(self) -> Row:
        """The catalog kept by the process: CPU of this process and of the server."""
        who = somebody(self.rig, self.rng)["id"]
        ask = self.rig.engine.reads

        def reading() -> None:
            ask.read("contact", [Ref(who)], SHOWN)

        def reloading() -> None:
            with self.rig.engine.database.connect() as connection:
                load(connection, [self.rig.live.id])
            ask.read("contact", [Ref(who)], SHOWN)

        meter = self.rig.engine_meter
        return _row(
            "catalog kept in the process (client + server CPU of a point read)",
            _client(reading, meter),
            _client(reloading, meter),
        )

    def partitions(self) -> list[Row]:
        """A month of history taken off as a partition, or deleted row by row and vacuumed."""
        run = self.a.run
        run("drop table if exists cure_history")
        run("create table cure_history(like eav_history) partition by range(at)")
        run("create index on cure_history(entity_id, version)")
        for number, name in ((1, "old"), (2, "older")):
            first, last = f"2025-0{number}-01", f"2025-0{number + 1}-01"
            run(f"create table cure_{name} partition of cure_history for values from ('{first}') to ('{last}')")
            run(
                "insert into cure_history(entity_id, version, type_id, kind, at, effective_at, actor, source, "
                f"correlation, changed) select n, 2, 1, 'updated', timestamp '{first}' + n * interval '1 s', now(), "
                f"'1', 'API', md5(n::text), jsonb_build_object('17', jsonb_build_array('a', md5(n::text))) "
                f"from generate_series(1, {HISTORY_ROWS}) n"
            )
        deleting, deleted = self._spent("delete from cure_history where at < '2025-02-01'", "vacuum cure_old")
        dropping, dropped = self._spent("drop table cure_older")
        run("drop table cure_history")
        label = f"retention: {HISTORY_ROWS:,} history rows as a partition"
        return [_row(label, dropping, deleting), _row(f"{label}, write-ahead log in MB", dropped, deleted)]

    def _spent(self, *statements: str) -> tuple[float, float]:
        """CPU milliseconds and megabytes of write-ahead log."""
        before, log = self.meter.read(), self._log()
        for statement in statements:
            self.a.run(statement)
        return self.meter.read() - before, (self._log() - log) / 2**20

    def _log(self) -> float:
        row = self.a.row("select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')")
        assert row is not None
        return float(row[0])


def _client(work: Callable[[], Any], meter: Meter | None = None) -> float:
    """Milliseconds of this process's CPU per call, with the server's when a meter is given."""
    costs = []
    for number in range(REPEATS * 5):
        server, started = meter.read() if meter else 0.0, time.process_time()
        work()
        spent = (time.process_time() - started) * 1000 + (meter.read() - server if meter else 0.0)
        if number:
            costs.append(spent)
    return statistics.median(costs)


def _row(label: str, cured: float, plain: float) -> Row:
    return label, f"{cured:,.3f}", f"{plain:,.3f}", f"{plain / cured:,.1f}x" if cured else "-"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all experiments."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cures", description=__doc__)
    parser.add_argument("--size", type=int, default=200_000, help="contacts (default 200,000)")
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(10**6), help="of parameters")
    parser.add_argument("--home", type=Path, help="keep the server's data here and use it again")
    options = parser.parse_args(arguments)
    with own_server(options.home) as url:
        database = Database(url, pool_size=1)
        with Database(url).connect() as a, Database(url).connect() as b:
            rig = open_rig(database, a, b, options.size)
            print(f"PostgreSQL {version(a)}, {len(NAMES)} attributes, parameters' seed {options.seed}")
            show("Cures, with and without", ("cure", "with", "without", "gain"), Cures(rig, Random(options.seed)).all())
    return 0


if __name__ == "__main__":
    sys.exit(main())
