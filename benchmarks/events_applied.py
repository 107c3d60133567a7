"""How fast a log is applied, what each part of that costs, and what others do in its place; one process, one backend.

The log is there before anything is measured and nobody writes. Each variant begins with a copy of the same database.
Pages are read from the feed by the same process, so that its cost counts as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any
from unittest.mock import patch

from benchmarks import events_beside
from benchmarks.event_work import (
    METRICS,
    TYPE,
    Cost,
    change_contacts,
    contact_ids,
    cost_of,
    create_contacts,
    create_database,
    services,
)
from benchmarks.server import Meter
from benchmarks.tables import show
from services.reporting import commands, rebuilding
from services.reporting.backfill import backfill
from services.reporting.metrics import store
from services.reporting.projections import Projections
from shared.bus.client import DirectSource
from shared.bus.consumer import Subscription, pull
from shared.bus.feed import Feed
from shared.contracts.event import Event
from shared.kernel.context import Context
from shared.kernel.db import Connection, Database
from shared.service.replica import facts
from shared.service.replica.fold import fold
from shared.service.runtime import Runtime

SUBSCRIPTION = "reporting.contacts"
Handle = Callable[[Projections, Connection, list[Event]], None]
REBUILT = ("entities", "events", "events/s, wall", "events/s by CPU, one core", "target", "differing")
HEADS = ("", "events", "events/s, wall", "client us", "server us", "events/s by CPU, one core", "target")


@dataclass
class Bench:
    """Contacts with a log, and where copies of reporting's database come from."""

    admin_url: str
    runtime: Runtime
    reporting_url: str
    page: int

    def pulled(self, database: Database, handle: Handle) -> int:
        """Apply everything on the log; how many events that were."""
        projections, feeds = Projections(), DirectSource({"contacts": Feed(self.runtime.db)})
        subscription = Subscription(
            SUBSCRIPTION, "contacts", lambda connection, events: handle(projections, connection, list(events)),
            limit=self.page,
        )  # fmt: skip
        count = 0
        while (done := pull(database, feeds, subscription)).applied:
            count += done.applied
        return count

    @contextmanager
    def copy(self, name: str) -> Iterator[Database]:
        """A copy of reporting's database, on one connection."""
        database = Database(create_database(self.admin_url, name, "reporting"), pool_size=1)
        try:
            yield database
        finally:
            database.dispose()

    def measured(self, database: Database, handle: Handle) -> tuple[Cost, int]:
        """What applying the log costs; the servers' side is the two backends, of feed and of reporting."""
        with database.connect() as here, self.runtime.db.connect() as there:
            meters = Both(Meter(here), Meter(there))
        return cost_of(meters, lambda: self.pulled(database, handle))


class Both(Meter):
    """Two backends as one."""

    def __init__(self, *meters: Meter) -> None:
        self._meters = meters

    def read(self) -> float:
        """Milliseconds."""
        return sum(one.read() for one in self._meters)


def nothing(_: Projections, __: Connection, ___: list[Event]) -> None:
    """Pages are read and their place moved."""


def replica(projections: Projections, connection: Connection, events: list[Event]) -> None:
    """Facts, versions, transitions, links."""
    fold(connection, projections.catalogs, "contacts", events)


def everything(projections: Projections, connection: Connection, events: list[Event]) -> None:
    """What reporting does."""
    projections.apply(connection, "contacts", events)


_NO_CHECKSUMS = (facts.Fact, "checksum", property(lambda _: 0))
_NO_LEDGER = (store, "_CELLS", "select %(rows)s")
VARIANTS: tuple[tuple[str, Handle, tuple[tuple[Any, str, Any], ...]], ...] = (
    ("pages read and decoded, place moved", nothing, ()),
    ("+ replica: facts, versions, transitions", replica, (_NO_CHECKSUMS,)),
    ("+ its checksums", replica, ()),
    ("+ totals of 5 metrics x 2 dimensions", everything, (_NO_LEDGER,)),
    ("+ the ledger of these: all that reporting does", everything, ()),
)


def run(admin_url: str, size: int, events: int, page: int, faults: Callable[[], tuple[str, str]]) -> None:
    """Measure and print. faults: what a run of faults came to, for reporting and for counters in Redis."""
    with services(admin_url) as (runtime, reporting_url):
        bench = Bench(admin_url, runtime, reporting_url, page)
        create_contacts(runtime, size)
        rows = list(_first(bench))
        ids = contact_ids(runtime.db, runtime.catalog.type(TYPE).table)
        change_contacts(runtime, ids, events, Random(3))
        rows += _variants(bench)
        show(f"Applying a log that is there, pages of {page}: {size:,} creations, then {events:,} changes of three "
             "attributes each", HEADS, rows)  # fmt: skip
        with bench.copy("beside") as database:
            bench.pulled(database, everything)
            _verified(database)
            show("Built anew beside the one that serves, compared and swapped", REBUILT, [_rebuilt(database)])
            events_beside.others(runtime, database, size, faults)
        events_beside.written(runtime, max(100, events // 20))


def _rebuilt(database: Database) -> tuple[str, ...]:
    """Every version of every entity is replayed into the metric with the most groups."""
    projections, name = Projections(), METRICS[-1]["name"]
    made = rebuilding.rebuild(database, projections, Context(), name)
    with database.connect() as connection:
        meter = Meter(connection)
        row = connection.row("select count(*) from fact_version")
    cost, entities = cost_of(meter, lambda: _filled(database, projections, made.metric.id))
    compared = rebuilding.latest(database, name).compared or {}
    versions = int(row[0]) if row else 0
    rates = (f"{versions / cost.wall:,.0f}", f"{versions / cost.cpu:,.0f}", "5,000")
    return (f"{entities:,}", f"{versions:,}", *rates, f"{compared['differing']} of {compared['groups']:,} groups")


def _verified(database: Database) -> None:
    """Fast and wrong would be worth nothing."""
    wrong = {raw["name"]: commands.verify(database, Projections(), raw["name"]).wrong for raw in METRICS}
    assert not any(wrong.values()), wrong


def _first(bench: Bench) -> Iterator[tuple[str, ...]]:
    """Creations with every metric in force; then backfills over them."""
    database = Database(bench.reporting_url, pool_size=1)
    cost, count = bench.measured(database, everything)
    yield line("creations of 20 values, before there are metrics", cost, count)
    projections = Projections()
    for number, raw in enumerate(METRICS):
        metric = commands.define(database, projections, Context(), raw)
        with database.connect() as connection:
            meter = Meter(connection)
        cost, count = cost_of(meter, lambda ident=metric.id: _filled(database, projections, ident))  # type: ignore[misc]
        if number in (0, len(METRICS) - 1):
            groups = _count(database, metric.id)
            yield line(f"backfill of a metric, entities: {raw['name']}, {groups:,} groups", cost, count)
    with database.connect() as connection:
        connection.run("vacuum analyze")
    database.dispose()


def _filled(database: Database, projections: Projections, metric: int) -> int:
    done = False
    while not done:
        with database.transaction() as connection:
            done = not backfill(connection, projections, metric)
    with database.connect() as connection:
        row = connection.row("select count(*) from fact")
    return int(row[0]) if row else 0


def _count(database: Database, metric: int) -> int:
    with database.connect() as connection:
        return len(store.totals(connection, metric))


def _variants(bench: Bench) -> Iterator[tuple[str, ...]]:
    for name, handle, patches in VARIANTS:
        with bench.copy("variant") as database, ExitStack() as stack:
            for target, attribute, value in patches:
                stack.enter_context(patch.object(target, attribute, value))
            cost, count = bench.measured(database, handle)
        yield line(name, cost, count, "3,000" if name.endswith("reporting does") else "")


def line(name: str, cost: Cost, count: int, target: str = "") -> tuple[str, ...]:
    """A row of the table."""
    each = 1e6 / max(1, count)
    told: Mapping[str, float] = {"client": cost.client * each, "server": cost.server * each}
    return (
        name,
        f"{count:,}",
        f"{count / cost.wall:,.0f}",
        f"{told['client']:,.0f}",
        f"{told['server']:,.0f}",
        f"{count / cost.cpu:,.0f}",
        target,
    )
