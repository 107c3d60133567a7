"""Events through the running system: how late they are, how fast a report answers, how long a new metric takes.

The writer is this process, by the corridor of contacts, in batches of ten. When an event was applied is told by the
database server itself (commit timestamps), so that nobody has to look on meanwhile.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from random import Random
from typing import Any
from unittest.mock import patch

import httpx
import psycopg

from benchmarks.event_work import METRICS, NOTHING, TYPE, change_contacts, contact_ids
from benchmarks.load import Outcome, request, run
from benchmarks.people import CUSTOMS, People, newcomer
from benchmarks.system import Rivals, System, cpu_seconds, running_rivals
from benchmarks.tables import show
from deploy.local import runner
from deploy.local.databases import ServiceDatabase
from deploy.local.waiting import wait_until
from services.contacts.manifest import MANIFEST as CONTACTS
from shared.eav.bulk.items import BulkItem
from shared.eav.requests import Draft
from shared.eav.slots import provision
from shared.kernel.config import Settings
from shared.kernel.context import Context
from shared.kernel.db import Database
from shared.service.runtime import Runtime

RATE = 500
BATCH = 10
OPEN_SECONDS = 6.0
CALL = 5000
CONNECTIONS = 8
REPORT_HEADS = ("", "bare/s", "report/s", "share", "target", "by CPU", "bare CPU us", "report CPU us", "p50 ms", "p99")
_STAMPED = """select entity_id, version, extract(epoch from at)::float8 from outbox
where entity_type = %s and id > %s order by id"""
_APPLIED = """select id, version, extract(epoch from timezone('utc', pg_xact_commit_timestamp(xmin)))::float8
from fact_version where type_no = (select no from replica_type where name = %s) and at >= %s"""


@dataclass
class Options:
    """How much of everything."""

    seconds: float
    sizes: Sequence[int]
    turn: float
    rounds: int


@dataclass
class Live:
    """One run against one system."""

    system: System
    options: Options
    runtime: Runtime
    reporting: Database
    http: httpx.Client
    _made: int = 0
    _drawn: Random = field(default_factory=lambda: Random(11))

    def all(self, rivals: Rivals) -> None:
        """Everything, in order."""
        self.prepare()
        rows: list[tuple[str, ...]] = []
        filled: list[tuple[str, ...]] = []
        for number, size in enumerate(self.options.sizes):
            self.fill(size)
            if not number:
                for raw in METRICS[1:]:
                    self.defined(raw)
                self.lags()
            raw = {**METRICS[0], "name": f"report_{size}"}
            seconds = self.defined(raw)
            filled.append((f"a metric over {size:,} entities", f"{seconds:.1f}", f"{size / seconds:,.0f}",
                           f"{60 * size / 1e6:.1f}"))  # fmt: skip
            rows += self.reports(rivals, raw["name"], size)
        heads = ("", "seconds", "entities/s", "target, seconds")
        show("Backfill through the system, by the clock, with its hands' pauses", heads, filled)
        show("A report by two dimensions over HTTP", REPORT_HEADS, rows)

    def prepare(self) -> None:
        """Attributes, a first contact, slots."""
        self.runtime.definitions.add_attributes(Context(), TYPE, list(CUSTOMS))
        self.runtime.entities.create(Context(), TYPE, [Draft(newcomer(Random(1), "first"))], NOTHING)
        provision(self.runtime.db)
        self.runtime.catalog.refresh()

    def fill(self, size: int) -> None:
        """As many contacts, by bulk calls; then until all of it is applied."""
        people = ({**one, "email": f"p{n}.{self._made}@more.example"} for n, one in enumerate(People(size, 7)))
        missing = size - self._made
        before, cpu = time.perf_counter(), self.cpu()
        while missing > 0 and (some := list(islice(people, min(CALL, missing)))):
            self.runtime.engine.bulk.write(TYPE, [BulkItem(one) for one in some], Context())
            missing -= len(some)
        written, count = time.perf_counter() - before, size - self._made
        self.applied()
        self._made, seconds = size, time.perf_counter() - before
        spent = {name: 1e6 * (now - cpu[name]) / count for name, now in self.cpu().items()}
        told = [(f"{count:,}", f"{count / written:,.0f}", f"{count / seconds:,.0f}", _told(spent))]
        heads = ("creations", "written/s", "written and applied/s", "CPU us per event")
        show("Filling, with the system applying meanwhile", heads, told)

    def applied(self, seconds: float = 3600.0) -> None:
        """Until reporting has everything."""

        def there() -> bool:
            with self.runtime.db.connect() as source, self.reporting.connect() as here:
                newest = source.row("select id from tick order by id desc limit 1")
                sql = "select tick from watermark where subscription = 'reporting.contacts'"
                reached = here.row(sql)
                drawn = source.row("select last_value from outbox_id")
                told = source.row("select max(id) from outbox where at > now() at time zone 'utc' - interval '1 hour'")
            complete = drawn is not None and told is not None and told[0] is not None and drawn[0] >= told[0]
            return bool(complete and newest and reached and reached[0] > newest[0])

        time.sleep(0.2)  # a tick
        assert wait_until(there, seconds, every=0.05), "reporting does not catch up"

    def defined(self, raw: Any) -> float:
        """Make a metric; the seconds until it is ready."""
        before = time.perf_counter()
        made = self.http.post("/reporting/v1/metrics", json=raw)
        assert made.status_code == 201, made.text

        def ready() -> bool:
            return bool(self.http.get(f"/reporting/v1/metrics/{raw['name']}").json()["state"] == "ready")

        assert wait_until(ready, 3600, every=0.05), "never ready"
        return time.perf_counter() - before

    # Lags

    def lags(self) -> None:
        """At a steady rate, alone and beside a transaction that stays open in another database."""
        rows = [self.lag("live"), self.lag(f"beside a transaction open for {OPEN_SECONDS:g} s", held=True)]
        heads = ("", "events", "events/s", "p50 ms", "p99", "most", "target p50 / p99", "CPU us per event")
        show(f"From insert to applied, {RATE} events/s in batches of {BATCH}, {len(METRICS) - 1} metrics", heads, rows)

    def lag(self, name: str, *, held: bool = False) -> tuple[str, ...]:
        """A row of the table."""
        ids = contact_ids(self.runtime.db, self.runtime.catalog.type(TYPE).table)
        with self.runtime.db.connect() as connection:
            row = connection.row("select last_value, clock_timestamp() at time zone 'utc' from outbox_id")
        assert row is not None
        cpu = self.cpu()
        if held:
            threading.Thread(target=self._hold, daemon=True).start()
        rate, count = self._steadily(ids)
        self.applied()
        spent = {one: 1e6 * (now - cpu[one]) / count for one, now in self.cpu().items()}
        with self.runtime.db.connect() as source, self.reporting.connect() as here:
            stamped = {(ident, version): at for ident, version, at in source.rows(_STAMPED, (TYPE, row[0]))}
            done = {(ident, version): at for ident, version, at in here.rows(_APPLIED, (TYPE, row[1]))}
        found = sorted(1000 * (done[key] - at) for key, at in stamped.items())
        p50, p99 = (found[min(len(found) - 1, int(share * len(found)))] for share in (0.5, 0.99))
        told = (name, f"{len(found):,}", f"{rate:,.0f}", f"{p50:.0f}", f"{p99:.0f}", f"{found[-1]:.0f}")
        return (*told, "50 / 1,000", _told(spent))

    def _steadily(self, ids: list[int]) -> tuple[float, int]:
        """Write at the rate; what rate it came to, and how many."""
        began, done = time.perf_counter(), 0
        while (gone := time.perf_counter() - began) < self.options.seconds:
            if done > RATE * gone:
                time.sleep(done / RATE - gone)
            change_contacts(self.runtime, ids, BATCH, self._drawn, BATCH)
            done += BATCH
        return done / (time.perf_counter() - began), done

    def _hold(self) -> None:
        with psycopg.connect(service_url(self.system, "workspace")) as other:
            other.execute("select pg_current_xact_id()")
            other.execute("select pg_sleep(%s)", (OPEN_SECONDS,))

    def cpu(self) -> dict[str, float]:
        """CPU seconds so far, by what processes are for."""
        return {name: cpu_seconds(mine) for name, mine in self.system.by_name().items()}

    # Reports

    def reports(self, rivals: Rivals, name: str, size: int) -> Iterator[tuple[str, ...]]:
        """The same question again and again; another one each time; beside a bare route."""
        path, token = f"/reporting/v1/metrics/{name}/query", self.system.token
        by = ["lead_status", "tier"]
        same = [request("POST", path, token, json.dumps({"by": by}).encode())]
        others = [request("POST", path, token, json.dumps({"by": by, "top": n + 1}).encode()) for n in range(9999)]
        asked = {"bare": same, "the same question": same, "another question each time": others}
        asked["bare"] = [request("GET", "/bare")]
        turns: dict[str, list[Outcome]] = {one: [] for one in asked}
        spent = dict.fromkeys(asked, 0.0)
        for number in range(self.options.rounds + 1):
            for what, requests in asked.items():
                address = rivals.address if what == "bare" else self.system.address
                begin = self._drawn.randrange(len(requests))
                before = _web(rivals, self.cpu())
                found = run(address, requests[begin:] + requests[:begin], self.options.turn, CONNECTIONS)
                after = _web(rivals, self.cpu())
                assert not found.bad, found.first_bad[:500]
                if number:
                    turns[what].append(found)
                    mine = what == "bare"
                    spent[what] += after[mine] - before[mine] + found.cpu
        for what in list(asked)[1:]:
            each = [spent[one] / sum(len(turn.latencies) for turn in turns[one]) for one in ("bare", what)]
            yield _report(f"{what}, {size:,} entities", turns["bare"], turns[what], each)


def _web(rivals: Rivals, cpu: dict[str, float]) -> tuple[float, float]:
    """CPU seconds so far of what answers: the system with its database and Redis; the bare route."""
    return sum(cpu.get(one, 0.0) for one in ("web", "postgres", "redis")), cpu_seconds(rivals.web_processes())


def _report(name: str, bare: list[Outcome], ours: list[Outcome], each: list[float]) -> tuple[str, ...]:
    whole = Outcome()
    for one in ours:
        whole.add(one)
    share = statistics.median(b.rate / a.rate for a, b in zip(bare, ours, strict=True))
    rates = [statistics.median(one.rate for one in some) for some in (bare, ours)]
    times = (f"{whole.percentile(one):.1f}" for one in (0.5, 0.99))
    costs = (f"{each[0] / each[1]:.2f}", *(f"{1e6 * one:,.0f}" for one in each))
    return (name, f"{rates[0]:,.0f}", f"{rates[1]:,.0f}", f"{share:.2f}", "0.25", *costs, *times)


def _told(spent: dict[str, float]) -> str:
    return ", ".join(f"{name} {one:,.0f}" for name, one in sorted(spent.items()) if one >= 1)


def service_url(system: System, service: str) -> str:
    """The database of one service of a running system."""
    port = json.loads(system.home.ports.read_bytes())["postgres"]
    password = (system.home.secrets / f"database-{service}").read_text().strip()
    return ServiceDatabase(service, f"crm_{service}", password).url(f"postgresql://postgres@127.0.0.1:{port}/postgres")


def stamp_commits(system: System) -> None:
    """Let the server keep the instants of commits; it has to be restarted for that."""
    port = json.loads(system.home.ports.read_bytes())["postgres"]
    password = (system.home.secrets / "postgres").read_text().strip()
    url = f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("alter system set track_commit_timestamp = on")
    [process] = [one["pid"] for one in runner.states(system.home) if one["name"] == "postgres"]
    os.kill(process, signal.SIGINT)

    def kept() -> bool:
        try:
            with psycopg.connect(url, connect_timeout=2) as connection:
                shown = connection.execute("show track_commit_timestamp").fetchone()
            ready = httpx.get(f"http://127.0.0.1:{system.address[1]}/readyz", timeout=5, trust_env=False)
            return shown == ("on",) and ready.status_code == 200
        except (psycopg.Error, httpx.HTTPError):
            return False

    assert wait_until(kept, 120, every=0.2), "the server did not come back"


@contextmanager
def _runtime(system: System) -> Iterator[Runtime]:
    with patch.dict(os.environ, {"CONTACTS_DATABASE_URL": system.database_url}):
        runtime = Runtime(CONTACTS, Settings())
        yield runtime
        runtime.db.dispose()


def measure(system: System, options: Options) -> None:
    """Measure and print."""
    stamp_commits(system)
    limits = httpx.Limits(keepalive_expiry=1.0)
    headers = {"Authorization": f"Bearer {system.token}"}
    address = f"http://127.0.0.1:{system.address[1]}"
    reporting = Database(service_url(system, "reporting"), pool_size=1)
    client = httpx.Client(base_url=address, headers=headers, timeout=60, trust_env=False, limits=limits)
    with _runtime(system) as runtime, running_rivals(system) as rivals, client:
        Live(system, options, runtime, reporting, client).all(rivals)
    reporting.dispose()
