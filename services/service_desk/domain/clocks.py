"""Clocks of a ticket: what was promised, how much of it has passed, and whether it was kept. A pure fold of history.

A ticket's history is a sequence of steps: each says how the ticket stands from an instant on, and whether somebody
wrote. `follow` folds steps into `Progress`, which says everything about what came before: folding on from it comes to
the same as folding from the start. Looking at it later (`thresholds`, `reading`) changes nothing.

First response runs from the start of a cycle until an agent answers. Next response runs whenever the customer has
written after that, until an agent answers; each such wait is a round of its own. Resolution runs until the ticket is
closed. A ticket that leaves the closed state begins a new cycle. Closing ends the wait for an answer without a verdict.

A breach is the instant at which a promise in force ran out, and that promise. It is never taken back, whatever is
promised afterwards.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.service_desk.domain.policies import NO_GOAL, Book, OnChange, PolicyVersion, Target
from services.service_desk.domain.progress import CLOSED, ENDED, Clock, Progress, Promise, Run, Said, Step
from services.service_desk.domain.timelines import OutOfReach, Timeline, add

_COUNTING = frozenset({Run.RUNNING, Run.PAUSED})


@dataclass(frozen=True, slots=True)
class Reading:
    """A clock as it shows at an instant. remaining: negative by how much a promise is overdue; None without one.

    run: BREACHED also for a clock that goes on although its promise has run out.
    """

    run: Run
    elapsed: int
    paused: int
    remaining: int | None
    due: int | None
    breached: int | None


def follow(book: Book, steps: Iterable[Step], progress: Progress | None = None) -> Progress:
    """Fold steps, in order of time, onto what is known. Raises ValueError for steps out of order, and for none."""
    fold: _Fold | None = None if progress is None else _Fold(book, progress)
    for step in steps:
        if fold is None:
            fold = _Fold.begun(book, step)
        else:
            fold.take(step)
    if fold is None:
        raise ValueError("a ticket without any history has no clocks")
    return fold.progress()


def caught_up(book: Book, progress: Progress, until: int) -> Progress:
    """With every version of a policy that has taken over by an instant; the same progress when none has."""
    if bisect_right(book.boundaries, progress.at) == bisect_right(book.boundaries, until):
        return progress
    fold = _Fold(book, progress)
    fold.pass_boundaries(until)
    return fold.progress()


def reading(timelines: Mapping[int, Timeline], clock: Clock, at: int) -> Reading:
    """What a clock shows at an instant, no earlier than it was last changed."""
    elapsed, paused, breached = _counted(timelines, clock, at)
    promised = clock.length is not None and clock.run is not Run.UNPROMISED
    remaining = clock.length - elapsed if promised and clock.length is not None else None
    run = Run.BREACHED if breached is not None and clock.run not in ENDED else clock.run
    return Reading(run, elapsed, paused, remaining, clock.due, breached)


class _Fold:
    """Progress while it is being made."""

    __slots__ = ("at", "book", "cycle", "ended", "facts", "live", "policy", "priority", "round", "state")

    def __init__(self, book: Book, known: Progress) -> None:
        self.book = book
        self.at, self.state, self.priority, self.facts = known.at, known.state, known.priority, known.facts
        self.policy, self.cycle, self.round = known.policy, known.cycle, known.round
        self.live, self.ended = list(known.live), list(known.ended)

    @classmethod
    def begun(cls, book: Book, step: Step) -> _Fold:
        """With a ticket's first step."""
        nothing = Progress(step.at, step.state, step.priority, step.facts, book.chosen(step.facts, step.at), 1, 0, ())
        fold = cls(book, nothing)
        if step.state != CLOSED:
            fold.begin_cycle()
            if step.said is Said.AGENT:
                fold.answered()
        return fold

    def progress(self) -> Progress:
        """What it has come to."""
        return Progress(
            self.at, self.state, self.priority, self.facts, self.policy, self.cycle, self.round,
            tuple(self.live), tuple(self.ended),
        )  # fmt: skip

    def pass_boundaries(self, until: int) -> None:
        """Let versions take over whose time has come."""
        boundaries = self.book.boundaries
        for since in boundaries[bisect_right(boundaries, self.at) : bisect_right(boundaries, until)]:
            policy = self.book.chosen(self.facts, since)
            if policy is not self.policy:
                self.at, self.policy = since, policy
                self.live = [self.promised(one) for one in self.live]

    def take(self, step: Step) -> None:
        """One step."""
        if step.at < self.at:
            raise ValueError("steps follow one another in time")
        self.pass_boundaries(step.at)
        before = (self.policy, self.state, self.priority)
        self.at, self.state, self.priority, self.facts = step.at, step.state, step.priority, step.facts
        self.policy = self.book.chosen(step.facts, step.at)
        closed, was_closed = step.state == CLOSED, before[1] == CLOSED
        if was_closed and not closed:
            self.cycle += 1
            self.begin_cycle()
        if step.said is Said.AGENT:
            self.answered()
        elif step.said is Said.CUSTOMER and not closed:
            self.asked()
        if closed and not was_closed:
            self.end([one for one in self.live if one.target is Target.RESOLUTION], dropped=False)
            self.end(self.live, dropped=True)
        elif (self.policy, self.state, self.priority) != before:
            self.live = [self.promised(one) for one in self.live]

    def begin_cycle(self) -> None:
        """The clocks with which a cycle begins."""
        for target in (Target.FIRST_RESPONSE, Target.RESOLUTION):
            self.live.append(self.promised(Clock(target, self.cycle, 0, self.at, self.at, Run.UNPROMISED)))

    def asked(self) -> None:
        """The customer waits: a new round, unless one is waiting already."""
        if all(one.target is Target.RESOLUTION for one in self.live):
            self.round += 1
            fresh = Clock(Target.NEXT_RESPONSE, self.cycle, self.round, self.at, self.at, Run.UNPROMISED)
            self.live.append(self.promised(fresh))

    def answered(self) -> None:
        """Nobody waits for an answer any more."""
        self.end([one for one in self.live if one.target is not Target.RESOLUTION], dropped=False)

    def end(self, ending: list[Clock], *, dropped: bool) -> None:
        """Stop clocks; those dropped, and those to which nothing was promised, without a verdict unless breached."""
        for one in ending:
            self.ended.append(self.stopped(one, dropped=dropped))
        self.live = [one for one in self.live if all(one is not other for other in ending)]

    def stopped(self, one: Clock, *, dropped: bool) -> Clock:
        """A clock that has ended."""
        elapsed, paused, breached = _counted(self.book.timelines, one, self.at)
        run = Run.DROPPED if dropped or one.run is Run.UNPROMISED else Run.MET
        run = run if breached is None else Run.BREACHED
        return Clock(
            one.target, one.cycle, one.round, one.started, self.at, run, elapsed, paused, one.policy, one.version,
            one.calendar, one.length, one.due, breached, self.at, _missed(one, breached),
        )  # fmt: skip

    def promised(self, clock: Clock) -> Clock:
        """A clock under what is promised now; the same one when that has not changed."""
        policy = self.policy
        goal = NO_GOAL if policy is None else policy.goal(clock.target)
        length = goal.length(self.priority)
        if policy is None or length is None:
            return clock if clock.run is Run.UNPROMISED else self.changed(clock, Run.UNPROMISED)
        run = Run.PAUSED if self.state in goal.pauses else Run.RUNNING
        same = clock.length == length and clock.version == policy.version and clock.policy == policy.policy
        if same and clock.run is run:
            return clock
        return self.changed(clock, run, None if same else policy, length)

    def changed(self, clock: Clock, run: Run, policy: PolicyVersion | None = None, length: int | None = None) -> Clock:
        """A clock that does something else from now on, under another promise where one is given."""
        elapsed, paused, breached = _counted(self.book.timelines, clock, self.at)
        number, version, calendar = clock.policy, clock.version, clock.calendar
        if policy is None:
            length = clock.length
        else:
            number, version, calendar = policy.policy, policy.version, policy.calendar
            if clock.length is not None and length is not None:
                elapsed = _carried(policy.on_change, elapsed, clock.length, length)
        due = None
        if run is Run.RUNNING and calendar is not None and length is not None:
            due = _due(self.book.timelines[calendar], self.at, length - elapsed, breached)
        return Clock(
            clock.target, clock.cycle, clock.round, clock.started, self.at, run, elapsed, paused, number, version,
            calendar, length, due, breached, None, _missed(clock, breached),
        )  # fmt: skip


def _counted(timelines: Mapping[int, Timeline], clock: Clock, at: int) -> tuple[int, int, int | None]:
    """What has passed by an instant, running and paused, and when a promise ran out."""
    if clock.calendar is None or clock.run not in _COUNTING:
        return clock.elapsed, clock.paused, clock.breached
    timeline = timelines[clock.calendar]
    gone = timeline.position(at) - timeline.position(clock.as_of)
    if clock.run is Run.PAUSED:
        return clock.elapsed, clock.paused + gone, clock.breached
    over = clock.breached is None and clock.due is not None and clock.due < at
    return clock.elapsed + gone, clock.paused, clock.due if over else clock.breached


def _missed(clock: Clock, breached: int | None) -> Promise | None:
    """The promise that was missed, as of the same instant as `breached`."""
    return clock.promise if breached is not None and clock.breached is None else clock.missed


def _carried(how: OnChange, elapsed: int, old: int, new: int) -> int:
    if how is OnChange.KEEP:
        return elapsed
    return elapsed * new // old if how is OnChange.PRORATE and old else 0


def _due(timeline: Timeline, at: int, remaining: int, breached: int | None) -> int | None:
    """When a promise ends. One that has been used up ends now, or ended when it was breached."""
    if remaining <= 0:
        return at if breached is None else breached
    try:
        return add(timeline, at, remaining)
    except OutOfReach:
        return None
