"""What is known of a ticket's clocks: values. `clocks` makes them from history.

Steps and clocks are made by the hundred thousand when promises are worked out anew: named tuples are made three times
as fast as frozen dataclasses.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from services.service_desk.domain.policies import Facts, PolicyVersion, Target

CLOSED = "closed"


class Said(StrEnum):
    """Who wrote something that the other side can read."""

    AGENT = "agent"
    CUSTOMER = "customer"


class Run(StrEnum):
    """What a clock does. UNPROMISED: nothing is promised at the moment. The last three are ends."""

    RUNNING = "running"
    PAUSED = "paused"
    UNPROMISED = "unpromised"
    MET = "met"
    BREACHED = "breached"
    DROPPED = "dropped"


ENDED = frozenset({Run.MET, Run.BREACHED, Run.DROPPED})


class Step(NamedTuple):
    """How a ticket stands from an instant on. state: its status category. said: who wrote then, if anybody."""

    at: int
    state: str
    priority: str | None
    facts: Facts
    said: Said | None = None


class Promise(NamedTuple):
    """What was promised: the version of a policy, its calendar, and how long, in business milliseconds."""

    policy: int
    version: int
    calendar: int
    length: int


class Clock(NamedTuple):
    """One target in one cycle, as of an instant at which something about it changed.

    elapsed, paused: business milliseconds up to `as_of`. due: when the promise ends if nothing changes; None while
    the clock does not run, or when that much time never comes. policy, version, calendar, length: the promise, the
    last one while nothing is promised. breached: when a promise ran out first; missed: which one that was, kept from
    when another one took over or the clock ended (until then it is the clock's own).
    """

    target: Target
    cycle: int
    round: int
    started: int
    as_of: int
    run: Run
    elapsed: int = 0
    paused: int = 0
    policy: int | None = None
    version: int | None = None
    calendar: int | None = None
    length: int | None = None
    due: int | None = None
    breached: int | None = None
    stopped: int | None = None
    missed: Promise | None = None

    @property
    def promise(self) -> Promise | None:
        """The promise it is under, the last one while nothing is promised; None when there never was one."""
        if self.policy is None or self.version is None or self.calendar is None or self.length is None:
            return None
        return Promise(self.policy, self.version, self.calendar, self.length)

    @property
    def judged(self) -> Promise | None:
        """The promise by which its verdict is: the one that was missed, else the one it is under."""
        return self.promise if self.missed is None else self.missed


@dataclass(frozen=True, slots=True)
class Progress:
    """All that later steps need to know: how the ticket stands, its clocks that have not ended, and those that have."""

    at: int
    state: str
    priority: str | None
    facts: Facts
    policy: PolicyVersion | None
    cycle: int
    round: int
    live: tuple[Clock, ...]
    ended: tuple[Clock, ...] = ()

    @property
    def clocks(self) -> tuple[Clock, ...]:
        """Every clock, in the order in which they began."""
        return tuple(sorted((*self.ended, *self.live), key=lambda one: (one.cycle, one.started, one.target, one.round)))
