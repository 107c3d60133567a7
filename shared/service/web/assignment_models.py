"""Bodies and answers of the doors of assignment, for the document."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from shared.service.web.native import models
from shared.service.web.native.models import Strict


class MemberIn(Strict):
    """An owner and their weight: of weights 2 and 1, the first gets two of three. With 0 they get nothing."""

    owner: str
    weight: int = Field(1, ge=0, le=1000)


class PoolIn(Strict):
    """Who is in the pool."""

    members: list[MemberIn]


class MemberOut(MemberIn):
    """The same, with how many they got since the pool is as it is."""

    given: int


class PoolOut(BaseModel):
    """A pool."""

    name: str
    members: list[MemberOut]


class PoolList(BaseModel):
    """All pools of a type."""

    results: list[PoolOut]


class AgentIn(Strict):
    """What an owner can take of a type. capacity: how many open ones at most, null for any number; away: from when
    until when nothing at all, either may be left open."""

    capacity: int | None = Field(None, ge=0)
    skills: list[str] = Field(default_factory=list)
    away_from: datetime | None = None
    away_until: datetime | None = None


class AgentOut(AgentIn):
    """The same, with whose it is."""

    owner: str


class AgentList(BaseModel):
    """Everybody of whom something is said."""

    results: list[AgentOut]


class StickyRule(Strict):
    """Who had the last one with the same value of `by`, changed within `days`, gets this one too if they can."""

    by: str
    days: int = Field(30, ge=1)


class RuleIn(Strict):
    """What fits the filter goes to the pool. skills: what it takes; skills_from: attributes whose values it takes
    besides; sticky: whether whoever had the last one like it comes first."""

    name: str
    pool: str
    filter: dict[str, Any] | None = None
    skills: list[str] = Field(default_factory=list)
    skills_from: list[str] = Field(default_factory=list)
    sticky: StickyRule | None = None


class RuleList(BaseModel):
    """Rules in the order in which they are asked; the first one that fits counts."""

    results: list[RuleIn]


class RulesIn(Strict):
    """All rules that people made, in order."""

    rules: list[RuleIn]


class AssignIn(Strict):
    """From which pool the owner comes; without one, rules choose."""

    pool: str | None = None


class Explanation(BaseModel):
    """Why somebody got it, or nobody. told: how many are in the pool, how many of them could not take it for what
    reason, what the owner had."""

    owner: str | None
    before: str | None = None
    rule: str | None
    pool: str | None
    reason: str
    told: dict[str, Any]
    at: datetime | None = None
    actor: str | None = None


class Assigned(models.EntityOut):
    """The entity, and why it is whose it is."""

    assignment: Explanation


class WaitingOut(BaseModel):
    """What waits for somebody: since when, when it was tried last, and why nobody could get it."""

    id: str
    pool: str | None
    reason: str | None
    since: datetime
    tried_at: datetime | None
    told: dict[str, Any]


class WaitingList(BaseModel):
    """What waits, by id."""

    results: list[WaitingOut]
    next_after: str | None = None


class Story(BaseModel):
    """The ledger of one entity, the latest first, and whether it waits."""

    results: list[Explanation]
    waiting: WaitingOut | None
