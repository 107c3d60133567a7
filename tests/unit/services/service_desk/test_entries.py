"""What was said says something, and when: not in the future, nor before there were clocks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.service_desk.domain.timelines import FIRST_YEAR
from services.service_desk.rules.entries import be_said_by_now, say_something
from shared.service.effective import EARLIEST
from shared.service.rules import Proposal

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        (NOW, False),
        (NOW + timedelta(seconds=59), False),
        (NOW + timedelta(seconds=61), True),
        (datetime(9999, 12, 31, tzinfo=UTC), True),
        (datetime(1970, 1, 1, tzinfo=UTC), False),
        (datetime(1969, 12, 31, tzinfo=UTC), True),
        (None, False),
    ],
)
def test_when_it_was_said(said: datetime | None, refused: bool) -> None:
    proposal = Proposal("ticket_entry", None, {"said_at": said}, at=NOW)
    assert bool(be_said_by_now(proposal).errors) is refused
    # What is there is not judged again.
    assert not be_said_by_now(replace(proposal, old={"said_at": said}, new={})).errors


def test_nothing_is_said_before_business_time_is_known() -> None:
    assert EARLIEST.year == FIRST_YEAR


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        ("Hello", False),
        ("a < b", False),
        ('<p><img src="cid:1"></p>', False),
        (None, True),
        (" \n\u00a0\u200b", True),
        ("<p><br>&nbsp;</p>", True),
    ],
)
def test_an_entry_says_something(body: str | None, refused: bool) -> None:
    made = Proposal("ticket_entry", None, {"body": body}, at=NOW)
    assert [one.name for one in say_something(made).errors] == ["body"] * refused
    assert not say_something(made.with_values({"body": body, "attachment_ids": "1"})).errors
    # What is there stays; taking the words away is another thing.
    said = replace(made, old={"body": "Hello"})
    assert bool(say_something(said).errors) is refused
    assert not say_something(replace(said, new={"author_name": "Ada"})).errors
