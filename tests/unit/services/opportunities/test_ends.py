"""The day a deal closes on, by who moves it to its end."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.opportunities.rules.stages import keep_end
from shared.kernel.context import Context
from shared.service.rules import Proposal

EXPECTED, TODAY = (datetime(2026, 1, n, tzinfo=UTC) for n in (1, 9))
_STAGES = {
    "offer": {"probability": "0.5"},
    "won": {"probability": "1", "isClosed": "true"},
    "paid": {"probability": "1", "isClosed": "true"},
    "lost": {"probability": "0", "isClosed": "true"},
}


@pytest.mark.parametrize(
    ("stage", "to", "context", "closes"),
    [
        ("offer", "won", Context(), TODAY),
        ("lost", "won", Context(), TODAY),
        ("won", "paid", Context(), EXPECTED),
        ("offer", "won", Context(source="IMPORT", source_id="7"), TODAY),
        ("offer", "won", Context(source="IMPORT", source_id="7-undo"), EXPECTED),
        ("offer", "won", Context(source="MERGE_OBJECTS"), EXPECTED),
    ],
)
def test_the_day_of_the_end(stage: str, to: str, context: Context, closes: datetime):
    old = {"stage": stage, "closes_at": EXPECTED, "opened_at": EXPECTED}
    proposal = Proposal("deal", old, {"stage": to}, context, TODAY, lambda _, value: _STAGES[str(value)])
    assert {**old, **keep_end(proposal).values}["closes_at"] == closes


def test_a_merge_brings_the_facts_of_the_end():
    old = {"stage": "offer", "closes_at": TODAY, "opened_at": EXPECTED}
    new = {"stage": "won", "closed_at": EXPECTED, "closes_at": EXPECTED, "stage_entered_at": TODAY}
    proposal = Proposal("deal", old, new, Context(source="MERGE_OBJECTS"), TODAY, lambda _, value: _STAGES[str(value)])
    found = {**old, **new, **keep_end(proposal).values}
    assert (found["closed_at"], found["closes_at"], found["is_won"]) == (EXPECTED, EXPECTED, True)
