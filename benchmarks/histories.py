"""`python -m benchmarks.histories`: histories of tickets with their dates, through `crm import`, and their clocks.

Two CSV files (tickets with a row per change, then what was said) are imported by the system's own workers. Then all
clocks are worked out under promises of long ago: from the database (reading and folding, nothing is written) and from
memory (folding alone), in two processes each. Rates are tickets by the clock of the wall; by processor time is what
they would be if the machine had nothing else to do: two processors, shared with the database server, whose time is
counted in. `--database URL` measures a service desk that is there already, on this machine.
"""

from __future__ import annotations

import argparse
import csv
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil

from benchmarks.server import version
from benchmarks.system import PROJECT, System, running_system
from benchmarks.tables import show
from deploy.local.databases import ServiceDatabase
from services.service_desk.domain.clocks import follow
from services.service_desk.promises.books import Loaded, bound
from services.service_desk.promises.folding import histories
from services.service_desk.promises.keeping import TICKET
from services.service_desk.promises.store import Declared
from shared.kernel import json
from shared.kernel.clock import iso
from shared.kernel.db import Database
from shared.service.home import Home

WANTED = {"memory": 20_000, "database": 3_000}
TICKETS = ("thread_id", "at", "subject", "requester_email", "priority", "category", "stage")
SAID = ("message_id", "ticket_id", "author", "visibility", "body", "said_at")
_START = datetime(2025, 1, 1, tzinfo=UTC)
_SPAN = timedelta(days=600)
_STAGES = (("3", "CUSTOMER"), ("2", "AGENT"), ("3", None))
_AT_ONCE = 500
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")
_OFFICE = {
    "time_zone": "Europe/Berlin",
    "hours": {day: [["09:00", "12:00"], ["13:00", "18:00"]] for day in _DAYS},
    "holidays": [f"{year}-{day}" for year in (2025, 2026, 2027) for day in ("01-01", "05-01", "12-25", "12-26")],
}
_PAUSED = ["waiting_on_customer"]
_TARGETS = {
    "first_response": {"by_priority": {"URGENT": 3600, "HIGH": 7200}, "otherwise": 28800},
    "next_response": {"by_priority": {"URGENT": 3600}, "otherwise": 28800},
    "resolution": {"by_priority": {"URGENT": 14400, "HIGH": 57600}, "otherwise": 144000, "pauses": _PAUSED},
}


@dataclass(frozen=True, slots=True)
class History:
    """One ticket: what it is from when on, and who wrote when."""

    changes: tuple[tuple[datetime, dict[str, str]], ...]
    said: tuple[tuple[datetime, str, str], ...]


def history(dice: random.Random, number: int) -> History:
    """One ticket from its opening to its end, or as far as it has come: nine steps or so over some days."""
    at = _START + _SPAN * dice.random()
    first = {
        "subject": f"Question {number}",
        "requester_email": f"customer{number % 5000}@histories.example",
        "priority": dice.choice(("LOW", "MEDIUM", "HIGH", "URGENT")),
        "category": dice.choice(("BILLING_ISSUE", "PRODUCT_ISSUE", "GENERAL_INQUIRY")),
        "stage": "1",
    }
    changes, said = [(at, first)], [(at, "CUSTOMER", "PUBLIC")]
    for _ in range(dice.randrange(2, 8)):
        at += timedelta(hours=dice.expovariate(1 / 5))
        stage, author = dice.choice(_STAGES)
        more = {"priority": dice.choice(("HIGH", "URGENT"))} if dice.random() < 0.1 else {}
        changes.append((at, {"stage": stage, **more}))
        if author is not None:
            said.append((at - timedelta(seconds=1), author, "INTERNAL" if dice.random() < 0.1 else "PUBLIC"))
    if dice.random() < 0.9:
        changes.append((at + timedelta(hours=20 * dice.random()), {"stage": "4"}))
    return History(tuple(changes), tuple(said))


def drawn(size: int) -> Iterator[tuple[str, History]]:
    """All of them, with their thread ids; always the same."""
    dice = random.Random(7)
    return ((f"<history-{n}@histories.example>", history(dice, n)) for n in range(size))


def write(path: Path, columns: Sequence[str], rows: Iterator[Sequence[str]]) -> int:
    """A CSV file; how many rows."""
    count = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(columns)
        for row in rows:
            lines.writerow(row)
            count += 1
    return count


def ticket_rows(size: int) -> Iterator[list[str]]:
    """A row per change: what a ticket is from then on, in full."""
    for thread, one in drawn(size):
        values: dict[str, str] = {}
        for at, changed in one.changes:
            values |= changed
            yield [thread, iso(at), *(values[name] for name in TICKETS[2:])]


def said_rows(size: int, ids: dict[str, str]) -> Iterator[list[str]]:
    """A row per entry."""
    for thread, one in drawn(size):
        for place, (at, author, visibility) in enumerate(one.said):
            message = f"<{place}-{thread.strip('<>')}>"
            yield [message, ids[thread], author, visibility, f"Words of {author.lower()}", iso(at)]


def imported(system: System, path: Path, kind: str, key: str, since: str) -> tuple[float, dict[str, Any]]:
    """Seconds, and what `crm import` told in the end."""
    begun = time.perf_counter()
    words = ["import", str(path), "--type", kind, "--key", key, "--effective-at", since, "--yes", "--json"]
    # When something was said is a value of its own, and the instant it counts from.
    words += ["--map", "said_at=said_at"] if kind != "tickets" else []
    where = ["--url", f"http://{system.address[0]}:{system.address[1]}", "--token", system.token]
    done = subprocess.run(
        [sys.executable, "-m", "crm.cli", *words, *where], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return time.perf_counter() - begun, json.loads(done.stdout)


def ids_of(system: System) -> dict[str, str]:
    """Ids of tickets by thread id."""
    address = f"http://{system.address[0]}:{system.address[1]}/api/v1/objects/tickets/export"
    headers = {"Authorization": f"Bearer {system.token}"}
    asked = {"format": "csv", "attributes": "id,thread_id"}
    text = httpx.get(address, params=asked, headers=headers, timeout=600, trust_env=False).text
    return {row["thread_id"]: row["id"] for row in csv.DictReader(text.splitlines()) if row["thread_id"]}


def bring_in(system: System, size: int) -> None:
    """Both files; prints how fast."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="crm-bench-") as folder:
        for name, kind, key, since, columns in (
            ("tickets", "tickets", "thread_id", "at", TICKETS),
            ("what was said", "ticket_entries", "message_id", "said_at", SAID),
        ):
            path = Path(folder) / f"{kind}.csv"
            lines = ticket_rows(size) if kind == "tickets" else said_rows(size, ids_of(system))
            count = write(path, columns, lines)
            spent, told = imported(system, path, kind, key, since)
            counted = ", ".join(
                f"{told['run'][one]:,} {one}" for one in ("created", "updated", "rejected") if told["run"][one]
            )
            rows.append((name, f"{count:,}", f"{spent:.1f}", f"{count / spent:,.0f}", counted))
    show(f"{size:,} histories through crm import", ("", "rows", "s", "rows/s", ""), rows)


def promises(home: Home) -> Loaded:
    """What is promised, as if it had always been so."""
    calendars = [Declared(1, "office", 1, 0, _OFFICE)]
    billing = {"attribute": "category", "operator": "EQ", "value": "BILLING_ISSUE"}
    bodies: tuple[dict[str, Any], ...] = ({}, {"filter": billing, "on_change": "prorate"})
    policies = [
        Declared(n, f"p{n}", 1, 0, {"calendar": "office", "targets": _TARGETS, **one})
        for n, one in enumerate(bodies, 1)
    ]
    return bound(home.type(TICKET), 1, calendars, policies)


@dataclass(frozen=True, slots=True)
class Share:
    """What one process did: tickets, clocks; seconds by the wall and by its processor, from database and memory."""

    tickets: int
    clocks: int
    database: tuple[float, float]
    memory: tuple[float, float]


def share(url: str, place: int, processes: int) -> Share:
    """One process's part: every so many-th portion of all tickets."""
    database = Database(url, pool_size=1)
    home = Home.of(database)
    loaded = promises(home)
    with database.connect() as connection:
        every = [row[0] for row in connection.rows("select ticket_id from sla_clock where not gone order by ticket_id")]
        portions = [every[n : n + _AT_ONCE] for n in range(0, len(every), _AT_ONCE)][place::processes]
        kept, clocks = [], 0
        follow(loaded.book, next(iter(histories(connection, home, loaded, every[:1]).values())))
        (server,) = connection.row("select pg_backend_pid()") or (0,)
        begun, used = time.perf_counter(), time.process_time() + _seconds(server)
        for ids in portions:
            steps = histories(connection, home, loaded, ids)
            for one in steps.values():
                clocks += len(follow(loaded.book, one).clocks)
            kept.append(steps)
        spent = time.perf_counter() - begun, time.process_time() + _seconds(server) - used
    begun, used = time.perf_counter(), time.process_time()
    for portion in kept:
        for one in portion.values():
            follow(loaded.book, one)
    again = time.perf_counter() - begun, time.process_time() - used
    database.dispose()
    return Share(sum(map(len, kept)), clocks, spent, again)


def _seconds(pid: int) -> float:
    """Processor time of a process so far."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def measure(url: str, processes: int = 2) -> None:
    """Print both rates."""
    with ProcessPoolExecutor(processes) as pool:
        shares = list(pool.map(share, [url] * processes, range(processes), [processes] * processes))
    tickets = sum(one.tickets for one in shares)
    rows = []
    for name in ("database", "memory"):
        # A machine of two processors: with as many processes, each has one of them.
        wall, used = (sum(one.tickets / getattr(one, name)[n] for one in shares) for n in (0, 1))
        rows.append((f"from the {name}", f"{wall:,.0f}", f"{used:,.0f}", f"{WANTED[name]:,}"))
    heads = ("", "tickets/s", "by processor time", "wanted")
    clocks = sum(one.clocks for one in shares)
    show(f"{tickets:,} tickets, {clocks:,} clocks, {processes} processes", heads, rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.histories", description=__doc__)
    parser.add_argument("--size", type=int, default=100_000, help="tickets (default 100,000)")
    parser.add_argument("--database", help="URL of a service desk's database to measure, nothing is imported")
    parser.add_argument("--home", type=Path, help="keep the system's data here")
    options = parser.parse_args(arguments)
    if options.database:
        measure(options.database)
        return 0
    with running_system(options.home) as system:
        url = _desk_url(system)
        database = Database(url, pool_size=1)
        with database.connect() as connection:
            print(f"PostgreSQL {version(connection)}")
        database.dispose()
        bring_in(system, options.size)
        measure(url)
    return 0


def _desk_url(system: System) -> str:
    port = json.loads(system.home.ports.read_bytes())["postgres"]
    password = (system.home.secrets / "database-service_desk").read_text().strip()
    database = ServiceDatabase("service_desk", "crm_service_desk", password)
    return database.url(f"postgresql://postgres@127.0.0.1:{port}/postgres")


if __name__ == "__main__":
    raise SystemExit(main())
