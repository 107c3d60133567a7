"""`make bench-eav`: server CPU of the engine's own statements against a native table and the naive schema."""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

from benchmarks import eav_writes, naive, native
from benchmarks.eav_reads import CASES, Case, Question, answers, naive_answers, native_answers
from benchmarks.loading import declare_customs, load
from benchmarks.people import NAMES, People
from benchmarks.rigs import Rig, spent
from benchmarks.server import Meter, own_server, version
from benchmarks.tables import show
from services.contacts.schema.contact import CONTACT
from shared.eav.engine import Engine
from shared.eav.install import install
from shared.eav.slots import provision
from shared.kernel.db import Connection, Database

SLOW_MS = 300.0
REPEATS, REPEATS_WHEN_QUICK = 3, 9
QUICK_MS = 2.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; 1 when the designs disagreed on an answer."""
    options = _options(arguments)
    with own_server(options.home) as url:
        database = Database(url, pool_size=1)
        with Database(url).connect() as a, Database(url).connect() as b:
            rig = open_rig(database, a, b, options.size)
            (count,) = a.rows("select count(*) from native")
            print(f"PostgreSQL {version(a)}, {count[0]:,} contacts, 20 attributes, parameters' seed {options.seed}")
            wrong = _reads(rig, options)
            if not options.reads_only:
                wrong += eav_writes.run(rig, options.rounds, options.seed)
    return 1 if wrong else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.eav", description=__doc__)
    parser.add_argument("--size", type=int, default=200_000, help="contacts (default 200,000)")
    parser.add_argument("--sets", type=int, default=15, help="parameter sets per query class")
    parser.add_argument("--rounds", type=int, default=30, help="rounds per write class")
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(10**6), help="of parameters")
    parser.add_argument("--home", type=Path, help="keep the server's data here and use it again")
    parser.add_argument("--only", default="", help="query classes whose name contains this")
    parser.add_argument("--reads-only", action="store_true")
    return parser.parse_args(arguments)


def open_rig(database: Database, a: Connection, b: Connection, size: int) -> Rig:
    """The three designs over a server, filled unless they are there already."""
    fresh = a.row("select to_regclass('native')") == (None,)
    if fresh:
        install(database, [CONTACT])
        provision(database)
    engine = Engine(database)
    if fresh:
        declare_customs(engine)
        rate = load(engine, People(size, seed=7))
        print(f"loaded by the engine, 500 per call: {rate:,.0f} entities/s", file=sys.stderr)
    with database.connect() as connection:
        meter = Meter(connection)
    for statement in (*native.GONE, *naive.GONE):  # an earlier run's writes made them differ
        a.run(statement)
    native.make(a, engine.catalog.type("contact"), NAMES)
    naive.make(a, NAMES)
    time.sleep(1)  # what was committed asynchronously a moment ago cannot be marked as visible to all yet
    number = engine.catalog.type("contact").table
    filled = (f"eav_entity_{number}", f"eav_search_{number}", "eav_unique", "native", "native20", "naive_value")
    for table in filled:
        a.run(f"vacuum analyze {table}")
    return Rig(engine, a, b, meter, Meter(a), Meter(b))


def _reads(rig: Rig, options: argparse.Namespace) -> int:
    rng = Random(options.seed)
    rows, wrong = [], 0
    for case in CASES:
        if options.only not in case.name:
            continue
        found = _measure(rig, case, rng, options.sets)
        rows.append(found[:-1])
        wrong += found[-1]
        print(f"  {case.name}", file=sys.stderr, flush=True)
    show("Reads, server CPU", ("class", "native ms", "engine / native", "target", "met", "naive / native"), rows)
    print(f"answers compared for equality: {wrong} differ" if wrong else "answers compared for equality: all equal")
    return wrong


def _measure(rig: Rig, case: Case, rng: Random, sets: int) -> tuple[str, str, str, str, str, str, int]:
    ratios, naives, times, wrong = [], [], [], 0
    for number in range(sets + 1):
        question = case.draw(rig, rng)
        slow = number > 3 and naives and statistics.median(naives) * statistics.median(times) > SLOW_MS
        native_ms, engine_ms, naive_ms, differ = _ask(rig, case, question, ask_naive=not slow)
        wrong += differ
        if number:  # the first set warms caches and plans
            times.append(native_ms)
            ratios.append(engine_ms / native_ms)
            if naive_ms is not None:
                naives.append(naive_ms / native_ms)
    ratio = statistics.median(ratios)
    return (
        case.name,
        f"{statistics.median(times):.3f}",
        f"{ratio:.2f}",
        f"{case.target}",
        "yes" if case.target is None or ratio <= case.target else "NO",
        f"{statistics.median(naives):.1f}" if naives else "-",
        wrong,
    )


def _ask(rig: Rig, case: Case, question: Question, *, ask_naive: bool) -> tuple[float, float, float | None, int]:
    """The least CPU of some repetitions for native, engine, naive (None: not asked), and how many answers differ."""

    def native_rows() -> list[tuple[Any, ...]]:
        return rig.native.rows(question.native, question.params, prepare=question.prepare)

    def naive_rows() -> list[tuple[Any, ...]]:
        return rig.naive.rows(question.naive, question.params)

    native_ms, engine_ms, naive_ms, wrong = [], [], [], 0
    for number in range(REPEATS_WHEN_QUICK):
        if number >= REPEATS and native_ms[0] > QUICK_MS:
            break
        cost, rows = spent(rig.native_meter, native_rows)
        native_ms.append(cost)
        cost, found = spent(rig.engine_meter, question.engine)
        engine_ms.append(cost)
        if ask_naive and question.naive and (not naive_ms or (number < REPEATS and naive_ms[0] < SLOW_MS)):
            cost, old = spent(rig.naive_meter, naive_rows)
            naive_ms.append(cost)
    expected = native_answers(question, rows)
    if not expected:
        raise RuntimeError(f"{case.name} answered nothing")
    wrong += answers(rig, question, found) != expected
    if naive_ms:
        wrong += naive_answers(question, old) != expected
    return min(native_ms), min(engine_ms), min(naive_ms) if naive_ms else None, wrong


if __name__ == "__main__":
    sys.exit(main())
