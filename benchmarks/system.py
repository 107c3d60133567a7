"""The system as `make up` runs it, the rivals under the same gunicorn configuration, and what their processes cost."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from deploy.local import runner
from deploy.local.account import dropped_account
from deploy.local.databases import ServiceDatabase
from deploy.local.home import Home
from deploy.local.ports import free_port
from deploy.local.waiting import wait_until
from shared.kernel import json

PROJECT = Path(__file__).resolve().parents[1]
Address = tuple[str, int]


@dataclass(frozen=True)
class System:
    """A running system: where it answers, its token, and the database of contacts."""

    address: Address
    token: str
    database_url: str
    home: Home

    def web_processes(self) -> list[psutil.Process]:
        """The web workers."""
        return self._of("web")

    def postgres_processes(self) -> list[psutil.Process]:
        """The database server's processes: the first counts those that ended, workers of one statement among them."""
        pids = [one["pid"] for one in runner.states(self.home) if one["name"] == "postgres"]
        return [*map(psutil.Process, pids), *self._of("postgres")]

    def other_processes(self) -> list[psutil.Process]:
        """What carries events and works off jobs meanwhile."""
        return [
            psutil.Process(one["pid"])
            for one in runner.states(self.home)
            if one["name"] in ("bus", "worker", "scheduler", "redis") and one["pid"]
        ]

    def workers(self) -> list[psutil.Process]:
        """What works off jobs: the one that was started and those it forked."""
        pids = [one["pid"] for one in runner.states(self.home) if one["name"] == "worker" and one["pid"]]
        return [one for pid in pids for one in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True))]

    def by_name(self) -> dict[str, list[psutil.Process]]:
        """All processes, by what they are for."""
        found = {one["name"]: [psutil.Process(one["pid"])] for one in runner.states(self.home) if one["pid"]}
        for name, mine in found.items():
            found[name] = [*mine, *mine[0].children(recursive=True)]
        return found

    def _of(self, name: str) -> list[psutil.Process]:
        pids = [one["pid"] for one in runner.states(self.home) if one["name"] == name]
        return [child for pid in pids for child in psutil.Process(pid).children()]


@contextmanager
def running_system(home: Path | None) -> Iterator[System]:
    """`make up` in a home of its own (kept when one is given)."""
    root = home or Path(tempfile.mkdtemp(prefix="crm-bench-"))
    root.mkdir(parents=True, exist_ok=True)
    if dropped_account() is not None:
        root.chmod(0o711)
    port = free_port()
    gone = ("DATABASE_URL", "REDIS_URL")
    given = {name: value for name, value in os.environ.items() if not name.endswith(gone)}
    environment = {**given, "CRM_HOME": str(root), "PORT": str(port)}
    try:
        with _process([sys.executable, "-m", "deploy.local", "up"], environment, root / "up.log", signal.SIGTERM):
            _wait(f"http://127.0.0.1:{port}/readyz", root / "up.log")
            place = Home(root)
            yield System(("127.0.0.1", port), place.admin_token.read_text().strip(), _contacts_url(place), place)
    finally:
        if home is None:
            shutil.rmtree(root, ignore_errors=True)


@dataclass(frozen=True)
class Rivals:
    """The running rivals."""

    address: Address
    master: int

    def web_processes(self) -> list[psutil.Process]:
        """The web workers."""
        return psutil.Process(self.master).children()


@contextmanager
def running_rivals(system: System) -> Iterator[Rivals]:
    """The rivals' gunicorn: the system's own configuration, number of processes and threads."""
    port = free_port()
    environment = {**os.environ, "PORT": str(port), "BENCH_DATABASE_URL": system.database_url}
    environment["PYTHONPATH"] = str(PROJECT)
    config = PROJECT / "deploy" / "gunicorn.conf.py"
    command = [sys.executable, "-m", "gunicorn", "-c", str(config), "benchmarks.rivals:app()"]
    log = system.home.logs / "rivals.log"
    with _process(command, environment, log, signal.SIGTERM) as process:
        _wait(f"http://127.0.0.1:{port}/bare", log)
        yield Rivals(("127.0.0.1", port), process.pid)


def _contacts_url(home: Home) -> str:
    port = json.loads(home.ports.read_bytes())["postgres"]
    password = (home.secrets / "database-contacts").read_text().strip()
    database = ServiceDatabase("contacts", "crm_contacts", password)
    return database.url(f"postgresql://postgres@127.0.0.1:{port}/postgres")


def _wait(url: str, log: Path) -> None:
    def answers() -> bool:
        try:
            return httpx.get(url, timeout=5, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    if not wait_until(answers, 240, every=0.2):
        raise RuntimeError(f"nothing answers at {url}: {log.read_text()[-2000:]}")


@contextmanager
def _process(
    command: list[str], environment: Mapping[str, str], log: Path, stop: signal.Signals
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=PROJECT, env=dict(environment)
        )
    try:
        yield process
    finally:
        process.send_signal(stop)
        process.wait(180)


def cpu_seconds(processes: list[psutil.Process]) -> float:
    """CPU time so far of these processes, and of those they started and that ended."""
    total = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total
