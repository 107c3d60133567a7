"""The day a deal closes on, by who moves it to its end."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.opportunities.rules.stages import keep_end
from shared.kernel.context import Context
from shared.service.rules import Proposal

EXPECTED, TODAY, LATER = (datetime(2026, 1, n, tzinfo=UTC) for n in (1, 9, 20))
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
    facts = {"is_closed": stage != "offer", "is_won": stage == "won"}
    old = {"stage": stage, "closes_at": EXPECTED, "opened_at": EXPECTED, **facts}
    proposal = Proposal("deal", old, {"stage": to}, context, TODAY, lambda _, value: _STAGES[str(value)])
    assert {**old, **keep_end(proposal).values}["closes_at"] == closes


def test_a_merge_brings_the_facts_of_the_end():
    old = {"stage": "offer", "closes_at": TODAY, "opened_at": EXPECTED}
    new = {"stage": "won", "closed_at": EXPECTED, "closes_at": EXPECTED, "stage_entered_at": TODAY}
    proposal = Proposal("deal", old, new, Context(source="MERGE_OBJECTS"), TODAY, lambda _, value: _STAGES[str(value)])
    found = {**old, **new, **keep_end(proposal).values}
    assert (found["closed_at"], found["closes_at"], found["is_won"]) == (EXPECTED, EXPECTED, True)


@pytest.mark.parametrize(
    ("was", "stage", "found"),
    [
        ((False, False), "won", (True, True, LATER, LATER)),
        ((False, False), "lost", (True, False, LATER, LATER)),
        ((True, False), "won", (True, True, LATER, LATER)),
        ((True, True), "offer", (False, False, None, EXPECTED)),
        ((True, True), "won", (True, True, TODAY, EXPECTED)),
    ],
)
def test_a_stage_that_says_something_else(was: tuple[bool, bool], stage: str, found: tuple[object, ...]):
    """Said again, it ends or opens the deal now, and changes nothing where the facts agree."""
    old = {"stage": stage, "closes_at": EXPECTED, "opened_at": EXPECTED, "stage_entered_at": TODAY}
    old |= {"is_closed": was[0], "is_won": was[1], "closed_at": TODAY if was[0] else None}
    context = Context(source="CALCULATED", effective_at=LATER)
    proposal = Proposal("deal", old, {"stage": stage}, context, LATER, lambda _, value: _STAGES[str(value)])
    after = {**old, **keep_end(proposal).values}
    assert (after["is_closed"], after["is_won"], after["closed_at"], after["closes_at"]) == found
    early = Context(source="CALCULATED", effective_at=EXPECTED)
    proposal = Proposal("deal", old, {"stage": stage}, early, LATER, lambda _, value: _STAGES[str(value)])
    assert keep_end(proposal).values.get("closed_at") in (None, TODAY), "not before it was there"


@pytest.mark.parametrize(
    ("stage", "to", "closed", "context", "kept"),
    [
        ("won", {}, True, Context(door="native"), None),
        ("lost", {}, True, Context(door="native"), None),
        ("won", {"stage": "paid"}, True, Context(door="native"), None),
        ("won", {}, True, Context(door="dialect"), EXPECTED),
        ("won", {"stage": "paid"}, True, Context(door="dialect"), EXPECTED),
        ("won", {}, True, Context(source="IMPORT", source_id="7-undo"), EXPECTED),
        ("won", {}, True, Context(source="MERGE_OBJECTS", door="native"), EXPECTED),
        ("lost", {"stage": "won"}, True, Context(door="native"), TODAY),
        ("offer", {"stage": "won"}, False, Context(door="native"), TODAY),
    ],
)
def test_what_is_over_keeps_its_day(stage: str, to: dict[str, str], closed: bool, context: Context, kept: object):
    """kept: None where clearing it is refused."""
    facts = {"is_closed": closed, "is_won": stage == "won"}
    old = {"stage": stage, "closes_at": EXPECTED, "opened_at": EXPECTED, **facts}
    new = {"closes_at": None, **to}
    verdict = keep_end(Proposal("deal", old, new, context, TODAY, lambda _, value: _STAGES[str(value)]))
    assert [one.name for one in verdict.errors] == (["closes_at"] if kept is None else [])
    assert verdict.values.get("closes_at") == kept


def test_an_open_deal_may_have_no_close_date():
    old = {"stage": "won", "closes_at": EXPECTED, "is_closed": True, "is_won": True}
    for one, more in ((old, {"stage": "offer"}), ({"stage": "offer", "closes_at": EXPECTED}, {})):
        new = {"closes_at": None, **more}
        context = Context(door="native")
        verdict = keep_end(Proposal("deal", one, new, context, TODAY, lambda _, value: _STAGES[str(value)]))
        assert (verdict.errors, verdict.values.get("closes_at")) == ((), None)
