"""When something was said: not in the future, nor before there were clocks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.service_desk.rules.entries import be_said_by_now
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
