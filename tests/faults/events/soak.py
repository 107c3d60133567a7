"""One whole run: servers, processes, faults, and the verdict. `python -m tests.faults.events.soak --seeds 20`."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import psycopg

from deploy.local.ports import free_port
from deploy.local.waiting import wait_until
from deploy.services import ALL
from shared.kernel import json
from shared.kernel.clock import monotonic
from tests.faults.events.chaos import Chaos, schedule
from tests.faults.events.crew import Crew
from tests.faults.events.servers import Servers, servers
from tests.faults.events.truth import Verdict

START_SECONDS = 120
PATIENCE = 60.0
LOOK_SECONDS = 0.25
TOKEN = "crm_" + "service-token-for-faults" * 2
ADMIN = "crm_" + "admin-token-for-faults" * 2
STAFF = ("web", "source", "reporting1", "reporting2", "naive")
Watcher = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is. pause: mean seconds between two writes of one writer. rate: events written per second of the
    faults' clock, which waits for them, so that a busy machine has as much to lose as an idle one. size: how much more
    than one entity or a few a write is about. patience: seconds for all of it to be applied at the end."""

    seed: int
    seconds: float = 30.0
    writers: int = 3
    pause: float = 0.01
    rate: float = 15.0
    size: int = 1
    patience: float = PATIENCE
    mutant: str = ""


@dataclass
class Stage:
    """Everything of a run that is up."""

    servers: Servers
    crew: Crew
    other: str
    settings: dict[str, str] = field(default_factory=dict)

    def judge(self, patience: float = PATIENCE) -> Verdict:
        """Wait until all has settled, and compare."""
        path = self.servers.directory / "verdict.json"
        path.unlink(missing_ok=True)
        self.crew.settings |= {"since": str(time.time()), "patience": str(patience), "verdict": str(path)}
        end = monotonic() + patience + START_SECONDS
        self.crew.start("judge")
        judge = self.crew.processes.pop("judge")
        while judge.exitcode is None and monotonic() < end:
            self.crew.watch()
            judge.join(0.05)
        if judge.exitcode != 0:
            raise RuntimeError(f"no verdict: {(self.servers.directory / 'judge.log').read_text()[-3000:]}")
        return Verdict(**json.loads(path.read_bytes()))

    def logged(self, name: str) -> str:
        """What a process wrote."""
        path = self.servers.directory / f"{name}.log"
        return path.read_text() if path.exists() else ""


@contextmanager
def stage(plan: Plan) -> Iterator[Stage]:
    """Servers, migrated databases, and every process but the writers; metrics are defined and ready."""
    with servers() as running:
        port = free_port()
        admin = running.directory / "admin-token"
        admin.write_text(ADMIN)
        environment = {
            "CRM_HOME": str(running.directory / "home"),
            "PORT": str(port),
            "CRM_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "CRM_WORKSPACE_URL": f"http://127.0.0.1:{port}",
            "CRM_SERVICE_TOKEN": TOKEN,
            "CRM_ADMIN_TOKEN_FILE": str(admin),
            "CRM_LOG_LEVEL": "WARNING",
            "REDIS_URL": running.redis_url,
            **{f"{one.name.upper()}_DATABASE_URL": running.create_database(one.name) for one in ALL},
        }
        settings = {"stop": str(running.directory / "stop"), "pause": str(plan.pause), "mutant": plan.mutant}
        settings["size"] = str(plan.size)
        crew = Crew(environment, running.directory, plan.seed, settings)
        made = Stage(running, crew, running.create_database("other"), settings)
        try:
            _must(made, "prepare")
            for name in STAFF:
                crew.start(name)
            assert wait_until(lambda: _answers(port), START_SECONDS), made.logged("web")
            _must(made, "define")
            yield made
        finally:
            crew.end()


def run(plan: Plan, watch: Watcher | None = None) -> tuple[Verdict, Chaos]:
    """The whole of it. watch: is told the seconds gone by and each fault."""
    with stage(plan) as made:
        chaos = Chaos(made.servers, made.crew, made.other)
        writers = [f"writer{number + 1}" for number in range(plan.writers)]
        for name in writers:
            made.crew.start(name)
        burn(made, chaos, plan, watch)
        for name in writers:
            made.crew.let_go(name)
        return made.judge(plan.patience), chaos


def burn(made: Stage, chaos: Chaos, plan: Plan, watch: Watcher | None) -> None:
    """Inflict every fault at its moment; half way a metric is made."""
    due, clock = schedule(plan.seed, plan.seconds), Clock(made, plan)
    late = plan.seconds / 2
    while (gone := clock.gone()) < plan.seconds or due:
        made.crew.watch()
        told = chaos.inflict(due.pop(0)) if due and gone >= due[0].at else ""
        if watch is not None:
            watch(gone, told)
        if late and gone >= late:
            made.crew.start("late")
            made.crew.processes.pop("late")
            late = 0
        time.sleep(0.02)
    # What is stopped goes on; the last fault is over.
    while made.crew.stopped:
        made.crew.watch()
        time.sleep(0.02)


class Clock:
    """Seconds since the beginning of the faults, held back where writers are slower than the plan's rate."""

    def __init__(self, made: Stage, plan: Plan) -> None:
        self._url = made.servers.database("contacts")
        self._rate = plan.rate
        self._gone = self._looked = 0.0
        self._before = monotonic()
        self._first = self._written() or 0
        self._allowed = 1.0

    def gone(self) -> float:
        """The time; it never goes back."""
        moment = monotonic()
        if moment - self._looked > LOOK_SECONDS:
            self._looked = moment
            written = self._written()
            if written is not None:
                self._allowed = 1.0 + (written - self._first) / self._rate
        if self._gone < self._allowed:
            self._gone += moment - self._before
        self._before = moment
        return self._gone

    def _written(self) -> int | None:
        try:
            with psycopg.connect(self._url, connect_timeout=2) as connection:
                row = connection.execute("select last_value from outbox_id").fetchone()
        except psycopg.OperationalError:
            return None
        return row[0] if row else None


def _must(made: Stage, name: str) -> None:
    if made.crew.run(name, START_SECONDS) != 0:
        raise RuntimeError(f"{name} failed: {made.logged(name)[-3000:]} {made.logged('reporting1')[-2000:]}")


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def told(seed: int, verdict: Verdict, chaos: Chaos) -> str:
    """One line of a table."""
    faults = ", ".join(f"{count} {kind}" for kind, count in sorted(chaos.done.items()))
    settled = "never settled" if verdict.settled is None else f"settled in {verdict.settled:.1f} s"
    wrong = ", ".join(f"{count} {what}" for what, count in verdict.wrong.items())
    return f"seed {seed}: {verdict.events} of {verdict.produced} events, {settled}; wrong: {wrong}; faults: {faults}"


def main(arguments: list[str]) -> int:
    """Run seeds one after the other; 1 when one was not exact."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.events.soak")
    parser.add_argument("--seeds", type=int, default=20, help="how many")
    parser.add_argument("--first", type=int, default=1, help="the first one")
    parser.add_argument("--seconds", type=float, default=120.0, help="of faults, per seed")
    parser.add_argument("--events", type=int, default=20_000, help="per seed, at least")
    parser.add_argument("--size", type=int, default=12, help="how much larger than by hand a write is")
    parser.add_argument("--patience", type=float, default=300.0, help="seconds for all of it to be applied")
    parser.add_argument("--mutant", default="", help="a guard to take away (tests/faults/events/mutants.py)")
    asked = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started ends with us
    failed = events = cells = 0
    for seed in range(asked.first, asked.first + asked.seeds):
        plan = Plan(seed, asked.seconds, rate=asked.events / asked.seconds, size=asked.size,
                    patience=asked.patience, mutant=asked.mutant)  # fmt: skip
        verdict, chaos = run(plan)
        failed += not verdict.exact
        events, cells = events + verdict.events, cells + verdict.wrong["cells"]
        print(told(seed, verdict, chaos), "" if verdict.exact else "<- WRONG", flush=True)
    print(f"{asked.seeds} seeds, {events:,} events: {failed} seeds not exact, {cells} wrong cells", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
