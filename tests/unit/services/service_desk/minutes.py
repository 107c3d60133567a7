"""The slow reference: business time and clocks counted minute by minute, written from the description alone.

It shares values with the product, never calculations. Everything happens on whole minutes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from services.service_desk.domain.calendars import Calendar
from services.service_desk.domain.policies import PolicyVersion
from services.service_desk.domain.progress import Step

MINUTE = 60_000
Calendars = Mapping[int, Sequence[tuple[int, Calendar]]]


def fits(tree: Any, facts: Mapping[str, Any]) -> bool:
    """The few conditions that tests need."""
    if "and" in tree:
        return all(fits(one, facts) for one in tree["and"])
    if "or" in tree:
        return any(fits(one, facts) for one in tree["or"])
    if "not" in tree:
        return not fits(tree["not"], facts)
    return facts.get(tree["attribute"]) == tree["value"]


def count(tree: Any) -> int:
    """How many conditions must hold."""
    if not tree:
        return 0
    if "and" in tree:
        return sum(map(count, tree["and"]))
    if "or" in tree:
        return min(map(count, tree["or"]))
    return count(tree["not"]) if "not" in tree else 1


def open_minute(calendar: Calendar, at: int) -> bool:
    """Whether somebody is there in the minute that begins at an instant."""
    wall = datetime.fromtimestamp(at // 1000, UTC).astimezone(ZoneInfo(calendar.time_zone))
    minute, day = wall.hour * 60 + wall.minute, wall.date()
    hours = calendar.week[day.weekday()]
    if day in calendar.holidays:
        hours = ()
    if day in calendar.exceptions:
        hours = calendar.exceptions[day]
    return any(start <= minute < end for start, end in hours)


def open_then(versions: Sequence[tuple[int, Calendar]], at: int) -> bool:
    """The same by the version that is valid then."""
    valid = versions[0][1]
    for since, one in versions[1:]:
        if since <= at:
            valid = one
    return open_minute(valid, at)


@dataclass
class Counted:
    """A clock that is counted."""

    target: str
    cycle: int
    round: int
    started: int
    run: str = "unpromised"
    elapsed: int = 0
    paused: int = 0
    promise: PolicyVersion | None = None
    length: int | None = None
    used_up: int | None = None
    breached: int | None = None
    missed: tuple[int, int, int] | None = None
    stopped: int | None = None

    def miss(self, at: int) -> None:
        """What was promised has run out before an instant, if it has."""
        if self.run == "running" and self.used_up is not None and self.used_up < at and self.breached is None:
            assert self.promise is not None
            assert self.length is not None
            self.breached, self.missed = self.used_up, (self.promise.policy, self.promise.version, self.length)


class Desk:
    """One ticket, minute after minute."""

    def __init__(self, policies: Sequence[PolicyVersion], calendars: Calendars) -> None:
        self.policies, self.calendars = policies, calendars
        self.step: Step | None = None
        self.policy: PolicyVersion | None = None
        self.clocks: list[Counted] = []
        self.cycle = self.rounds = 0

    def live(self) -> list[Counted]:
        return [one for one in self.clocks if one.stopped is None]

    def choose(self, at: int) -> PolicyVersion | None:
        assert self.step is not None
        valid: dict[int, PolicyVersion] = {}
        for one in sorted(self.policies, key=lambda one: one.version):
            if one.valid_from <= at:
                valid[one.policy] = one
        fitting = [
            one
            for one in valid.values()
            if not one.withdrawn and (one.conditions is None or fits(one.conditions, self.step.facts))
        ]
        return min(fitting, key=lambda one: (-count(one.conditions), one.place, one.policy), default=None)

    def minute(self, at: int, steps: Sequence[Step]) -> None:
        """What happens at the beginning of a minute, then the minute itself."""
        for one in self.live():
            one.miss(at)
        if self.step is not None and any(one.valid_from == at for one in self.policies):
            self.policy = self.choose(at)
            self.promise(at)
        for step in steps:
            self.take(at, step)
        business = (
            {number: open_then(versions, at) for number, versions in self.calendars.items()} if self.live() else {}
        )
        for one in self.live():
            if one.promise is None or one.run == "unpromised" or not business[one.promise.calendar]:
                continue
            if one.run == "paused":
                one.paused += MINUTE
            else:
                left = (one.length or 0) - one.elapsed
                if 0 < left <= MINUTE:
                    one.used_up = at + left
                one.elapsed += MINUTE

    def take(self, at: int, step: Step) -> None:
        was_closed = self.step is None or self.step.state == "closed"
        begins = self.step is None
        self.step, self.policy = step, None
        self.policy = self.choose(at)
        if begins:
            self.cycle = 1
        if step.state != "closed" and was_closed:
            self.cycle += 0 if begins else 1
            self.clocks += [Counted(target, self.cycle, 0, at) for target in ("first_response", "resolution")]
            self.promise(at)
        # What ends now ends under the promise it had.
        if step.said == "agent":
            self.stop(at, ("first_response", "next_response"), "met")
        if step.state == "closed":
            self.stop(at, ("resolution",), "met")
            self.stop(at, ("first_response", "next_response"), "dropped")
            return
        if step.said == "customer" and not begins and not [one for one in self.live() if one.target != "resolution"]:
            self.rounds += 1
            self.clocks.append(Counted("next_response", self.cycle, self.rounds, at))
        self.promise(at)

    def stop(self, at: int, targets: tuple[str, ...], verdict: str) -> None:
        for one in self.live():
            if one.target in targets:
                unpromised = one.run == "unpromised"
                one.run = "breached" if one.breached is not None else "dropped" if unpromised else verdict
                one.stopped = at

    def promise(self, at: int) -> None:
        """Hold every clock to what is promised now."""
        assert self.step is not None
        for one in self.live():
            goal = self.policy.goals.get(one.target) if self.policy else None
            length = None if goal is None else goal.by_priority.get(self.step.priority or "", goal.otherwise)
            if length is None or goal is None or self.policy is None:
                one.run, one.used_up = "unpromised", None
                continue
            changed = one.promise is not self.policy or one.length != length
            if changed and one.length is not None:
                how = self.policy.on_change
                if how == "restart":
                    one.elapsed = 0
                elif how == "prorate":
                    one.elapsed = one.elapsed * length // one.length
            run = "paused" if self.step.state in goal.pauses else "running"
            if changed or run != one.run:
                spent = length - one.elapsed <= 0
                at_once = at if one.breached is None else one.breached
                one.used_up = at_once if spent and run == "running" else None
            one.promise, one.length, one.run = self.policy, length, run
