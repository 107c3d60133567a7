"""What goes wrong and when, drawn from a seed before anything starts: every kind at least once, the rest at random."""

from __future__ import annotations

import random
import signal
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import psycopg

from tests.faults.events.crew import Crew
from tests.faults.events.servers import Servers

STOPPED_SECONDS = 1.5
OPEN_SECONDS = 6.0
_ONCE = (
    "kill writer",
    "kill source",
    "kill reporting",
    "kill web",
    "stop",
    "flush",
    "redis",
    "crash",
    "restart",
    "open",
)
_AGAIN = (*["kill"] * 9, *["stop"] * 2, "flush", "redis")


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: seconds after the beginning, what, and a number to choose whom."""

    at: float
    what: str
    whom: int


def schedule(seed: int, seconds: float, every: float = 0.8) -> list[Fault]:
    """The faults of a run."""
    drawn = random.Random(seed)
    count = max(len(_ONCE), int(seconds / every))
    kinds = [*_ONCE, *(drawn.choice(_AGAIN) for _ in range(count - len(_ONCE)))]
    drawn.shuffle(kinds)
    instants = sorted(drawn.uniform(0.5, seconds) for _ in kinds)
    return [Fault(at, what, drawn.randrange(1000)) for at, what in zip(instants, kinds, strict=True)]


@dataclass
class Chaos:
    """Does to servers and processes what was drawn."""

    servers: Servers
    crew: Crew
    other: str
    """URL of a database that has nothing to do with all this, but for the server it is on."""
    done: Counter[str] = field(default_factory=Counter)

    def inflict(self, fault: Fault) -> str:
        """Do it; what was done, in words."""
        kind, _, role = fault.what.partition(" ")
        told = _KINDS[kind](self, fault, role)
        self.done[kind] += 1
        return told

    def _whom(self, fault: Fault, role: str) -> str:
        names = [one for one in sorted(self.crew.processes) if one.startswith(role) and one not in self.crew.stopped]
        return names[fault.whom % len(names)]

    def kill(self, fault: Fault, role: str) -> str:
        name = self._whom(fault, role)
        self.crew.kill(name)
        return f"kill -9 {name}"

    def stop(self, fault: Fault, role: str) -> str:
        name = self._whom(fault, role)
        self.crew.pause(name, STOPPED_SECONDS)
        return f"SIGSTOP {name} for {STOPPED_SECONDS} s"

    def flush(self, *_: object) -> str:
        self.servers.flush()
        return "FLUSHALL"

    def redis(self, *_: object) -> str:
        self.servers.restart_redis()
        return "Redis killed and started without its data"

    def crash(self, *_: object) -> str:
        self.servers.restart_postgres(signal.SIGQUIT)
        return "PostgreSQL crashed and recovered"

    def restart(self, *_: object) -> str:
        self.servers.restart_postgres(signal.SIGINT)
        return "PostgreSQL restarted"

    def open(self, *_: object) -> str:
        threading.Thread(target=self._hold_open, daemon=True).start()
        return f"a transaction open for {OPEN_SECONDS} s in another database"

    def _hold_open(self) -> None:
        try:
            with psycopg.connect(self.other) as connection:
                connection.execute("create table if not exists held (n int)")
                connection.execute("select pg_sleep(%s)", (OPEN_SECONDS,))
        except psycopg.OperationalError:
            return  # a restart of the server ended it


_KINDS: Mapping[str, Callable[[Chaos, Fault, str], str]] = {
    "kill": Chaos.kill,
    "stop": Chaos.stop,
    "flush": Chaos.flush,
    "redis": Chaos.redis,
    "crash": Chaos.crash,
    "restart": Chaos.restart,
    "open": Chaos.open,
}
