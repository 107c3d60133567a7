"""How many tickets' clocks are worked out per second from histories in memory, in two processes.

`python -m benchmarks.sla`. Histories are realistic: about nine steps each over some days, three policies with
conditions, pauses, office hours in two time zones with holidays. Each process makes its share first; only folding is
timed, years of calendars included.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from typing import Any

from services.service_desk.domain.calendars import Calendar, week_of, yearly
from services.service_desk.domain.clocks import follow
from services.service_desk.domain.policies import Book, Goal, OnChange, PolicyVersion, Target
from services.service_desk.domain.progress import Said, Step
from services.service_desk.domain.timelines import CalendarTimeline

_HOUR = 3600_000
_YEAR = 365 * 24 * _HOUR
_START = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp()) * 1000
_WEEK = week_of({day: [(9 * 60, 12 * 60), (13 * 60, 18 * 60)] for day in range(5)})
_PRIORITIES = ("LOW", "MEDIUM", "HIGH", "URGENT")
_AT_WORK = (("waiting_on_us", Said.CUSTOMER), ("waiting_on_customer", Said.AGENT), ("open", None))


def fits(tree: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    """A single condition, as far as needed here."""
    return facts.get(tree["attribute"]) == tree["value"]


def promises() -> Book:
    """Three policies over two calendars."""
    holidays = yearly([(1, 1), (5, 1), (12, 25), (12, 26)], range(2024, 2030))
    waiting = frozenset({"waiting_on_customer"})
    goals = {
        Target.FIRST_RESPONSE: Goal({"URGENT": _HOUR, "HIGH": 2 * _HOUR}, 8 * _HOUR),
        Target.NEXT_RESPONSE: Goal({"URGENT": _HOUR}, 8 * _HOUR),
        Target.RESOLUTION: Goal({"URGENT": 4 * _HOUR, "HIGH": 16 * _HOUR}, 40 * _HOUR, waiting),
    }
    versions = [PolicyVersion(1, 1, 0, 1, goals)]
    for number, kind in ((2, "BILLING_ISSUE"), (3, "PRODUCT_ISSUE")):
        condition = {"attribute": "category", "operator": "EQ", "value": kind}
        versions.append(PolicyVersion(number, 1, 0, 2, goals, condition, OnChange.PRORATE))
    versions.append(PolicyVersion(1, 2, _START + _YEAR // 2, 2, goals))
    zones = {1: "Europe/Berlin", 2: "America/New_York"}
    return Book(versions, {key: CalendarTimeline(Calendar(zone, _WEEK, holidays)) for key, zone in zones.items()}, fits)


def history(dice: random.Random) -> tuple[Step, ...]:
    """One ticket from its opening to its end, or as far as it has come."""
    at = _START + dice.randrange(_YEAR)
    facts = {"category": dice.choice(("BILLING_ISSUE", "PRODUCT_ISSUE", "GENERAL_INQUIRY"))}
    priority = dice.choice(_PRIORITIES)
    steps = [Step(at, "new", priority, facts, Said.CUSTOMER)]
    for _ in range(dice.randrange(3, 12)):
        at += int(dice.expovariate(1 / (5 * _HOUR)))
        state, said = dice.choice(_AT_WORK)
        if dice.random() < 0.1:
            priority = dice.choice(_PRIORITIES)
        steps.append(Step(at, state, priority, facts, said))
    if dice.random() < 0.9:
        steps.append(Step(at + dice.randrange(1, 20 * _HOUR), "closed", priority, facts))
    return tuple(steps)


def share(seed: int, tickets: int) -> tuple[int, int, float, float]:
    """(clocks, breaches, seconds passed, seconds of the processor) of one process's tickets."""
    dice = random.Random(seed)
    histories = [history(dice) for _ in range(tickets)]
    book = promises()
    clocks = breaches = 0
    begun, used = time.perf_counter(), time.process_time()
    for steps in histories:
        for clock in follow(book, steps).clocks:
            clocks += 1
            breaches += clock.breached is not None
    return clocks, breaches, time.perf_counter() - begun, time.process_time() - used


def main(processes: int = 2, tickets: int = 100_000) -> None:
    """Print a table."""
    each = tickets // processes
    with ProcessPoolExecutor(processes) as pool:
        shares = list(pool.map(share, range(processes), [each] * processes))
    # Processes make their tickets for different lengths of time: each counts by its own clock. On a busy machine they
    # wait for a processor; what they would do with one each is told beside.
    rate, alone = (sum(each / one[place] for one in shares) for place in (2, 3))
    clocks, breaches = sum(one[0] for one in shares), sum(one[1] for one in shares)
    print(f"{tickets:,} tickets, {processes} processes: {rate:,.0f} tickets/s (wanted: 20,000)")
    print(f"{alone:,.0f} tickets/s by processor time")
    print(f"{clocks:,} clocks, {breaches:,} of them breached; python {sys.version.split()[0]}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
