"""The bounds of a batch."""

from __future__ import annotations

from datetime import datetime, timedelta

from shared.bus.ticks import SLACK, bounds


def test_bounds_hold_when_the_clock_steps_back():
    noon = datetime(2026, 1, 1, 12)  # noqa: DTZ001 (stored instants are UTC without zone)
    low, high = bounds([noon, noon - timedelta(hours=5)], since=noon)
    assert low == noon - timedelta(hours=5) - SLACK
    assert high == noon + SLACK
