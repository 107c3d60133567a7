"""`make bench-events`: change events from the writer to the report, beside what others do in their place.

Three parts: applying a log that is there (one process, CPU told apart), the running system (lags, reports over HTTP,
backfill), and a run of faults that says which numbers are exact afterwards. On a busy machine read CPU and shares.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import events_applied
from benchmarks.events_live import Options, measure
from benchmarks.server import own_cluster
from benchmarks.system import running_system
from tests.faults.events.soak import Plan, run, told

PAGE = 1000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and print."""
    options = _options(arguments)
    print(f"{os.cpu_count()} processors for all of it; load {os.getloadavg()[0]:.1f} at the beginning")
    if options.part in ("all", "applied"):
        with own_cluster() as admin_url:
            faults = _faults(options.faults, options.seed)
            events_applied.run(admin_url, options.entities, options.events, PAGE, faults)
    if options.part in ("all", "live"):
        sizes = [options.size, 10 * options.size] if options.full else [options.size]
        with running_system(options.home) as system:
            measure(system, Options(options.seconds, sizes, options.turn, options.rounds))
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.events", description=__doc__)
    parser.add_argument("--entities", type=int, default=20_000, help="contacts of the log that is there")
    parser.add_argument("--events", type=int, default=50_000, help="changes of them on it")
    parser.add_argument("--size", type=int, default=100_000, help="contacts in the running system")
    parser.add_argument("--full", action="store_true", help="and ten times as many (some twenty minutes more)")
    parser.add_argument("--seconds", type=float, default=20.0, help="of writing for each lag")
    parser.add_argument("--turn", type=float, default=2.0, help="seconds of a turn of reports")
    parser.add_argument("--rounds", type=int, default=4, help="turns")
    parser.add_argument("--faults", type=float, default=30.0, help="seconds of faults; 0: none")
    parser.add_argument("--seed", type=int, default=1, help="of the faults")
    parser.add_argument("--part", choices=("all", "applied", "live"), default="all")
    parser.add_argument("--home", type=Path, help="keep the system's data here")
    parser.add_argument("--small", action="store_true", help="a smoke run of some minutes")
    found = parser.parse_args(arguments)
    if found.small:
        found.entities, found.events, found.size = 3_000, 6_000, 5_000
        found.seconds, found.turn, found.rounds, found.faults = 8.0, 0.5, 2, min(found.faults, 10.0)
    return found


def _faults(seconds: float, seed: int) -> Callable[[], tuple[str, str]]:
    """What a run of faults came to, for reporting and for counters in Redis."""

    def burnt() -> tuple[str, str]:
        if not seconds:
            return "not asked", "not asked"
        print(f"  {seconds:g} s of faults", file=sys.stderr, flush=True)
        verdict, chaos = run(Plan(seed, seconds))
        print(told(seed, verdict, chaos), file=sys.stderr)
        wrong, counters = verdict.naive
        return f"{sum(verdict.wrong.values())} wrong of {verdict.cells:,} cells", f"{wrong} of {counters} wrong"

    return burnt


if __name__ == "__main__":
    raise SystemExit(main())
