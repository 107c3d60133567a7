"""A minute in the terminal: writers, random faults, and what the numbers come to beside counters in Redis."""

from __future__ import annotations

import argparse
import sys
from collections import deque
from contextlib import ExitStack

import psycopg
from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from shared.kernel.clock import monotonic
from tests.faults.events.chaos import Chaos
from tests.faults.events.soak import Plan, Stage, burn, stage
from tests.faults.events.truth import Verdict

SHOWN = 12
LOOK_SECONDS = 0.5
_WRITTEN = "select total from tick order by id desc limit 1"
_APPLIED = "select taken from watermark where subscription = 'reporting.contacts'"


class Screen:
    """What is seen while it burns."""

    def __init__(self, made: Stage, live: Live, seconds: float) -> None:
        self._made = made
        self._live = live
        self._seconds = seconds
        self._faults: deque[str] = deque(maxlen=SHOWN)
        self._counts: dict[str, int] = {}
        self._looked = 0.0

    def __call__(self, gone: float, told: str) -> None:
        """The seconds gone by, and a fault when there was one."""
        if told:
            self._faults.append(f"{gone:5.1f} s  {told}")
        if told or monotonic() - self._looked > LOOK_SECONDS:
            self._looked = monotonic()
            self._counts |= {
                "written": self._count("contacts", _WRITTEN),
                "applied": self._count("reporting", _APPLIED),
            }
            self._live.update(self._drawn(gone), refresh=True)

    def _count(self, database: str, sql: str) -> int:
        try:
            with psycopg.connect(self._made.servers.database(database), connect_timeout=2) as connection:
                row = connection.execute(sql).fetchone()  # type: ignore[call-overload]
        except psycopg.OperationalError:
            return self._counts.get("written" if database == "contacts" else "applied", 0)
        return int(row[0]) if row else 0

    def _drawn(self, gone: float) -> Group:
        written, applied = self._counts["written"], self._counts["applied"]
        line = Text(f"{min(gone, self._seconds):4.0f} of {self._seconds:.0f} s    ")
        line.append(f"written {written}   applied {applied}   on the way {max(0, written - applied)}", style="bold")
        crew = self._made.crew
        table = Table("process", "life", "", box=None, padding=(0, 2, 0, 0))
        for name, process in sorted(crew.processes.items()):
            state = "stopped" if name in crew.stopped else "dead" if process.exitcode is not None else "runs"
            style = {"stopped": "yellow", "dead": "red", "runs": "green"}[state]
            table.add_row(name, str(crew.lives[name]), Text(state, style=style))
        return Group(line, table, Panel("\n".join(self._faults) or " ", title="faults", height=SHOWN + 2))


def closing(verdict: Verdict, chaos: Chaos) -> Group:
    """What it came to."""
    wrong = sum(verdict.wrong.values())
    table = Table("", "wrong", "of", box=None, padding=(0, 2, 0, 0))
    cells = verdict.wrong["cells"]
    table.add_row(
        "cells of reporting", Text(str(cells), style="bold red" if cells else "bold green"), str(verdict.cells)
    )
    naive, counters = verdict.naive
    table.add_row("counters in Redis", Text(str(naive), style="bold red" if naive else "green"), str(counters))
    settled = "never settled" if verdict.settled is None else f"settled {verdict.settled:.1f} s after the last fault"
    faults = ", ".join(f"{count} {kind}" for kind, count in sorted(chaos.done.items()))
    return Group(
        table,
        f"\n{verdict.events} of {verdict.produced} events applied, {settled}; faults: {faults}",
        Text(f"{wrong} wrong facts, versions, transitions, links, checksums or cells", "red" if wrong else "green"),
        Text(f"{cells} wrong cells", style="bold red" if cells else "bold green"),
    )


def main(arguments: list[str]) -> int:
    """Show it; 1 when something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.events.show")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=60.0)
    asked = parser.parse_args(arguments)
    console, plan = Console(), Plan(asked.seed, asked.seconds, pause=0.005)
    with ExitStack() as stack:
        with console.status("starting PostgreSQL, Redis and eight processes"):
            made = stack.enter_context(stage(plan))
        verdict, chaos = _shown(console, made, plan)
        console.print(closing(verdict, chaos))
    return 0 if verdict.exact else 1


def _shown(console: Console, made: Stage, plan: Plan) -> tuple[Verdict, Chaos]:
    chaos = Chaos(made.servers, made.crew, made.other)
    writers = [f"writer{number + 1}" for number in range(plan.writers)]
    for name in writers:
        made.crew.start(name)
    with Live(console=console, auto_refresh=False) as live:
        burn(made, chaos, plan, Screen(made, live, plan.seconds))
    for name in writers:
        made.crew.let_go(name)
    with console.status("waiting until everything written is applied, then counting it all anew"):
        return made.judge(), chaos


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
