"""`make bench`: the system over HTTP, beside a bare Flask route and hand-written routes over a native table.

Contenders take turns of a second or two, so that a busy machine is busy for all of them. Rates are shares of a rival's
rate; absolute numbers are for information.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

from benchmarks import native
from benchmarks.load import Outcome, drive, once, run, walk
from benchmarks.loading import declare_customs, load
from benchmarks.people import NAMES, People
from benchmarks.scenarios import Draw, Scenario
from benchmarks.server import version
from benchmarks.system import Rivals, System, cpu_seconds, running_rivals, running_system
from benchmarks.tables import show
from shared.eav.engine import Engine
from shared.kernel import json
from shared.kernel.db import Database

CONNECTIONS = 8
CHECKED = 5
MEMORY_TARGET = 150


@dataclass
class Turn:
    """A contender's runs of one scenario."""

    outcome: Outcome = field(default_factory=Outcome)
    rates: list[float] = field(default_factory=list)
    web: float = 0.0
    database: float = 0.0
    other: float = 0.0

    @property
    def rate(self) -> float:
        """The median of its turns."""
        return statistics.median(self.rates)

    @property
    def cpu(self) -> float:
        """CPU seconds of web processes, database and load generator per request."""
        return (self.web + self.database + self.outcome.cpu) / max(1, len(self.outcome.latencies))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; 1 when an answer was not what it should be."""
    options = _options(arguments)
    with running_system(options.home) as system:
        engine = Engine(Database(system.database_url, pool_size=4))
        _fill(engine, options.size)
        with running_rivals(system) as rivals:
            wrong = _measure(system, rivals, engine, options)
            _memory(system)
    return 1 if wrong else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.http", description=__doc__)
    parser.add_argument("--size", type=int, default=100_000, help="contacts (default 100,000)")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of a turn")
    parser.add_argument("--rounds", type=int, default=4, help="turns per contender and scenario")
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(10**6), help="of parameters")
    parser.add_argument("--only", default="", help="scenarios whose name contains this")
    parser.add_argument("--home", type=Path, help="keep the system's data here and use it again")
    parser.add_argument("--quick", action="store_true", help="a smoke run: 5,000 contacts, short turns")
    found = parser.parse_args(arguments)
    if found.quick:
        found.size, found.seconds, found.rounds = 5_000, 0.4, 2
    return found


def _fill(engine: Engine, size: int) -> None:
    with engine.database.connect() as connection:
        if connection.row("select to_regclass('native') is not null") == (True,):
            for statement in native.GONE:  # the last run's writes made them differ
                connection.run(statement)
        else:
            declare_customs(engine)
            rate = load(engine, People(size, seed=7))
            print(f"loaded by the engine, 500 per call: {rate:,.0f} entities/s", file=sys.stderr)
        native.make(connection, engine.catalog.type("contact"), NAMES, n20=False)


def _measure(system: System, rivals: Rivals, engine: Engine, options: argparse.Namespace) -> int:
    draw = Draw(system, engine, Random(options.seed))
    with engine.database.connect() as connection:
        print(
            f"PostgreSQL {version(connection)}, {len(draw.ids):,} contacts of {len(NAMES)} attributes, {CONNECTIONS} "
            f"connections, {os.cpu_count()} processors for all, parameters' seed {options.seed}"
        )
    wrong = 0
    kept: dict[str, list[tuple[Any, ...]]] = {"bare": [], "native": [], "": []}
    for scenario in draw.scenarios():
        if options.only not in scenario.name:
            continue
        wrong += _compare(scenario, system, rivals)
        turns = _turns(scenario, system, rivals, options)
        wrong += sum(one.outcome.bad for one in turns.values())
        kept[scenario.against].append(_row(scenario, turns))
        _tell(scenario, turns)
    heads = ("scenario", "{}/s", "system/s", "share", "by CPU", "target", "met", "p50 ms", "p95", "p99",
             "{} p50", "p95", "p99", "CPU ms: web", "database", "{}: web", "database")  # fmt: skip
    for against, title in (("bare", "Shares of a bare Flask route"), ("native", "Shares of a hand-written route")):
        if kept[against]:
            show(title, [head.format(against) for head in heads], kept[against])
    if kept[""]:
        heads = ("scenario", "system/s", "target", "met", "p50 ms", "p95", "p99",
                 "CPU ms per entity: web", "database", "bus and others")  # fmt: skip
        show("Batches", heads, kept[""])
    print(f"answers compared with the hand-written routes: {'all equal' if not wrong else f'{wrong} wrong'}")
    return wrong


def _compare(scenario: Scenario, system: System, rivals: Rivals) -> int:
    """How many of the first answers differ from the hand-written route's. Raises when one is empty."""
    if not scenario.compared or "native" not in scenario.requests:
        return 0
    wrong = 0
    pairs = zip(scenario.requests["system"](), scenario.requests["native"](), strict=False)
    for ours, theirs in islice(pairs, CHECKED):
        a, b = (json.loads(once(*one)) for one in ((system.address, ours), (rivals.address, theirs)))
        if a.get("results") == []:
            raise RuntimeError(f"{scenario.name} answered nothing")
        had = [one.pop("next_cursor", None) is not None for one in (a, b)]
        if a != b or (had[0] != had[1] and "count" not in scenario.name):
            wrong += 1
            print(f"{scenario.name}: {_difference(a, b)}", file=sys.stderr)
    return wrong


def _difference(a: Any, b: Any, path: str = "") -> str:
    if isinstance(a, dict) and isinstance(b, dict):
        names = [name for name in {**a, **b} if a.get(name) != b.get(name)]
        return _difference(a.get(names[0]), b.get(names[0]), f"{path}.{names[0]}") if names else path
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        places = [n for n in range(len(a)) if a[n] != b[n]]
        return _difference(a[places[0]], b[places[0]], f"{path}[{places[0]}]") if places else path
    return f"{path}: {str(a)[:200]} differs from {str(b)[:200]}"


def _turns(scenario: Scenario, system: System, rivals: Rivals, options: argparse.Namespace) -> dict[str, Turn]:
    turns = {name: Turn() for name in scenario.requests}
    for first in scenario.prime() if scenario.prime else ():
        once(system.address, first)
    for number in range(options.rounds + 1):
        for name, make in scenario.requests.items():
            contender = system if name == "system" else rivals
            seconds = options.seconds if number else min(0.5, options.seconds)
            processes = contender.web_processes(), system.postgres_processes(), system.other_processes()
            before = [cpu_seconds(one) for one in processes]
            if scenario.once and name != "bare":
                outcome = drive(contender.address, [iter(make())] * CONNECTIONS, seconds)
            else:
                send = walk if scenario.walked else run
                outcome = send(contender.address, list(make()), seconds, CONNECTIONS)
            if outcome.bad:
                print(f"{scenario.name}, {name}: {outcome.first_bad[:500]!r}", file=sys.stderr)
            if number:  # the first turn warms caches
                turn = turns[name]
                turn.outcome.add(outcome)
                turn.rates.append(outcome.rate)
                after = [cpu_seconds(one) for one in processes]
                turn.web += after[0] - before[0]
                turn.database += after[1] - before[1]
                turn.other += after[2] - before[2]
    return turns


def _row(scenario: Scenario, turns: dict[str, Turn]) -> tuple[Any, ...]:
    ours = turns["system"]
    latencies = _latencies(ours)
    if not scenario.against:
        rate = ours.rate * scenario.per_call
        met = "yes" if rate >= (scenario.target or 0) else "NO"
        entities = max(1, len(ours.outcome.latencies) * scenario.per_call)
        costs = (f"{one / entities * 1000:.2f}" for one in (ours.web, ours.database, ours.other))
        return (scenario.name, f"{rate:,.0f}", f"{scenario.target:,}", met, *latencies, *costs)
    rival = turns[scenario.against]
    share = statistics.median(a / b for a, b in zip(ours.rates, rival.rates, strict=True))
    met = "yes" if share >= (scenario.target or 0) else "NO"
    cost = (*_cost(ours), *_cost(rival))
    return (
        scenario.name,
        f"{rival.rate:,.0f}",
        f"{ours.rate:,.0f}",
        f"{share:.2f}",
        f"{rival.cpu / ours.cpu:.2f}",
        f"{scenario.target:.2f}",
        met,
        *latencies,
        *_latencies(rival),
        *cost,
    )


def _latencies(turn: Turn) -> tuple[str, ...]:
    return tuple(f"{turn.outcome.percentile(share):.1f}" for share in (0.5, 0.95, 0.99))


def _cost(turn: Turn) -> tuple[str, str]:
    count = max(1, len(turn.outcome.latencies))
    return f"{turn.web / count * 1000:.2f}", f"{turn.database / count * 1000:.2f}"


def _tell(scenario: Scenario, turns: dict[str, Turn]) -> None:
    rates = ", ".join(f"{name} {turn.rate:,.0f}/s" for name, turn in turns.items())
    sent = sum(len(turn.outcome.latencies) for turn in turns.values())
    load = sum(turn.outcome.cpu for turn in turns.values()) / sent
    print(f"  {scenario.name}: {rates} (load generator {load * 1e6:.0f} us per request)", file=sys.stderr, flush=True)


def _memory(system: System) -> None:
    rows = []
    for process in system.web_processes():
        found = process.memory_full_info()
        shared = getattr(found, "pss", 0) / 2**20
        rows.append((f"web process {len(rows) + 1}", f"{found.rss / 2**20:.0f}", f"{shared:.0f}", MEMORY_TARGET))
    show("Memory after the run, MB", ("process", "resident", "proportional share", "target"), rows)


if __name__ == "__main__":
    sys.exit(main())
