"""Ranges of buckets, by which deadlines and ages are asked for."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from services.reporting.domain.definitions import Definition, Dimension, Measure, Wrong
from services.reporting.domain.periods import bucketed, parse_range
from services.reporting.domain.questions import Question, read_question

MOMENT = datetime(2026, 3, 1, 23, 30, 45, tzinfo=UTC)
DUE = Definition(
    "due",
    "Due",
    "ticket",
    Measure("count"),
    (Dimension("due", "due_at", "minute"), Dimension("day", "due_at", "day", "Europe/Berlin"), Dimension("word", "x")),
)


@pytest.mark.parametrize(
    ("instant", "bucket", "zone", "found"),
    [
        ("2026-03-01T23:30:45.000Z", "minute", "UTC", "2026-03-01T23:30"),
        ("2026-03-01T23:30:45.000Z", "hour", "UTC", "2026-03-01T23:00"),
        ("2026-03-01T23:30:45.000Z", "minute", "Asia/Kolkata", "2026-03-02T05:00"),
        ("2026-03-01T23:30:45.000Z", "hour", "Europe/Berlin", "2026-03-02T00:00"),
        ("2026-03-01", "minute", "UTC", "2026-03-01T00:00"),
        ("2026-03-01T23:30:45.000Z", "month", "Europe/Berlin", "2026-03-01"),
    ],
)
def test_instants_lie_in_buckets_of_their_zone(instant: str, bucket: str, zone: str, found: str) -> None:
    assert bucketed(instant, bucket, zone) == found


@pytest.mark.parametrize(
    ("text", "bucket", "found"),
    [
        ("now..now+2h", "minute", ("2026-03-01T23:30", "2026-03-02T01:30")),
        ("..now-90m", "minute", ("", "2026-03-01T22:00")),
        ("now-7d..", "day", ("2026-02-22", "")),
        ("2026-03-01..2026-03-02T09:30", "minute", ("2026-03-01T00:00", "2026-03-02T09:30")),
    ],
)
def test_a_range_is_two_buckets(text: str, bucket: str, found: tuple[str, str]) -> None:
    assert parse_range(text, bucket, "UTC", MOMENT) == found


@pytest.mark.parametrize(
    "text", ["now+2..", "..tomorrow", "now+99999d..9999999d", "2026-13-01..", "..9999-12-31T23:59:59-14:00"]
)
def test_what_is_no_bound_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no bound of a range"):
        parse_range(text, "minute", "UTC", MOMENT)


def asked(**where: object) -> Question:
    return read_question({"where": where}, DUE, date(2026, 3, 1), MOMENT)


def test_a_question_has_ranges_of_dimensions_with_buckets_alone() -> None:
    found = asked(due=["now..now+2h"], day="2026-03-01..2026-03-05", word="a..b")
    assert found.within == {
        "due": ("2026-03-01T23:30", "2026-03-02T01:30"),
        "day": ("2026-03-01", "2026-03-05"),
    }
    assert (found.where, found.moving) == ({"word": ("a..b",)}, True)
    assert found.named == {"due", "day", "word"}
    assert not asked(day="2026-03-01..").moving
    with pytest.raises(Wrong):
        asked(due="soon..")
