"""What clocks came to: one outcome per clock that has ended, by cycle. Reports of days gone by are made of them. Pure.

An outcome follows from what is known of a ticket when its clock has ended; what comes later adds outcomes of later
cycles and says of a resolution when the ticket was opened again. Only a history that is told anew changes one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from services.service_desk.domain.policies import Target
from services.service_desk.domain.progress import ENDED, Clock, Progress, Promise, Run

Which = tuple[str, int, int]
"""(target, cycle, round)"""


class Outcome(NamedTuple):
    """One clock that has ended. Instants and spans in milliseconds.

    business: what counted; None without a promise. calendar: from beginning to end. Neither where nobody answered.
    reopened: when the ticket was opened again that this resolution closed. promise: the one by which the verdict is,
    the one that was missed where one was; breached: when it was.
    """

    target: Target
    cycle: int
    round: int
    verdict: Run
    started: int
    ended: int
    reopened: int | None = None
    business: int | None = None
    calendar: int | None = None
    paused: int = 0
    promise: Promise | None = None
    breached: int | None = None

    @property
    def which(self) -> Which:
        """Which of the ticket's clocks."""
        return self.target.value, self.cycle, self.round


def outcomes(progress: Progress, opened: int) -> tuple[Outcome, ...]:
    """All that has ended, in order. opened: when the ticket was opened; one that was closed then has closed once, and
    nothing was measured."""
    begun = {one.cycle: one.started for one in progress.clocks if one.target is Target.RESOLUTION}
    closed = {one.cycle: one.stopped for one in progress.ended if one.target is Target.RESOLUTION}
    found = [_outcome(one, closed, begun) for one in progress.clocks if one.run in ENDED]
    if 1 not in begun:
        found.insert(0, Outcome(Target.RESOLUTION, 1, 0, Run.DROPPED, opened, opened, begun.get(2)))
    return tuple(found)


def mark(progress: Progress) -> Iterator[tuple[object, ...]]:
    """By what outcomes differ: nothing for a ticket that has none."""
    for one in progress.ended:
        yield (
            one.target, one.cycle, one.round, one.run, one.started, one.elapsed, one.paused, one.stopped, one.breached,
            *(one.judged or ()),
        )  # fmt: skip
    begun = [one for one in progress.clocks if one.target is Target.RESOLUTION]
    if not begun or begun[0].cycle > 1:
        yield ("closed when it was opened",)
    if len(begun) > 1 or (begun and begun[0].cycle > 1):
        yield tuple(one.started for one in begun)


def _outcome(one: Clock, closed: Mapping[int, int | None], begun: Mapping[int, int]) -> Outcome:
    ended = one.as_of if one.stopped is None else one.stopped
    solved = one.target is Target.RESOLUTION
    # What the closing ended was answered by nobody.
    answered = solved or ended != closed.get(one.cycle) or one.run is Run.MET
    counted = answered and one.length is not None and one.run is not Run.DROPPED
    return Outcome(
        one.target, one.cycle, one.round, one.run, one.started, ended,
        begun.get(one.cycle + 1) if solved else None,
        one.elapsed if counted else None,
        ended - one.started if answered else None,
        one.paused, one.judged, one.breached,
    )  # fmt: skip
