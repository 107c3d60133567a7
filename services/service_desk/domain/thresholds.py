"""When something has to be done about a clock: before a promise ends, when it does, and after.

Instants follow from the clock as it runs; a clock that stands still reaches nothing. Whether something was done already
is for whoever keeps the ledger: a clock that runs on after a pause names again what it reached before.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from services.service_desk.domain.clocks import caught_up
from services.service_desk.domain.policies import Book, Threshold
from services.service_desk.domain.progress import Clock, Progress, Run
from services.service_desk.domain.timelines import OutOfReach, add


@dataclass(frozen=True, slots=True)
class Reached:
    """A threshold of a clock and the instant at which it is reached."""

    at: int
    clock: Clock
    threshold: Threshold


def coming(book: Book, clock: Clock) -> Iterator[Reached]:
    """Every threshold of a clock that runs. One passed already when it began to run so is reached at that instant."""
    if clock.run is not Run.RUNNING or None in (clock.policy, clock.version, clock.calendar, clock.length):
        return
    version = book.version(clock.policy or 0, clock.version or 0)
    timeline = book.timelines[clock.calendar or 0]
    for one in version.thresholds if version else ():
        if one.target is not clock.target:
            continue
        left = one.elapsed(clock.length or 0) - clock.elapsed
        try:
            yield Reached(add(timeline, clock.as_of, max(left, 0)), clock, one)
        except OutOfReach:
            continue


def reached(book: Book, progress: Progress, until: int) -> tuple[Reached, ...]:
    """What live clocks have reached by an instant, the earliest first."""
    found = (one for clock in progress.live for one in coming(book, clock) if one.at <= until)
    return tuple(sorted(found, key=lambda one: one.at))


def passed(book: Book, progress: Progress, until: int) -> tuple[Progress, tuple[Reached, ...]]:
    """What time alone has brought by an instant: versions that have taken over, and what was reached under each."""
    found: list[Reached] = []
    place = bisect_right(book.boundaries, progress.at)
    for since in book.boundaries[place : bisect_right(book.boundaries, until)]:
        found += reached(book, progress, since - 1)
        progress = caught_up(book, progress, since)
    found += reached(book, progress, until)
    return progress, tuple(found)


def next_look(book: Book, progress: Progress, after: int) -> int | None:
    """When a ticket has to be looked at again: at its next threshold, just after the end of a promise, or when another
    version of a policy takes over. None for never. `after`: what lies up to then has been dealt with.
    """
    if not progress.live:
        return None
    instants = [one.at for clock in progress.live for one in coming(book, clock) if one.at > after]
    instants += [one.due + 1 for one in progress.live if one.due is not None and one.due + 1 > after]
    instants += [since for since in book.boundaries if since > after][:1]
    return min(instants, default=None)
