"""Everything is killed, stopped, flushed and restarted; at the end every number is right."""

from __future__ import annotations

from tests.faults.events.metrics import EARLY, LATE
from tests.faults.events.soak import Plan, run

SEED = 1
CONVERGED = 20.0
"""Seconds: a ceiling for a machine that does other things as well. `make test-faults` tells the figure."""


def test_a_run_with_every_kind_of_fault_is_exact() -> None:
    verdict, chaos = run(Plan(SEED))
    assert verdict.exact, verdict
    assert verdict.events > 400, "too little was written for anything to go wrong"
    assert verdict.settled is not None
    assert verdict.settled < CONVERGED
    assert verdict.dead_letters == 0
    assert verdict.metrics >= len(EARLY) + len(LATE), "those made while it burned are among them"
    assert set(chaos.done) == {"kill", "stop", "flush", "redis", "crash", "restart", "open"}
    assert verdict.naive[0], "counters in Redis are right as well: the run has no teeth"
