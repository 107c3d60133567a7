"""How something was at an instant, from what became of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from shared.service.lives import Life

_AT = datetime(2026, 3, 2, tzinfo=UTC)


def after(hours: int) -> datetime:
    """An instant."""
    return _AT + timedelta(hours=hours)


def test_values_as_of_an_instant() -> None:
    naive = after(2).replace(tzinfo=None)  # as the database tells them
    changes = [(naive, {"1": [None, "b"]}), (after(4), {"1": ["b", "c"], "2": ["x", None]})]
    life = Life(7, _AT, {"1": "c"}, changes)
    began, then, present = {"1": None, "2": "x"}, {"1": "b", "2": "x"}, {"1": "c"}
    told = {-1: began, 0: began, 1: began, 2: then, 3: then, 4: present, 9: present}
    assert {hours: life.as_of(after(hours)) for hours in told} == told
    assert life.values == present


def test_a_version_that_is_said_to_be_earlier_came_with_the_one_before() -> None:
    life = Life(7, _AT, {"1": "c"}, [(after(4), {"1": ["a", "b"]}), (after(2), {"1": ["b", "c"]})])
    assert [life.as_of(after(hours))["1"] for hours in (3, 4)] == ["a", "c"]
