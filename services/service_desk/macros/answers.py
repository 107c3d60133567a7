"""What doors of macros and triggers answer, for the document: answers are made as JSON themselves."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field


class DeclaredBody(BaseModel):
    """One version of something declared: what it says, and since when."""

    id: str
    name: str
    version: int
    declared_at: datetime
    created_by: str | None = None
    body: dict[str, Any]


class DeclaredTrigger(DeclaredBody):
    """A trigger. readable: false when what it asks for is gone, so that it does nothing."""

    readable: bool


class Listing(BaseModel):
    """Those in force, by name."""

    results: list[DeclaredBody]


class SaidText(BaseModel):
    """A text, filled in."""

    text: str


class SaidEntry(BaseModel):
    """Something that was said."""

    id: str
    visibility: str
    body: str


class TicketOutcome(BaseModel):
    """What became of a ticket. changed: what it had and has, by attribute; told: events, each with its kind."""

    ticket: str
    changed: dict[str, tuple[Any, Any]]
    said: list[SaidEntry]
    told: list[dict[str, Any]]


class AppliedMacro(BaseModel):
    """What a macro did, by ticket; preview: what it would do."""

    macro: str
    version: int
    preview: bool
    results: list[TicketOutcome]


class WouldDo(BaseModel):
    """What would be done about a ticket now; error: why not."""

    ticket: str
    changed: dict[str, tuple[Any, Any]] | None = None
    said: list[SaidEntry] | None = None
    told: list[dict[str, Any]] | None = None
    error: str | None = None


class WouldFire(BaseModel):
    """That a trigger would have fired: why names the kind."""

    ticket: str
    at: datetime
    why: str
    would: WouldDo | None = Field(description="null: not worked out, there are too many")


class Tried(BaseModel):
    """What a trigger would have done. whole: all tickets that it may concern were looked at."""

    looked_at: int
    fired: int
    results: list[WouldFire]
    whole: bool
