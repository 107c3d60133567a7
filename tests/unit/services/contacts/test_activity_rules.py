"""What follows when activities are written: completion, the course of meetings, and what they mean for a customer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from services.contacts.activity_rules import RULES
from services.contacts.domain import activities
from services.contacts.schema import ACTIVITIES
from shared.kernel.context import Context
from shared.service.rules import Proposal, Verdict

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def judged(kind: str, new: dict[str, Any], old: dict[str, Any] | None = None, **more: Any) -> Verdict:
    rules = RULES[kind]
    assert hasattr(rules, "apply")
    return rules.apply(Proposal(kind, old, new, Context(**more), NOON))


def test_every_activity_has_rules_and_a_meaning() -> None:
    names = {one.name for one in ACTIVITIES}
    assert set(RULES) == names == set(activities.TYPES)
    assert all(one.attributes[3].name == "occurs_at" and one.attributes[3].required for one in ACTIVITIES)


def test_a_new_task_is_a_to_do_nobody_started() -> None:
    assert judged("task", {"subject": "Ring"}).values == {"subject": "Ring", "status": "NOT_STARTED", "type": "TODO"}
    assert judged("task", {"status": "WAITING", "type": "CALL"}).values["status"] == "WAITING"
    assert judged("task", {"priority": "LOW"}, {"subject": "Ring"}).values == {"priority": "LOW"}


def test_completing_notes_when_and_reopening_forgets_it() -> None:
    old = {"status": "IN_PROGRESS", "type": "TODO"}
    assert judged("task", {"status": "COMPLETED"}, old).values["completed_at"] == NOON
    earlier = NOON - HOUR
    assert judged("task", {"status": "COMPLETED"}, old, effective_at=earlier).values["completed_at"] == earlier
    said = {"status": "COMPLETED", "completed_at": earlier}
    assert judged("task", said, old).values["completed_at"] == earlier
    assert "completed_at" not in judged("task", {"subject": "x"}, said).values, "noted once"
    assert judged("task", {"status": "WAITING"}, said).values["completed_at"] is None
    assert judged("task", {"completed_at": earlier}, old).values["completed_at"] is None, (
        "an open task is not completed"
    )


def test_a_meeting_begins_when_it_takes_place() -> None:
    assert judged("meeting", {"occurs_at": NOON}).values["starts_at"] == NOON
    assert judged("meeting", {"starts_at": NOON}).values["occurs_at"] == NOON
    both = {"occurs_at": NOON, "starts_at": NOON + HOUR}
    assert judged("meeting", both).values == both


def test_a_meeting_that_would_end_after_the_last_day_is_refused() -> None:
    old = {"occurs_at": NOON, "starts_at": NOON, "ends_at": NOON + HOUR}
    last = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    for name in ("occurs_at", "starts_at"):
        first = judged("meeting", {name: last}, old).errors[0]
        assert (first.name, first.code) == (name, "INVALID_DATE")


def test_a_meeting_that_is_moved_keeps_its_length() -> None:
    old = {"occurs_at": NOON, "starts_at": NOON, "ends_at": NOON + HOUR}
    moved = judged("meeting", {"occurs_at": NOON + 3 * HOUR}, old)
    assert moved.errors == ()
    assert (moved.values["starts_at"], moved.values["ends_at"]) == (NOON + 3 * HOUR, NOON + 4 * HOUR)


def test_a_meeting_cannot_end_before_it_begins() -> None:
    (error,) = judged("meeting", {"occurs_at": NOON, "ends_at": NOON - HOUR}).errors
    assert (error.name, error.code) == ("ends_at", "INVALID_DATE")


def test_a_call_lasts_some_time() -> None:
    (error,) = judged("call", {"duration": Decimal(-1)}).errors
    assert error.name == "duration"
    assert judged("call", {"duration": Decimal(0)}).errors == ()


def test_an_owner_is_stamped_as_on_contacts() -> None:
    assert judged("note", {"owner_id": 5}).values["owner_assigned_at"] == NOON


@pytest.mark.parametrize(
    ("kind", "values", "phase"),
    [
        ("task", {"status": "WAITING"}, activities.PLANNED),
        ("task", {}, activities.PLANNED),
        ("task", {"status": "COMPLETED"}, activities.OTHER),
        ("note", {}, activities.OTHER),
        ("call", {}, activities.CONTACT),
        ("call", {"status": "CANCELED"}, activities.VOID),
        ("email", {"status": "BOUNCED"}, activities.VOID),
        ("email", {"status": "SENT"}, activities.CONTACT),
        ("meeting", {"outcome": "NO_SHOW"}, activities.VOID),
        ("meeting", {"outcome": "SCHEDULED"}, activities.CONTACT),
        ("communication", {}, activities.CONTACT),
        ("postal_mail", {}, activities.CONTACT),
    ],
)
def test_phases(kind: str, values: dict[str, Any], phase: str) -> None:
    assert activities.phase(kind, values) == phase


def test_a_title_is_one_line_without_tags() -> None:
    assert activities.title({"body": "<p>Wants a\n <b>quote</b></p>"}) == "Wants a quote"
    assert activities.title({"subject": "", "body": "Text"}) == "Text"
    assert activities.title({}) is None
    assert len(activities.title({"body": "x" * 500}) or "") == 200


def test_an_activity_stands_at_its_completion_or_beginning() -> None:
    assert activities.stands_at({"occurs_at": 1, "completed_at": 2}) == 2
    assert activities.stands_at({"occurs_at": 1, "starts_at": 3}) == 3
    assert activities.stands_at({"occurs_at": 1}) == 1
    assert activities.stands_at({}) is None
