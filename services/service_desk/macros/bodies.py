"""What doors of canned replies, macros and triggers take, for the document: handlers read bodies themselves."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

_NAME = "Small letters, digits, _ and -, a letter first, at most 63"


class Said(BaseModel):
    """A text with variables, or the name of a canned reply: one of them."""

    text: str | None = None
    canned: str | None = None


class AssignIn(BaseModel):
    """Whose it is: an owner's id, the name of a pool whose turn it is, or rules: true for the rules of assignment; and
    where it waits: a queue's id."""

    owner: str | None = None
    queue: str | None = None
    pool: str | None = None
    rules: Literal[True] | None = None


class Action(BaseModel):
    """One thing to be done: an object with one of these."""

    set: dict[str, Any] | None = Field(default=None, description="Values of the ticket")
    reply: Said | None = Field(default=None, description="Said in public")
    note: Said | None = Field(default=None, description="Said among us")
    assign: AssignIn | None = None
    follow: list[str] | None = Field(default=None, description="Ids of owners who are told of the ticket from now on")


class Notice(BaseModel):
    """What is told to whom."""

    owners: list[str]
    text: str


class Signal(BaseModel):
    """An event that others may listen to."""

    name: str
    detail: dict[str, Any] = {}


class AskIn(Said):
    """Asks how the ticket was served; the text holds satisfaction.url. days: how long the link works."""

    days: int = 14


class AutomaticAction(Action):
    """What triggers do, besides."""

    notify: Notice | None = None
    emit: Signal | None = None
    ask: AskIn | None = None


class ReplyIn(BaseModel):
    """A canned reply, or its next version."""

    name: str = Field(description=_NAME)
    label: str = Field(default="", description="What people read")
    text: str


class MacroIn(BaseModel):
    """A macro, or its next version: 1 to 20 actions."""

    name: str = Field(description=_NAME)
    label: str = ""
    actions: list[Action]


class TimingIn(BaseModel):
    """So many seconds after, or before, an instant of the ticket."""

    attribute: str = Field(examples=["stage_entered_at"])
    after: int | None = None
    before: int | None = None


class TriggerChange(BaseModel):
    """Words of a trigger that become others: another version of it."""

    label: str = ""
    order: int = 0
    enabled: bool = True
    on: list[Literal["created", "changed", "status", "said", "time"]] = Field(
        default=[], description="What it heeds; status: what the stage means; said: an entry was added"
    )
    filter: dict[str, Any] | None = Field(
        default=None, description="How the ticket is, in the grammar of queries, one link far (contact.language)"
    )
    was: dict[str, Any] | None = Field(default=None, description="How the ticket was before")
    became: bool = Field(default=True, description="It was not so before; heeded for changed")
    changed: list[str] = Field(default=[], description="Only when one of these attributes has changed")
    said: dict[str, Any] | None = Field(default=None, description="How the entry is")
    at: TimingIn | None = Field(default=None, description="Goes with time in on")
    imports: bool = Field(default=False, description="Also what imports do")
    actions: list[AutomaticAction] = []


class TriggerIn(TriggerChange):
    """A trigger, or its next version; it needs on and 1 to 20 actions."""

    name: str = Field(description=_NAME)
