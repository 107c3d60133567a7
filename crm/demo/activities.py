"""Invented activities: what was done with the people at the customers, and what is to be done next.

Not every contact has some: two in three of a small company, one in ten of a large one, two or three activities each.
They are made in one request with their links to the contact and its company, and only for contacts that have none of
their kind, so that filling again changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from crm.api import Api, path_of, results
from crm.demo.story import Story
from crm.demo.words import pick
from shared.kernel import clock

KINDS = ("notes", "calls", "emails", "meetings", "tasks")
SMALL = 10_000
"""Up to so many contacts, two in three have activities; beyond, one in ten."""
_OFTEN, _RARELY = 0.65, 0.1
_TOPICS = ("the offer", "delivery times", "the new line", "an invoice", "training", "the contract", "prices")
_REMARKS = ("Wants to hear more about", "Is not happy with", "Asked about", "Will decide soon on", "Compares us in")
_OUTCOMES = ("COMPLETED", "COMPLETED", "COMPLETED", "NO_SHOW", "CANCELED")
_PRIORITIES = ("LOW", "MEDIUM", "HIGH")

Known = Callable[[str, str, list[str]], dict[str, tuple[str, int]]]
"""Ids (and versions) of entities by the values of an attribute: of a kind, by name, for these values."""


@dataclass(frozen=True, slots=True)
class Activity:
    """One activity: when somebody wrote it down, and what."""

    kind: str
    noted: datetime
    values: dict[str, str]


def activities_of(contact: Story, seed: int, now: datetime, contacts: int) -> tuple[Activity, ...]:
    """What was done with a contact and is to be done, always the same for a seed. contacts: how many there are."""
    rng = Random(f"{seed} {contact.key}")  # noqa: S311 (invented activities, not secrets)
    if rng.random() >= (_OFTEN if contacts <= SMALL else _RARELY):
        return ()
    return tuple(_activity(rng, contact, now) for _ in range(1 + int(rng.random() * 4)))


def _activity(rng: Random, contact: Story, now: datetime) -> Activity:
    kind, topic = pick(rng, KINDS), pick(rng, _TOPICS)
    at = contact.created + (now - contact.created) * rng.random()
    return _MAKERS[kind](rng, at, topic, now)


def _note(rng: Random, at: datetime, topic: str, _now: datetime) -> Activity:
    return Activity("notes", at, {"occurs_at": clock.iso(at), "body": f"{pick(rng, _REMARKS)} {topic}."})


def _call(rng: Random, at: datetime, topic: str, _now: datetime) -> Activity:
    values = {
        "occurs_at": clock.iso(at),
        "title": f"Call about {topic}",
        "duration": str(int(30_000 + 900_000 * rng.random())),
        "direction": pick(rng, ("INBOUND", "OUTBOUND")),
        "status": "COMPLETED",
    }
    return Activity("calls", at, values)


def _email(rng: Random, at: datetime, topic: str, _now: datetime) -> Activity:
    direction = pick(rng, ("EMAIL", "INCOMING_EMAIL"))
    text = f"{pick(rng, _REMARKS)} {topic}."
    values = {"occurs_at": clock.iso(at), "subject": f"About {topic}", "text": text, "direction": direction}
    return Activity("emails", at, {**values, "status": "SENT"})


def _meeting(rng: Random, at: datetime, topic: str, now: datetime) -> Activity:
    """One in four lies ahead."""
    values = {"title": f"Meeting about {topic}", "outcome": pick(rng, _OUTCOMES)}
    if rng.random() < 0.25:
        at, values["outcome"] = now + timedelta(days=1 + 20 * rng.random()), "SCHEDULED"
    ends = at + timedelta(minutes=30 + 15 * int(rng.random() * 5))
    values |= {"occurs_at": clock.iso(at), "ends_at": clock.iso(ends)}
    return Activity("meetings", min(at, now) - timedelta(hours=1), values)


def _task(rng: Random, at: datetime, topic: str, now: datetime) -> Activity:
    """Half of them are done; of the others, most are due soon and some overdue."""
    values = {"subject": f"Get back about {topic}", "priority": pick(rng, _PRIORITIES), "type": "TODO"}
    if rng.random() < 0.5:
        done = {"status": "COMPLETED", "completed_at": clock.iso(at)}
        return Activity("tasks", at, {**values, **done, "occurs_at": clock.iso(at)})
    due = now + timedelta(days=15 * rng.random() - 5)
    return Activity("tasks", min(due, now) - timedelta(days=2), {**values, "occurs_at": clock.iso(due)})


_MAKERS = {"notes": _note, "calls": _call, "emails": _email, "meetings": _meeting, "tasks": _task}


class ActivityFill:
    """Sends the activities of contacts to one system. owners: ids by the place of an owner; dated: whether the system
    takes instants of the past for creations."""

    def __init__(self, api: Api, known: Known, owners: Sequence[str], *, seed: int, now: datetime, dated: bool) -> None:
        self._api, self._known, self._owners = api, known, owners
        self._seed, self._now, self._dated = seed, now, dated

    def send(self, contacts: Sequence[Story], count: int) -> int:
        """Send what these contacts have, 40 at most at once; how many activities were made. count: of all contacts.

        Raises ApiError and Unreachable.
        """
        lives = {one.key: (one, done) for one in contacts if (done := activities_of(one, self._seed, self._now, count))}
        if not lives:
            return 0
        ids = {key: ident for key, (ident, _) in self._known("contacts", "email", list(lives)).items()}
        domains = sorted({key.rpartition("@")[2] for key in lives})
        firms = {key: ident for key, (ident, _) in self._known("companies", "domain", domains).items()}
        return sum(self._send(kind, lives, ids, firms) for kind in KINDS)

    def _send(
        self,
        kind: str,
        lives: dict[str, tuple[Story, tuple[Activity, ...]]],
        ids: dict[str, str],
        firms: dict[str, str],
    ) -> int:
        wanted = {key: [one for one in done if one.kind == kind] for key, (_, done) in lives.items() if key in ids}
        wanted = {key: found for key, found in wanted.items() if found}
        if not wanted:
            return 0
        asked = {"inputs": [{"id": ids[key]} for key in wanted]}
        body = self._api.post(f"/crm/v4/associations/contacts/{kind}/batch/read", asked)
        have = {str(one["from"]["id"]) for one in body["results"]}
        inputs = [
            self._input(one, lives[key][0], ids[key], firms.get(key.rpartition("@")[2]))
            for key, found in wanted.items()
            if ids[key] not in have
            for one in found
        ]
        if not inputs:
            return 0
        return len(results(self._api.post(path_of("objects", kind, "batch", "create"), {"inputs": inputs})))

    def _input(self, one: Activity, contact: Story, ident: str, firm: str | None) -> dict[str, Any]:
        values: dict[str, str] = dict(one.values)
        if contact.owner is not None and self._owners[contact.owner]:
            values["owner_id"] = self._owners[contact.owner]
        links = [{"type": "contact", "id": ident}, *([{"type": "company", "id": firm}] if firm else [])]
        dated = {"effective_at": clock.iso(one.noted)} if self._dated else {}
        return {"values": values, "links": links, **dated}


def in_chunks(contacts: Iterator[Story]) -> Iterator[list[Story]]:
    """Contacts, 40 at a time: what they have of one kind fits into one request, which is carried out whole or not."""
    chunk: list[Story] = []
    for one in contacts:
        chunk.append(one)
        if len(chunk) == _TOGETHER:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


_TOGETHER = 40
