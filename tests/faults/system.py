"""A whole system of its own, started as a person starts it, for tests that break it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

from deploy.local.home import Home
from deploy.local.orphans import running, stop_orphans
from deploy.local.ports import free_port
from deploy.local.programs import PROJECT
from deploy.local.waiting import wait_until
from shared.kernel import json

START_SECONDS = 300  # ceilings against hanging only: the machine may be busy
_OURS = ("DATABASE_URL", "REDIS_URL", "CRM_", "PORT", "MAKE", "MFLAGS", "PYTEST_", "VIRTUAL_ENV", "PYTHONPATH")


def clean_environment(**more: str) -> dict[str, str]:
    """This process's environment without anything that tells the system where to run."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return {**kept, **more}


@contextmanager
def open_directory(prefix: str) -> Iterator[Path]:
    """A temporary directory that other accounts can pass (the database server's has to)."""
    directory = Path(tempfile.mkdtemp(prefix=prefix))
    directory.chmod(0o755)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@dataclass
class System:
    """One installation: its home, its port, and the project it runs from (by `make up` when that is a copy).

    command: `up`, or `up-split` for a process per service and role.
    """

    root: Path
    port: int
    settings: Mapping[str, str] = field(default_factory=dict)
    project: Path = PROJECT
    process: subprocess.Popen[str] | None = None
    command: str = "up"

    @property
    def home(self) -> Home:
        return Home(self.root)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        return clean_environment(CRM_HOME=str(self.root), PORT=str(self.port), **self.settings)

    def run(self, command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `python -m deploy.local <command>` to its end."""
        return subprocess.run(
            self._words(command),
            cwd=self.project,
            env=self.environment | environment,
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            check=False,
        )

    def start(self) -> None:
        """Start in the background and wait until it says that it is ready."""
        self.launch()
        wait_until(lambda: "Ready: " in self.output() or self._ended(), START_SECONDS)
        assert "Ready: " in self.output(), self.output()

    def launch(self) -> None:
        """Start in the background."""
        output = (self.root.parent / f"{self.root.name}.out").open("w+")
        with output:
            self.process = subprocess.Popen(
                self._words(self.command) if self.project == PROJECT else ["make", self.command],
                cwd=self.project,
                env=self.environment,
                stdout=output,
                stderr=output,
                text=True,
                start_new_session=True,
            )

    def output(self) -> str:
        return (self.root.parent / f"{self.root.name}.out").read_text()

    def interrupt(self) -> int:
        """Ctrl-C, which reaches the whole group of the terminal; the exit code."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(START_SECONDS)

    def kill_everything(self) -> None:
        """kill -9 of every process at once."""
        assert self.process is not None
        for process in [psutil.Process(self.process.pid), *running(self.home)]:
            process.kill()
        self.process.wait(START_SECONDS)

    def clear_away(self) -> None:
        """Leave nothing behind, whatever the test did."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(START_SECONDS)
        stop_orphans(self.home)

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run("status-json").stdout)
        return found

    def pids(self) -> dict[str, int]:
        """The processes that run, by name."""
        return {one["name"]: one["pid"] for one in self.status()["processes"] if one["state"] == "RUNNING"}

    def is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=10).status_code == 200
        except httpx.HTTPError:
            return False

    def client(self) -> httpx.Client:
        """A client with the administrator's token."""
        token = self.home.admin_token.read_text().strip()
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {token}"}, timeout=30)

    def _words(self, command: str) -> list[str]:
        python = self.project / ".venv" / "bin" / "python"
        return [str(python) if self.project != PROJECT else sys.executable, "-m", "deploy.local", command]

    def _ended(self) -> bool:
        return self.process is None or self.process.poll() is not None


@contextmanager
def system(command: str = "up", **settings: str) -> Iterator[System]:
    """A system in a home with a space in its name; not started yet, cleared away at the end."""
    with open_directory("crm ops-") as directory:
        made = System(directory / "the home", free_port(), settings, command=command)
        try:
            yield made
        finally:
            made.clear_away()
