"""Invented deals: each with a contact, moving through the usual pipeline, won or lost when its time has come."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from crm.demo.story import Step, Story
from crm.demo.words import pick
from shared.kernel import clock

STAGES = ("appointmentscheduled", "qualifiedtobuy", "presentationscheduled", "decisionmakerboughtin", "contractsent")
WON, LOST = "closedwon", "closedlost"
SOURCES = ("Referral", "Trade fair", "Website", "Campaign", "Partner", "Cold call")
THINGS = ("Renewal", "Extension", "New line", "Pilot", "Maintenance", "Training", "Migration")
REASONS = ("Price", "Timing", "Competitor", "No budget", "No answer")
_WINS = 0.45
_FOR_GOOD = 0.05
"""The share of deals that nobody ever closes, however long ago they began."""


def deal_story(index: int, rng: Random, contact: Story, now: datetime) -> Story:
    """A deal with this contact, begun some time after it was met."""
    created = contact.created + (now - contact.created) * (rng.random() * 0.98)
    ends = created + timedelta(days=20 + 90 * rng.random() ** 1.5)
    values = {
        "name": f"{contact.values['company']}: {pick(rng, THINGS)} {index + 1}",
        "stage": STAGES[0],
        "amount": str(max(1, round(10 ** (2.2 + 2.8 * rng.random()) / 10)) * 10),
        "closes_at": clock.iso(ends),
        "type": pick(rng, ("newbusiness", "newbusiness", "existingbusiness")),
        "priority": pick(rng, ("low", "medium", "high")),
        "lead_source": pick(rng, SOURCES),
    }
    return Story("name", created, values, _steps(rng, created, ends, now), contact.owner, contact.key)


def _steps(rng: Random, created: datetime, ends: datetime, now: datetime) -> tuple[Step, ...]:
    """Some stages on the way, and the end; none of it after today."""
    instants = sorted(created + (ends - created) * rng.random() for _ in range(int(3 * rng.random())))
    rungs = sorted(rng.sample(range(1, len(STAGES)), len(instants)))
    steps = [Step(at, {"stage": STAGES[rung]}) for at, rung in zip(instants, rungs, strict=True)]
    if rng.random() >= _FOR_GOOD:
        steps.append(Step(ends, _end(rng, ends)))
    return tuple(one for one in steps if one.at <= now)


def _end(rng: Random, at: datetime) -> dict[str, str]:
    closed = {"closes_at": clock.iso(at)}
    if rng.random() < _WINS:
        return {"stage": WON, **closed}
    return {"stage": LOST, "lost_reason": pick(rng, REASONS), **closed}
