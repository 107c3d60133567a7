"""What doors of promises take, for the document: handlers read bodies, and tell all that is wrong."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

_FROM = "An instant that does not lie behind us, unless there are no tickets yet; now when absent"
Parts = list[list[str]]
"""Parts of a day, such as [["09:00", "12:00"], ["13:00", "17:00"]]."""


class Hours(BaseModel):
    """Business hours of a week: parts of each day, none where it is left out. The end of a day is 24:00."""

    monday: Parts = []
    tuesday: Parts = []
    wednesday: Parts = []
    thursday: Parts = []
    friday: Parts = []
    saturday: Parts = []
    sunday: Parts = []


class CalendarDraft(BaseModel):
    """Business hours in a time zone, with days off and days that are otherwise."""

    name: str = Field(description="Small letters, digits, _ and -, a letter first, at most 63", examples=["office"])
    time_zone: str = Field(description="A name of the IANA database", examples=["Europe/Berlin"])
    hours: Hours
    holidays: list[str] = Field(default=[], description="Days without business hours, such as 2026-12-25")
    exceptions: dict[str, Parts] = Field(default={}, description="Parts of single days, in place of the week's")


class CalendarIn(CalendarDraft):
    """A calendar, or its next version."""

    valid_from: str | None = Field(default=None, description=_FROM)


class GoalIn(BaseModel):
    """How long a target may take, in business seconds; pauses: statuses in which its clock stands still."""

    by_priority: dict[str, int] = Field(default={}, description="By priority, such as URGENT")
    otherwise: int | None = Field(default=None, description="For all others; null promises nothing")
    pauses: list[str] = []


class TargetsIn(BaseModel):
    """What is promised; at least one of them."""

    first_response: GoalIn | None = None
    next_response: GoalIn | None = None
    resolution: GoalIn | None = None


class ThresholdAction(BaseModel):
    """What is set of the ticket: priority, owner_id, queue_id; null clears it."""

    set: dict[str, str | int | None]


class ThresholdIn(BaseModel):
    """Something to do before, at or after the end of a promise; an event tells it in any case."""

    name: str
    target: Literal["first_response", "next_response", "resolution"]
    moment: Literal["before", "at", "after"]
    offset: int | None = Field(
        default=None,
        description="Business seconds, not for at. A warning lies within the longest promise about its target; where "
        "a priority is promised less than that, it is reached as soon as the clock runs",
    )
    actions: list[ThresholdAction] = []


class PolicyDraft(BaseModel):
    """What is promised for which tickets. Of the policies that fit, the one with the most conditions counts, then the
    one with the lowest order."""

    name: str = Field(description="Small letters, digits, _ and -, a letter first, at most 63", examples=["standard"])
    calendar: str = Field(default="", description="The calendar by which its seconds are counted")
    filter: dict[str, Any] | None = Field(
        default=None,
        description="Which tickets, in the grammar of queries, one link far (contact.language); null: all tickets",
    )
    order: int = 0
    on_change: Literal["keep", "restart", "prorate"] = Field(
        default="keep", description="How clocks count what has passed when this promise takes over"
    )
    targets: TargetsIn = TargetsIn()
    thresholds: list[ThresholdIn] = []
    withdrawn: bool = Field(default=False, description="From then on it counts for nothing")


class PolicyIn(PolicyDraft):
    """A policy, or its next version."""

    valid_from: str | None = Field(default=None, description=_FROM)


class PreviewIn(BaseModel):
    """Drafts in place of what has their names, at least one; since: only tickets that changed from then on."""

    policies: list[PolicyDraft] = []
    calendars: list[CalendarDraft] = []
    since: str | None = None
