"""What doors of promises answer, for the document: answers are made as JSON themselves."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

TargetName = Literal["first_response", "next_response", "resolution"]
_NOTHING = "null: nothing is promised"


class PromiseOut(BaseModel):
    """A promise: the version of a policy that makes it, how long, and by which version of a calendar it is counted."""

    policy: str | None
    version: int | None
    promised_ms: int | None
    calendar: str | None
    calendar_version: int | None
    calendar_valid_from: datetime | None


class ClockOut(PromiseOut):
    """One clock in one cycle. policy to calendar_valid_from: the promise that it is judged by, of a breach the one
    that was missed. Times are business milliseconds, save calendar_ms; of a clock that has ended, as it ended."""

    target: TargetName
    cycle: int
    round: int = Field(description="Which one of the cycle: a next response is waited for again and again")
    status: Literal["running", "paused", "unpromised", "met", "breached", "dropped"]
    started_at: datetime
    stopped_at: datetime | None
    due_at: datetime | None = Field(description="While it runs; " + _NOTHING)
    breached_at: datetime | None
    elapsed_ms: int | None
    paused_ms: int | None
    remaining_ms: int | None = Field(description="Below 0 behind the end; " + _NOTHING)
    calendar_ms: int = Field(description="From start to end, or to now, by the clock on the wall")
    counts_under: PromiseOut | None = Field(description="The promise that it is under; " + _NOTHING)


class Clocks(BaseModel):
    """The clocks of a ticket as of an instant."""

    ticket: str
    at: datetime
    status: str
    cycle: int
    clocks: list[ClockOut]


class Reached(BaseModel):
    """A threshold that was reached, and what was done about it; done_at null: that is still to come."""

    ticket: str
    target: TargetName
    cycle: int
    round: int
    threshold: str
    policy: str | None
    version: int | None
    at: datetime = Field(description="When it was reached")
    noticed_at: datetime
    done_at: datetime | None
    late_seconds: int | None = Field(default=None, description="How late it was noticed; 0 within a minute")
    changed: dict[str, Any] | None = Field(default=None, description="What was set of the ticket")
    failed: str | None = Field(default=None, description="Why nothing could be set")


class ReachedList(BaseModel):
    """The latest first."""

    results: list[Reached]


class Both(BaseModel):
    """How many tickets are late."""

    today: int
    draft: int


class ByTarget(BaseModel):
    """By what was promised."""

    first_response: Both
    next_response: Both
    resolution: Both


class Late(BaseModel):
    """A ticket, and what was late."""

    ticket: str
    targets: list[TargetName]


class Previewed(BaseModel):
    """What drafts would have meant. tickets: looked at; more, fewer: late under the drafts only, today only; whole:
    false when not all tickets were looked at, or not all of those found are listed."""

    tickets: int
    whole: bool
    breaches: ByTarget
    more: list[Late]
    fewer: list[Late]
