"""What stands beside reporting: the same numbers by GROUP BY, by a materialized view, by counters in Redis; and what
the log costs whoever writes."""

from __future__ import annotations

import secrets
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import redis

from benchmarks.event_work import METRICS, NOTHING, TYPE, Cost, changed, contact_ids, cost_of
from benchmarks.native import column_of
from benchmarks.server import Meter
from benchmarks.tables import show
from deploy.local import redis as redis_server
from deploy.local.ports import free_port
from deploy.local.waiting import wait_until
from services.reporting.domain.definitions import read_definition
from services.reporting.metrics.compiling import compile_metric
from services.reporting.metrics.deltas import Deltas
from services.reporting.projections import Projections
from shared.bus.feed import Feed
from shared.contracts.event import CREATED
from shared.eav.engine import Engine
from shared.eav.requests import Ref, Update
from shared.kernel.context import Context
from shared.kernel.db import Connection, Database
from shared.service.replica.facts import Fact, FactChange, Step, advance, new_fact
from shared.service.runtime import Runtime

ROUNDS = 5
COUNTED = 3000


def written(runtime: Runtime, count: int) -> None:
    """Single changes with and without events, taking turns; history in both."""
    engine = runtime.engine
    without = Engine(runtime.db, judge=engine.judge)
    without.catalog.refresh()
    ids, drawn = contact_ids(runtime.db, engine.catalog.type(TYPE).table), Random(5)
    with runtime.db.connect() as connection:
        meter = Meter(connection)
    costs: dict[str, list[Cost]] = {"with": [], "without": []}
    for number in range(2 * (ROUNDS + 1)):
        name = ("with", "without")[number % 2]
        writes = (engine if name == "with" else without).writes
        updates = [Update(Ref(drawn.choice(ids)), changed(drawn)) for _ in range(count)]
        cost, _ = cost_of(meter, lambda writes=writes, updates=updates: _singly(writes, updates))  # type: ignore[misc]
        if number > 1:
            costs[name].append(cost)
    rows = []
    for what, of in (("by the clock", lambda one: one.wall), ("by CPU of both sides", lambda one: one.cpu)):
        rates = {name: count / statistics.median(map(of, found)) for name, found in costs.items()}
        share = statistics.median(of(b) / of(a) for a, b in zip(costs["with"], costs["without"], strict=True))
        rows.append((what, f"{rates['without']:,.0f}", f"{rates['with']:,.0f}", f"{share:.2f}", "0.75"))
    heads = ("changes of one contact", "without log/s", "with log/s", "share", "target")
    show("What the log costs a single write (history in both, commits not waited for)", heads, rows)


def _singly(writes: Any, updates: list[Update]) -> None:
    for one in updates:
        writes.update(TYPE, [one], Context(), NOTHING)


def others(runtime: Runtime, database: Database, size: int, faults: Callable[[], tuple[str, str]]) -> None:
    """The same five reports by other means, and what is exact. `database`: reporting's, everything applied."""
    live = runtime.catalog.type(TYPE)
    rows = []
    wrong, counters = faults()
    with database.connect() as here:
        meter, found = Meter(here), {}
        cost, _ = cost_of(meter, lambda: found.update({raw["name"]: _totals(here, raw["name"]) for raw in METRICS}))
        rows.append(("reporting: five reads of its totals", cost.wall, cost.cpu, f"yes; after faults: {wrong}"))
    with runtime.db.connect() as there:
        meter, grouped = Meter(there), {}
        selects = {raw["name"]: _select(live, raw) for raw in METRICS}
        cost, _ = cost_of(meter, lambda: grouped.update({name: _grouped(there, sql) for name, sql in selects.items()}))
        same = "yes" if found == grouped else f"NOT the same as reporting's: {_differing(found, grouped)}"
        rows.append((f"five GROUP BYs on the live table of {size:,}", cost.wall, cost.cpu, f"yes; {same} here"))
        for name, sql in selects.items():
            there.run(f"create materialized view seen_{name} as {sql}")
        cost, _ = cost_of(meter, lambda: [there.run(f"refresh materialized view seen_{name}") for name in selects])
        rows.append(
            ("five materialized views refreshed", cost.wall, cost.cpu, "as of the refresh, older by each write")
        )
    told = [(name, f"{wall * 1000:,.1f}", f"{cpu * 1000:,.1f}", exact) for name, wall, cpu, exact in rows]
    show("The same five reports by other means", ("", "ms, wall", "CPU ms", "exact"), told)
    rate, cpu = _redis_counters(runtime, database)
    row = (f"{rate:,.0f}", f"{1e6 * cpu:,.0f}", f"after faults: {counters}")
    show("Counters in Redis instead (old values given for free, one pipeline per event)",
         ("events/s, wall", "CPU us, client and Redis", "exact"), [row])  # fmt: skip


def _totals(connection: Connection, name: str) -> dict[Any, Any]:
    sql = """select dims, n, s from total t join metric on id = metric_id
        where name = %s and state = 'ready' and (t.n <> 0 or t.m <> 0 or t.s <> 0)"""
    return {tuple(dims): (n, s) for dims, n, s in connection.rows(sql, (name,))}


def _select(live: Any, raw: Any) -> str:
    """The metric over the engine's own table."""
    columns = []
    for one in raw["dimensions"]:
        told = {"attribute": one} if isinstance(one, str) else one
        column = column_of(live, told["attribute"])
        month = f"to_char(date_trunc('month', {column}), 'YYYY-MM-DD')"
        columns.append(month if "bucket" in told else f"({column})::text")
    measured = raw["measure"].get("attribute")
    value = f"coalesce(sum({column_of(live, measured)}), 0)" if measured else "0::numeric"
    names = ", ".join(f"{column} as d{n}" for n, column in enumerate(columns))
    return f"select {names}, count(*) as n, {value} as s from eav_entity_{live.table} e group by 1, 2"


def _grouped(connection: Connection, sql: str) -> dict[Any, Any]:
    return {(one, two): (n, s) for one, two, n, s in connection.rows(sql)}


def _differing(mine: dict[str, Any], theirs: dict[str, Any]) -> str:
    for name, groups in mine.items():
        for key in {*groups, *theirs[name]}:
            if groups.get(key) != theirs[name].get(key):
                return f"{name} {key}: {groups.get(key)} and {theirs[name].get(key)}"
    return ""


def _redis_counters(runtime: Runtime, database: Database) -> tuple[float, float]:
    """Events/s, and CPU seconds per event of counting every change up and down in Redis."""
    with database.connect() as connection:
        known = Projections().catalogs.types(connection).type(TYPE)
    metrics = [compile_metric(read_definition(raw), known) for raw in METRICS]
    facts: dict[int, Fact] = {}
    changes: list[FactChange] = []
    for event in _events(Feed(runtime.db)):
        fact = facts.setdefault(event.entity_id, new_fact())
        step = Step(event.entity_id, event.version, event.kind, event.at, event.at, event.changed)
        change = advance(known, fact, step)
        if event.kind != CREATED and len(changes) < COUNTED:
            changes.append(change)
    with _redis() as (client, process):
        wall, cpu = time.perf_counter(), time.process_time() + _spent(process)
        for change in changes:
            pipeline = client.pipeline(transaction=False)
            for metric in metrics:
                found = Deltas()
                found.add(metric, change)
                for (dims, _), sums in found.cells.items():
                    pipeline.hincrby(metric.definition.name, str(dims), sums.n)
                    pipeline.hincrbyfloat(f"{metric.definition.name}.sum", str(dims), float(sums.s))
            pipeline.execute()
        cpu = time.process_time() + _spent(process) - cpu
        return len(changes) / (time.perf_counter() - wall), cpu / max(1, len(changes))


def _events(feed: Feed) -> Iterator[Any]:
    place = "origin"
    while True:
        page = feed.read(place, types=[TYPE], limit=1000).page()
        yield from (one for one in page.events if one.kind.startswith("entity."))
        if page.up_to_date:
            return
        place = str(page.next)


@contextmanager
def _redis() -> Iterator[tuple[redis.Redis, int]]:
    with tempfile.TemporaryDirectory(prefix="crm-bench-redis-") as folder:
        home = Path(folder)
        engine = redis_server.find_engine(home)
        server = redis_server.Server(engine, home, home / "redis.conf", free_port(), secrets.token_hex(8), False)
        server.prepare()
        process = subprocess.Popen(server.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            assert wait_until(server.answers, 30), "Redis did not start"
            with redis.Redis.from_url(server.url) as client:
                yield client, process.pid
        finally:
            process.kill()
            process.wait(10)


def _spent(process: int) -> float:
    """CPU seconds of a process."""
    return int(Path(f"/proc/{process}/schedstat").read_bytes().split()[0]) / 1e9
