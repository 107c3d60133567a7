"""Who of a pool gets an entity, and why. Pure.

Whoever had the last one like it, where a rule says so; else whose turn it is, among those who have the skills it takes,
are there, and have room for one more. When there is nobody, that is an answer too, with its reason.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from shared.service.assignment.shares import Member, gave, turn


class Reason(StrEnum):
    """Why somebody got it, or nobody."""

    TURN = "turn"
    STICKY = "sticky"
    TAKEN = "taken"
    EMPTY = "empty_pool"
    UNSKILLED = "nobody_has_the_skills"
    AWAY = "everybody_is_away"
    FULL = "everybody_is_full"
    NO_POOL = "no_such_pool"
    NO_RULE = "no_rule_fits"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Agent:
    """What an owner can take of a type: at most `capacity` open ones, what needs no more than their skills, and
    nothing from `away_from` to `away_until` (either end may be open)."""

    owner: int
    capacity: int | None = None
    skills: frozenset[str] = frozenset()
    away_from: datetime | None = None
    away_until: datetime | None = None

    def away(self, at: datetime) -> bool:
        """Whether they are away at an instant."""
        if self.away_from is None and self.away_until is None:
            return False
        return (self.away_from is None or self.away_from <= at) and (self.away_until is None or at < self.away_until)


@dataclass(frozen=True, slots=True)
class Room:
    """How things stand with the owners of a pool. opened: how many open ones those have who have a capacity; gone:
    owners who are there no more."""

    agents: Mapping[int, Agent]
    opened: Mapping[int, int]
    at: datetime
    gone: frozenset[int] = frozenset()

    def full(self, owner: int) -> bool:
        """Whether somebody has as many as they can have."""
        agent = self.agents.get(owner)
        return agent is not None and agent.capacity is not None and self.opened.get(owner, 0) >= agent.capacity


@dataclass(frozen=True, slots=True)
class Choice:
    """Who gets it (None: nobody), why, and how many of the pool could not have it for what reason."""

    owner: int | None
    reason: Reason
    out: Mapping[str, int] = field(default_factory=dict)


def choose(
    members: Sequence[Member], room: Room, skills: Collection[str] = (), sticky: int | None = None
) -> tuple[Choice, list[Member]]:
    """The choice, and the members afterwards."""
    shares = [one.owner for one in members if one.weight > 0]
    there = [one for one in shares if one not in room.gone]
    skilled = [one for one in there if set(skills) <= room.agents.get(one, Agent(one)).skills or not skills]
    present = [one for one in skilled if one not in room.agents or not room.agents[one].away(room.at)]
    free = [one for one in present if not room.full(one)]
    steps = (shares, there, skilled, present, free)
    names = ("gone", "unskilled", "away", "full")
    out = {name: gap for name, a, b in zip(names, steps, steps[1:], strict=False) if (gap := len(a) - len(b))}
    if not free:
        return Choice(None, _why(there, skilled, present), out), list(members)
    if sticky in free:
        return Choice(sticky, Reason.STICKY, out), gave(members, sticky)
    absent = [one for one in shares if one in room.gone or room.full(one) or _away(room, one)]
    owner, after = turn(members, free, absent)
    return Choice(owner, Reason.TURN, out), after


def _away(room: Room, owner: int) -> bool:
    return owner in room.agents and room.agents[owner].away(room.at)


def _why(there: Sequence[int], skilled: Sequence[int], present: Sequence[int]) -> Reason:
    if not there:
        return Reason.EMPTY
    if not skilled:
        return Reason.UNSKILLED
    return Reason.FULL if present else Reason.AWAY
