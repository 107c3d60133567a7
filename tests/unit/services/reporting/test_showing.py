"""Values for people, and what definitions of amounts, units and zones come to."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from services.reporting.domain.definitions import Wrong, document, read_definition
from services.reporting.domain.showing import duration, titled, written


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (None, "", ""),
        ("1234567", "", "1,234,567"),
        ("0.5", "", "0.5"),
        ("33.333333333333333333", "", "33.3333"),
        ("100", "", "100"),
        ("-1000", "", "-1,000"),
        ("0.63145", "percent", "63.1 %"),
        ("1.5", "percent", "150.0 %"),
        ("10005534", "USD", "10,005,534.00 USD"),
        ("0.125", "EUR", "0.12 EUR"),
        ("1234.5", "JPY", "1,234 JPY"),
        ("2025-02-10T08:00:00.000Z", "", "2025-02-10 08:00"),
        ("2025-02-10", "", "2025-02-10"),
        ("Wien", "", "Wien"),
        ("47.98", "days", "48 d"),
        ("1.5", "days", "1 d 12 h"),
        ("0", "hours", "0 s"),
        ("90", "minutes", "1 h 30 min"),
    ],
)
def test_written(value: str | None, unit: str, shown: str) -> None:
    assert written(value, unit) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        ("0.2", "0 s"),
        ("59.6", "1 min"),
        ("61", "1 min 1 s"),
        ("3599.9", "1 h"),
        ("86399", "1 d"),
        ("-5400", "-1 h 30 min"),
        ("8640000", "100 d"),
    ],
)
def test_durations_have_two_units(seconds: str, shown: str) -> None:
    assert duration(Decimal(seconds)) == shown


@pytest.mark.parametrize(
    ("first", "bucket", "shown"),
    [
        ("2026-07-01", "year", "2026"),
        ("2026-07-01", "quarter", "2026-Q3"),
        ("2026-10-01", "quarter", "2026-Q4"),
        ("2026-07-01", "month", "2026-07"),
        ("2025-12-29", "week", "2026-W01"),
        ("2026-07-01", "day", "2026-07-01"),
        ("2026-07-01", "", "2026-07-01"),
        (None, "month", ""),
    ],
)
def test_spans_of_time_have_names(first: str | None, bucket: str, shown: str) -> None:
    assert titled(first, bucket) == shown


METRIC: dict[str, Any] = {
    "name": "pipeline",
    "entity_type": "deal",
    "measure": {
        "kind": "sum",
        "attribute": "amount",
        "currency": "currency",
        "convert": {"to": "EUR", "at": "closes_at"},
    },
    "dimensions": ["stage", {"name": "made", "attribute": "created_at", "bucket": "month"}, "company.industry"],
    "time": {"attribute": "closes_at", "time_zone": "Asia/Tokyo"},
}


def test_a_definition_reads_back_as_it_is() -> None:
    found = read_definition(METRIC)
    assert read_definition(document(found)) == found
    assert [one.name for one in found.groups] == [
        "stage", "made", "company.industry", "time", "currency", "rate_day",
    ]  # fmt: skip
    assert found.offered == ("stage", "made", "company.industry", "currency")
    assert found.unit == "EUR"


def test_months_are_those_of_the_metric_s_own_zone() -> None:
    made = read_definition(METRIC).dimensions[1]
    assert (made.bucket, made.time_zone) == ("month", "Asia/Tokyo")
    said = {"name": "made", "attribute": "created_at", "bucket": "month", "time_zone": "UTC"}
    assert read_definition({**METRIC, "dimensions": [said]}).dimensions[0].time_zone == "UTC"


@pytest.mark.parametrize(
    "wrong",
    [
        {"measure": {"kind": "sum", "attribute": "amount", "convert": {"to": "EUR"}}},
        {"measure": {"kind": "sum", "attribute": "amount", "currency": "currency", "convert": {"to": "euro"}}},
        {"measure": {"kind": "sum", "attribute": "amount", "currency": "currency", "convert": "EUR"}},
        {"measure": {"kind": "average", "attribute": "amount", "currency": "currency"}},
        {"unit": "parsec"},
        {"dimensions": [{"name": "currency", "attribute": "stage"}]},
        {"dimensions": [{"name": "rate_day", "attribute": "stage"}]},
    ],
)
def test_what_cannot_be_meant_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(Wrong):
        read_definition({**METRIC, **wrong})


@pytest.mark.parametrize("name", ["a b", "<b>", "x" * 101])
def test_groups_have_names_that_can_be_typed(name: str) -> None:
    with pytest.raises(Wrong) as refused:
        read_definition({**METRIC, "dimensions": [{"name": name, "attribute": "city"}]})
    assert refused.value.problems[0][0] == "dimensions[0].name"
