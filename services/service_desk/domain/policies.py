"""What was promised for which tickets: policies in versions, and which of them counts for a ticket at an instant.

A policy's conditions are a tree of the search grammar, as JSON; what they mean is said by a function passed in. Of the
policies that fit, the most specific one counts: the one with the most conditions, then the one placed first.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from services.service_desk.domain.timelines import Timeline

Facts = Mapping[str, Any]
"""What conditions ask of a ticket, by attribute; absent: no value."""
Tree = Mapping[str, Any]
Fits = Callable[[Tree, Facts], bool]

_MOST_REMEMBERED = 10_000


class Target(StrEnum):
    """What can be promised: to answer a new cycle, to answer whenever the customer waits again, to solve."""

    FIRST_RESPONSE = "first_response"
    NEXT_RESPONSE = "next_response"
    RESOLUTION = "resolution"


class OnChange(StrEnum):
    """How a running clock counts what has passed when another promise takes over (of whoever takes over).

    KEEP: all of it. RESTART: none. PRORATE: the share of the old promise that it was.
    """

    KEEP = "keep"
    RESTART = "restart"
    PRORATE = "prorate"


class Moment(StrEnum):
    """When a threshold lies, seen from the end of a promise."""

    BEFORE = "before"
    AT = "at"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Goal:
    """How long a target may take. by_priority: business milliseconds; `otherwise` for all others, None: no promise.

    pauses: the states in which its clock stands still.
    """

    by_priority: Mapping[str, int] = field(default_factory=dict, hash=False)
    otherwise: int | None = None
    pauses: frozenset[str] = frozenset()

    def length(self, priority: str | None) -> int | None:
        """What is promised at this priority."""
        return self.by_priority.get(priority, self.otherwise) if priority is not None else self.otherwise


NO_GOAL = Goal()


@dataclass(frozen=True, slots=True)
class Threshold:
    """Something to do before, at or after the end of a promise. offset: business milliseconds, 0 for AT.

    actions: what to do, as the service reads it.
    """

    name: str
    target: Target
    moment: Moment
    offset: int = 0
    actions: tuple[Tree, ...] = field(default=(), hash=False)

    def elapsed(self, length: int) -> int:
        """How much has passed of a promise of this length when the threshold is reached."""
        if self.moment is Moment.BEFORE:
            return max(length - self.offset, 0)
        return length + self.offset


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """One policy from an instant on, until its next version. withdrawn: from then on it counts for nothing.

    conditions: None fits every ticket. place: among equally specific ones, the lowest counts.
    """

    policy: int
    version: int
    valid_from: int
    calendar: int
    goals: Mapping[Target, Goal] = field(default_factory=dict, hash=False)
    conditions: Tree | None = field(default=None, hash=False)
    on_change: OnChange = OnChange.KEEP
    thresholds: tuple[Threshold, ...] = ()
    place: int = 0
    withdrawn: bool = False

    def goal(self, target: Target) -> Goal:
        """What it promises of a target."""
        return self.goals.get(target, NO_GOAL)


def specificity(tree: Tree | None) -> int:
    """How many conditions a ticket must fulfil at least to fit."""
    if not tree:
        return 0
    if "and" in tree:
        return sum(specificity(one) for one in tree["and"])
    if "or" in tree:
        return min((specificity(one) for one in tree["or"]), default=0)
    if "not" in tree:
        return specificity(tree["not"])
    return 1


def asked(tree: Tree | None) -> frozenset[str] | None:
    """The attributes that conditions ask for; None when they ask for words anywhere."""
    if not tree:
        return frozenset()
    if "text" in tree:
        return None
    if "attribute" in tree:
        return frozenset((str(tree["attribute"]),))
    inner = tree.get("and") or tree.get("or") or ([tree["not"]] if "not" in tree else [])
    found = [asked(one) for one in inner]
    return None if None in found else frozenset().union(*(one for one in found if one is not None))


class Book:
    """All promises and calendars in force, by time. Made once per set of them; safe among threads.

    timelines: business time by calendar. boundaries: instants at which another version of a policy takes over.
    """

    def __init__(self, versions: Iterable[PolicyVersion], timelines: Mapping[int, Timeline], fits: Fits) -> None:
        self.versions = tuple(sorted(versions, key=lambda one: (one.valid_from, one.policy, one.version)))
        self.timelines = timelines
        self.boundaries = tuple(sorted({one.valid_from for one in self.versions}))
        self._fits = fits
        self._eras = tuple(_in_force(self.versions, since) for since in self.boundaries)
        every = [asked(one.conditions) for one in self.versions]
        self._asked = None if None in every else tuple(sorted({name for one in every if one for name in one}))
        self._remembered: dict[Any, PolicyVersion | None] = {}
        self._numbered = {(one.policy, one.version): one for one in self.versions}

    def version(self, policy: int, version: int) -> PolicyVersion | None:
        """One version; None when the book has not got it."""
        return self._numbered.get((policy, version))

    def chosen(self, facts: Facts, at: int) -> PolicyVersion | None:
        """The policy that counts for a ticket at an instant; None when none fits."""
        era = bisect_right(self.boundaries, at) - 1
        if era < 0:
            return None
        if self._asked is None:
            return self._look(era, facts)
        key = (era, *map(_told, map(facts.get, self._asked)))
        try:
            return self._remembered[key]
        except KeyError:
            found = self._look(era, facts)
        except TypeError:
            return self._look(era, facts)
        if len(self._remembered) >= _MOST_REMEMBERED:
            self._remembered.clear()
        self._remembered[key] = found
        return found

    def _look(self, era: int, facts: Facts) -> PolicyVersion | None:
        for one in self._eras[era]:
            if not one.conditions or self._fits(one.conditions, facts):
                return one
        return None


def _told(value: Any) -> Any:
    """A value by which a choice can be remembered: of several options, all of them."""
    return tuple(value) if isinstance(value, list) else value


def _in_force(versions: Sequence[PolicyVersion], at: int) -> tuple[PolicyVersion, ...]:
    """The versions that count from an instant on, most specific first."""
    last: dict[int, PolicyVersion] = {}
    for one in versions:
        if one.valid_from <= at:
            last[one.policy] = one
    standing = (one for one in last.values() if not one.withdrawn)
    return tuple(sorted(standing, key=lambda one: (-specificity(one.conditions), one.place, one.policy)))
