"""The processes of a run: kept alive, and killed on request."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from shared.kernel.clock import monotonic
from tests.faults.events.roles import Life, live

REST = 0.15
_MUTATED = ("web", "source", "reporting")
_forks = get_context("forkserver")
_forks.set_forkserver_preload(["tests.faults.events.roles"])


@dataclass
class Crew:
    """Everything that runs, by name."""

    environment: dict[str, str]
    directory: Path
    seed: int
    settings: dict[str, str]
    processes: dict[str, BaseProcess] = field(default_factory=dict)
    lives: dict[str, int] = field(default_factory=dict)
    stopped: dict[str, float] = field(default_factory=dict)
    _dead: dict[str, float] = field(default_factory=dict)

    def start(self, name: str) -> None:
        """A new life of a process."""
        number = self.lives[name] = self.lives.get(name, 0) + 1
        settings = {key: value for key, value in self.settings.items() if key != "mutant" or name.startswith(_MUTATED)}
        log = self.directory / f"{name}.log"
        life = Life(name, self.environment, log, hash_of(self.seed, name, number), settings)
        process: Any = _forks.Process(target=live, args=(life,), daemon=True)
        process.start()
        self.processes[name] = process

    def run(self, name: str, seconds: float) -> int | None:
        """Run a process to its end; its exit code, None when it took too long."""
        self.start(name)
        process = self.processes.pop(name)
        process.join(seconds)
        if process.exitcode is None:
            process.kill()
            return None
        return process.exitcode

    def kill(self, name: str) -> None:
        """kill -9; `watch` starts it again."""
        self._signal(name, signal.SIGKILL)
        self.stopped.pop(name, None)

    def pause(self, name: str, seconds: float) -> None:
        """SIGSTOP; `watch` lets it go on when the time is over."""
        self._signal(name, signal.SIGSTOP)
        self.stopped[name] = monotonic() + seconds

    def watch(self) -> None:
        """Let go on what was stopped long enough, start again what is dead."""
        moment = monotonic()
        for name in [one for one, until in self.stopped.items() if moment >= until]:
            self._signal(name, signal.SIGCONT)
            del self.stopped[name]
        for name, process in list(self.processes.items()):
            if process.exitcode is None:
                continue
            if moment - self._dead.setdefault(name, moment) >= REST:
                del self._dead[name]
                self.start(name)

    def let_go(self, name: str) -> None:
        """Take a process out, dead or alive."""
        process = self.processes.pop(name, None)
        self.stopped.pop(name, None)
        if process is not None:
            process.kill()
            process.join(10)

    def end(self) -> None:
        """Kill everything."""
        for name in list(self.processes):
            self.let_go(name)

    def _signal(self, name: str, number: signal.Signals) -> None:
        process = self.processes[name]
        if process.exitcode is None and process.pid is not None:
            os.kill(process.pid, number)


def hash_of(seed: int, name: str, number: int) -> int:
    """A seed for one life, the same in every run."""
    return int.from_bytes(f"{seed}.{name}.{number}".encode(), "big") % (2**61 - 1)
