"""Promises that are easy to reckon with."""

from __future__ import annotations

import pytest

from services.service_desk.domain.calendars import ALWAYS
from services.service_desk.domain.policies import Book, Goal, PolicyVersion, Target
from services.service_desk.domain.timelines import CalendarTimeline
from tests.unit.services.service_desk.minutes import MINUTE, fits


@pytest.fixture(scope="session")
def desk() -> Book:
    """Around the clock: answers within 5 minutes, solutions within 10 (high) or 100."""
    goals = {
        Target.FIRST_RESPONSE: Goal(otherwise=5 * MINUTE),
        Target.NEXT_RESPONSE: Goal(otherwise=5 * MINUTE),
        Target.RESOLUTION: Goal({"high": 10 * MINUTE}, 100 * MINUTE, frozenset({"waiting_on_customer"})),
    }
    return Book((PolicyVersion(1, 1, 0, 1, goals),), {1: CalendarTimeline(ALWAYS)}, fits)
