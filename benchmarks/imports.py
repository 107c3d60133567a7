"""`make bench-imports`: a CSV file through the running system, and the engine's part of it beside COPY and batches.

The file is uploaded, read, cut and imported by the system's own workers, twice: the second time nothing changes. A
third file is imported while somebody reads, and everything is exported. Before the first file the system has done what
it does once, after its first start: metrics are filled, keys of duplicates made. Rates are rows by the clock of the
wall, of a machine that runs all of it; the CPU of all processes per row is the steadier figure.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import openpyxl
import psutil

from benchmarks import bulk
from benchmarks.load import request, run
from benchmarks.people import CUSTOMS, NAMES, People
from benchmarks.system import System, cpu_seconds, running_system
from benchmarks.tables import show
from crm.importing.job import BUSY
from deploy.local.waiting import wait_until
from services.reporting.api import PATH as METRICS
from shared.kernel.db import Database

KEY = "account_code"
TYPE = "contacts"
READ_SECONDS = 8.0
SETTLED_SECONDS = 180
MB = 1 << 20
Person = Mapping[str, str]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and print."""
    options = _options(arguments)
    if options.part != "system":
        bulk.run(min(options.size, options.engine))
    if options.part != "engine":
        with running_system(options.home) as system, tempfile.TemporaryDirectory(prefix="crm-bench-") as folder:
            Run(system, Path(folder), options).all()
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.imports", description=__doc__)
    parser.add_argument("--size", type=int, default=200_000, help="rows of the file (default 200,000)")
    parser.add_argument("--engine", type=int, default=50_000, help="rows for the engine alone (default 50,000)")
    parser.add_argument("--part", choices=("all", "engine", "system"), default="all")
    parser.add_argument("--xlsx", action="store_true", help="a workbook instead of CSV")
    parser.add_argument("--once", action="store_true", help="the first import only: rates and memory of a large file")
    parser.add_argument("--home", type=Path, help="keep the system's data here")
    return parser.parse_args(arguments)


@dataclass
class Seen:
    """What was seen of an import while it went: (seconds, rows done), the worker's memory, CPU of all processes."""

    samples: list[tuple[float, int]] = field(default_factory=list)
    memory: int = 0
    cpu: dict[str, float] = field(default_factory=dict)

    def steadiness(self, rows: int) -> str:
        """The rate of the last tenth of the rows against the first one's; "-" for an import too quick to tell."""
        moved = [(at, count) for at, count in self.samples if count]
        first = [one for one in moved if one[1] <= rows * 0.15]
        last = [one for one in moved if one[1] >= rows * 0.85]
        if len({count for _, count in moved}) < 20 or len(first) < 2 or len(last) < 2:
            return "-"
        slow, fast = _rate(first[0], first[-1]), _rate(last[0], last[-1])
        return f"{fast / slow:.2f}" if slow and fast else "-"


class Run:
    """One run against one system."""

    def __init__(self, system: System, folder: Path, options: argparse.Namespace) -> None:
        self._system, self._folder, self._options = system, folder, options
        address = f"http://{system.address[0]}:{system.address[1]}"
        headers = {"Authorization": f"Bearer {system.token}"}
        # Between two questions a file may be made, which takes longer than servers keep connections.
        limits = httpx.Limits(keepalive_expiry=1.0)
        self._http = httpx.Client(base_url=address, headers=headers, timeout=600, trust_env=False, limits=limits)
        self._database = Database(system.database_url, pool_size=1)
        self._rows: list[tuple[str, ...]] = []

    def all(self) -> None:
        """Everything, in order."""
        size = self._options.size
        self._define()
        assert wait_until(self._settled, SETTLED_SECONDS, every=0.5), "the first start takes too long"
        file = self._written("first", People(size, seed=7))
        self._import("first import", file)
        if self._options.once:
            self._show_imports()
            return
        self._import("the same file again", file)
        idle = self._latencies()
        reading = self._beside_readers(self._more())
        self._show_imports()
        show("Readers, p99 in ms", ("", "idle", "during an import", "ratio"), [
            (name, f"{idle[name]:.1f}", f"{reading[name]:.1f}", f"{reading[name] / idle[name]:.1f}") for name in idle
        ])  # fmt: skip
        self._export()

    def _more(self) -> Path:
        """A file of others, half as many."""
        size = self._options.size
        more = ({**one, KEY: f"m{one[KEY]}", "email": f"m{n}@more.example"} for n, one in enumerate(People(size, 7)))
        return self._written("more", islice(more, size // 2))

    def _show_imports(self) -> None:
        heads = ("", "rows", "reading s", "rows/s", "last / first tenth", "worker's peak MB", "CPU us a row", "of that")
        told = f"A file of {self._options.size:,} contacts x {len(NAMES)} attributes, through the system"
        show(told, heads, self._rows)

    def _define(self) -> None:
        for one in CUSTOMS:
            body: dict[str, Any] = {"name": one.name, "label": one.label, "type": one.kind, "unique": one.name == KEY}
            body |= {"options": [option.value for option in one.options]} if one.options else {}
            made = self._http.post(f"/api/v1/types/{TYPE}/attributes", json=body)
            assert made.status_code in (201, 409), made.text

    def _settled(self) -> bool:
        """Whether nothing of the first start is left to do."""
        with self._database.connect() as connection:
            kept = connection.row("select bool_and(done) from match_rule") == (True,)
        metrics = self._http.get(METRICS).json()["results"]
        return kept and bool(metrics) and all(one["state"] == "ready" for one in metrics)

    def _written(self, name: str, people: Iterable[Person]) -> Path:
        """A file with these contacts."""
        lines = ([one.get(column, "") for column in NAMES] for one in people)
        path = self._folder / f"{name}.{'xlsx' if self._options.xlsx else 'csv'}"
        if self._options.xlsx:
            book = openpyxl.Workbook(write_only=True)
            sheet = book.create_sheet()
            for line in [NAMES, *lines]:
                sheet.append(line)
            book.save(path)
            return path
        with path.open("w", newline="", encoding="utf-8") as target:
            writer = csv.writer(target)
            writer.writerow(NAMES)
            writer.writerows(lines)
        return path

    def _begun(self, file: Path) -> str:
        mapping = {
            "key": {"column": KEY, "attribute": KEY},
            "columns": [{"column": name, "attribute": name} for name in NAMES],
        }
        asked = {"type": TYPE, "mapping": mapping, "run": "run"}
        with file.open("rb") as content:
            parts = {"request": (None, httpx.Request("POST", "http://x", json=asked).read(), "application/json")}
            made = self._http.post("/api/v1/imports", files={**parts, "file": (file.name, content)})
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    def _import(self, name: str, file: Path) -> None:
        began = time.perf_counter()
        with self._watched() as seen:
            body = self._finished(self._begun(file), seen, began)
        told = body["run"]
        rows, reading = told["rows"], seen.samples[0][0]
        assert rows == told["done"] == sum(told[one] for one in ("created", "updated", "unchanged", "rejected")), told
        parts = ((told[one], one) for one in ("created", "updated", "unchanged", "rejected"))
        self._rows.append((
            f"{name}: {', '.join(f'{count:,} {what}' for count, what in parts if count)}",
            f"{rows:,}",
            f"{reading:.1f}",
            f"{told['rows_per_second']:,.0f}",
            seen.steadiness(rows),
            f"{seen.memory / MB:.0f}",
            f"{1e6 * sum(seen.cpu.values()) / rows:,.0f}",
            ", ".join(f"{name} {1e6 * spent / rows:,.0f}" for name, spent in sorted(seen.cpu.items())),
        ))  # fmt: skip
        print(f"  {' | '.join(self._rows[-1])}", file=sys.stderr, flush=True)

    def _finished(self, ident: str, seen: Seen, began: float) -> dict[str, Any]:
        """The import once it rests; notes how it went on the way."""
        while True:
            body: dict[str, Any] = self._http.get(f"/api/v1/imports/{ident}").json()
            if body["run"] is not None:
                seen.samples.append((time.perf_counter() - began, body["run"]["done"]))
            if body["state"] not in BUSY:
                assert body["state"] == "done", body
                return body
            time.sleep(0.3)

    @contextmanager
    def _watched(self) -> Iterator[Seen]:
        """Memory of the largest worker process, and CPU of everything, while the block runs."""
        seen, stop = Seen(), threading.Event()
        every = self._system.by_name()

        def watch() -> None:
            while not stop.wait(0.2):
                for one in self._system.workers():
                    seen.memory = max(seen.memory, one.memory_info().rss)

        thread = threading.Thread(target=_quiet(watch))
        before = {name: cpu_seconds(processes) for name, processes in every.items()}
        thread.start()
        try:
            yield seen
        finally:
            stop.set()
            thread.join()
            seen.cpu = {name: cpu_seconds(mine) - before[name] for name, mine in every.items()}

    def _latencies(self) -> dict[str, float]:
        """p99 of reading one and of reading a page, for a single reader."""
        found = self._http.get(f"/api/v1/objects/{TYPE}?limit=100").json()["results"]
        ones = [f"/api/v1/objects/{TYPE}/{one['id']}" for one in found]
        pages = [f"/api/v1/objects/{TYPE}?limit=50&after={one['id']}" for one in found]
        p99 = {}
        for name, paths in (("get", ones), ("list of 50", pages)):
            asked = [request("GET", path, self._system.token) for path in paths]
            p99[name] = run(self._system.address, asked, READ_SECONDS, 1).percentile(0.99)
        return p99

    def _beside_readers(self, file: Path) -> dict[str, float]:
        ident = self._begun(file)
        while self._http.get(f"/api/v1/imports/{ident}").json()["run"] is None:
            time.sleep(0.2)
        found = self._latencies()
        busy = self._http.get(f"/api/v1/imports/{ident}").json()["state"]
        if busy not in BUSY:
            print("the import was over before its readers were: use a larger --size")
        self._finished(ident, Seen(), time.perf_counter())
        return found

    def _export(self) -> None:
        rows = []
        for kind in ("csv", "ndjson"):
            began, lines = time.perf_counter(), 0
            names = ",".join(NAMES)
            path = f"/api/v1/objects/{TYPE}/export?format={kind}&attributes={names}"
            with self._http.stream("GET", path) as answer:
                assert answer.status_code == 200, answer.read()
                for piece in answer.iter_bytes():
                    lines += piece.count(b"\n")
            rows.append((kind, f"{lines:,}", f"{lines / (time.perf_counter() - began):,.0f}"))
        show("Export", ("", "rows", "rows/s"), rows)


def _rate(before: tuple[float, int], after: tuple[float, int]) -> float:
    return (after[1] - before[1]) / max(after[0] - before[0], 0.001)


def _quiet(watch: Any) -> Any:
    """Processes may end while they are looked at."""

    def step() -> None:
        try:
            watch()
        except psutil.Error:
            return

    return step


if __name__ == "__main__":
    raise SystemExit(main())
