"""Invented tickets: each of a contact, answered and moved until it is closed, over the last two years.

A ticket's place among all of them tells everything about it; so does its thread id, by which it is known when it is
sent again. What was said is known by message ids, so that nothing goes out by e-mail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from crm.api import Api, path_of, results
from crm.demo.story import Step, Story
from crm.demo.words import pick
from shared.kernel import clock

OPEN, WAITING_ON_CUSTOMER, WAITING_ON_US, CLOSED = "1", "2", "3", "4"
_MOST_SAID, _AT_ONCE = 5, 200
_PRIORITIES = ("LOW", "MEDIUM", "MEDIUM", "HIGH", "URGENT")
_CATEGORIES = ("PRODUCT_ISSUE", "PRODUCT_ISSUE", "BILLING_ISSUE", "FEATURE_REQUEST", "GENERAL_INQUIRY")
_SOURCES = ("EMAIL", "EMAIL", "PHONE", "FORM", "CHAT")
_THINGS = ("the invoice", "the delivery", "signing in", "the export", "a broken part", "the contract", "the manual")
_ASKS = ("Cannot find", "Something is wrong with", "Please explain", "Need help with", "Still waiting for")
_ANSWERS = (
    "We are looking into it.",
    "Please try again now.",
    "This is how it works: see the manual.",
    "It is mended.",
)
_NOTES = ("Same as last month.", "Asked the workshop.", "Important customer: be quick.", "Could be a duplicate.")
_THANKS = ("Thank you, it works.", "It still does not work.", "When will that be?", "Here is what you asked for.")
_OPEN_FOR_LONG = 0.04
_ENTERED, _ROUNDED = "stage_entered_at", timedelta(seconds=1)

Known = Callable[[str, str, list[str]], dict[str, tuple[str, int]]]


@dataclass(frozen=True, slots=True)
class Saying:
    """One thing that was said about a ticket."""

    at: datetime
    values: dict[str, str]


def ticket_story(index: int, seed: int, rng: Random, contact: Story, now: datetime) -> Story:
    """A ticket of this contact, some time after it was met: urgent ones are solved faster."""
    begun = contact.created + (now - contact.created) * (rng.random() * 0.995)
    priority = pick(rng, _PRIORITIES)
    days = {"URGENT": 1.5, "HIGH": 4, "MEDIUM": 8, "LOW": 15}[priority] * (0.1 + rng.random() ** 2 * 2)
    thing = pick(rng, _THINGS)
    values = {
        "subject": f"{pick(rng, _ASKS)} {thing}",
        "content": f"{contact.values['first_name']} writes about {thing}.",
        "pipeline": "0",
        "stage": OPEN,
        "priority": priority,
        "category": pick(rng, _CATEGORIES),
        "source": pick(rng, _SOURCES),
        "requester_email": contact.key,
        "thread_id": f"<ticket-{seed}-{index}@demo.example>",
    }
    steps = _steps(rng, begun, begun + timedelta(days=days), now)
    return Story("thread_id", begun, values, steps, contact.owner, contact.key)


def _steps(rng: Random, begun: datetime, ends: datetime, now: datetime) -> tuple[Step, ...]:
    """Back and forth between us and the customer, and the end; none of it after today."""
    turns = sorted(begun + (ends - begun) * rng.random() for _ in range(int(rng.random() * 4)))
    stages = (WAITING_ON_CUSTOMER, WAITING_ON_US)
    steps = [Step(at, {"stage": stages[place % 2]}) for place, at in enumerate(turns)]
    if rng.random() >= _OPEN_FOR_LONG:
        end = {"stage": CLOSED, "resolution": pick(rng, ("ISSUE_FIXED", "ISSUE_FIXED", "DUPLICATE", "WONT_FIX"))}
        steps.append(Step(ends, end))
    return tuple(one for one in steps if one.at <= now)


def sayings_of(ticket: Story) -> Iterator[Saying]:
    """What was said about a ticket, always the same: the question, answers, a note among us now and then."""
    rng = Random(f"said about {ticket.key}")  # noqa: S311 (invented tickets, not secrets)
    name, _, host = ticket.key.strip("<>").partition("@")
    yield Saying(ticket.created, _said(f"<{name}-0@{host}>", "CUSTOMER", ticket.values["content"], ticket))
    for place, step in enumerate(ticket.steps[: _MOST_SAID - 2], 1):
        ours = step.values["stage"] != WAITING_ON_US
        text = pick(rng, _ANSWERS if ours else _THANKS)
        yield Saying(step.at, _said(f"<{name}-{place}@{host}>", "AGENT" if ours else "CUSTOMER", text, ticket))
    if rng.random() < 0.35 and ticket.steps:
        at = ticket.created + (ticket.steps[0].at - ticket.created) * rng.random()
        note = _said(f"<{name}-n@{host}>", "AGENT", pick(rng, _NOTES), ticket)
        yield Saying(at, {**note, "visibility": "INTERNAL"})


def _said(message: str, author: str, text: str, ticket: Story) -> dict[str, str]:
    more = {"author_email": ticket.contact} if author == "CUSTOMER" else {}
    return {"message_id": message, "author": author, "visibility": "PUBLIC", "body": text, **more}


class TicketFill:
    """What a system is to know of tickets besides their own history: whose they are, and what was said.

    dated: whether the system takes instants of the past.
    """

    def __init__(self, api: Api, known: Known, *, dated: bool) -> None:
        self._api, self._known, self._dated = api, known, dated

    def links(self, tickets: Sequence[Story]) -> dict[str, list[dict[str, str]]]:
        """By key of a ticket: links to its contact, that one's company, and a deal of theirs for one in three."""
        people = {key: ident for key, (ident, _) in self._known("contacts", "email", _contacts(tickets)).items()}
        domains = sorted({one.contact.rpartition("@")[2] for one in tickets})
        firms = {key: ident for key, (ident, _) in self._known("companies", "domain", domains).items()}
        deals = self._deals([people[one.contact] for one in tickets if _about_a_deal(one) and one.contact in people])
        found = {}
        for one in tickets:
            person, firm = people.get(one.contact), firms.get(one.contact.rpartition("@")[2])
            deal = deals.get(person or "") if _about_a_deal(one) else None
            ends = (("contact", person), ("company", firm), ("deal", deal))
            found[one.key] = [{"type": kind, "id": ident} for kind, ident in ends if ident]
        return found

    def _deals(self, contacts: list[str]) -> dict[str, str]:
        """The first deal of each contact that has one."""
        if not contacts:
            return {}
        asked = {"inputs": [{"id": one} for one in sorted(set(contacts))]}
        body = self._api.post("/crm/v4/associations/contacts/deals/batch/read", asked)
        return {str(one["from"]["id"]): str(min(int(to["toObjectId"]) for to in one["to"])) for one in body["results"]}

    def reached(self, tickets: Sequence[Story]) -> dict[str, int]:
        """How many of their steps tickets that are there have behind them: versions also count what the system itself
        keeps of tickets."""
        question = {"ids": [one.key for one in tickets], "by": "thread_id", "attributes": ["thread_id", _ENTERED]}
        found = results(self._api.post(path_of("objects", "tickets", "batch", "read"), question))
        entered = {one["values"]["thread_id"]: one["values"].get(_ENTERED) for one in found}
        return {
            one.key: sum(step.at < datetime.fromisoformat(str(entered[one.key])) + _ROUNDED for step in one.steps)
            for one in tickets
            if entered.get(one.key)
        }

    def say(self, tickets: Sequence[tuple[str, Story]]) -> int:
        """Send what was said about tickets, given with their ids, and is not there yet; how much that was."""
        wanted = [(ident, one) for ident, ticket in tickets for one in sayings_of(ticket)]
        return sum(self._say(wanted[place : place + _AT_ONCE]) for place in range(0, len(wanted), _AT_ONCE))

    def _say(self, wanted: Sequence[tuple[str, Saying]]) -> int:
        there = self._known("ticket_entries", "message_id", [one.values["message_id"] for _, one in wanted])
        inputs = [self._input(ident, one) for ident, one in wanted if one.values["message_id"] not in there]
        if not inputs:
            return 0
        return len(results(self._api.post(path_of("objects", "ticket_entries", "batch", "create"), {"inputs": inputs})))

    def _input(self, ticket: str, one: Saying) -> dict[str, Any]:
        dated = {"effective_at": clock.iso(one.at)} if self._dated else {}
        return {"values": {**one.values, "ticket_id": ticket, "said_at": clock.iso(one.at)}, **dated}


def _contacts(tickets: Sequence[Story]) -> list[str]:
    return sorted({one.contact for one in tickets})


def _about_a_deal(ticket: Story) -> bool:
    return sum(ticket.key.encode()) % 3 == 0
