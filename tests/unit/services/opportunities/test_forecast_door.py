"""What the doors of forecasts take for an instant."""

from __future__ import annotations

import pytest
from flask import Flask

from services.opportunities.api import forecast, reading
from services.opportunities.domain.lines import months
from shared.kernel.clock import iso, now
from shared.kernel.errors import Invalid

PERIOD = "from=2026-01-01&to=2026-04-01"
DOORS = {"as_of": forecast.read_forecast, "since": forecast.read_waterfall, "on": forecast.list_submissions}


@pytest.mark.parametrize("name", DOORS)
@pytest.mark.parametrize(
    "instant",
    [
        "0001-01-01T00:00:00%2B14:00",
        "9999-12-31T23:59:59-14:00",
        "soon",
        "20260101",
        "2026-W01-1",
        "2026-01-01T00",
        "2026-01-01T00:00:00",
        "2099-01-01T00:00:00Z",
    ],
)
def test_an_instant_that_utc_cannot_hold_is_refused_by_name(name: str, instant: str) -> None:
    asked = f"/?{PERIOD}&{name}={instant}"
    with Flask("t").test_request_context(asked), pytest.raises(Invalid) as found:
        DOORS[name](None)  # type: ignore[arg-type]
    first = found.value.errors[0]
    assert (first.name, first.code) == (name, "INVALID_DATE")


@pytest.mark.parametrize("day", ["20260101", "2026-W01-1", "2026-01-01T00:00:00Z", "\u0662026-01-01"])
def test_a_day_has_one_spelling(day: str) -> None:
    with Flask("t").test_request_context(f"/?from={day}&to={day}"), pytest.raises(Invalid) as found:
        forecast.read_forecast(None)  # type: ignore[arg-type]
    assert [one.name for one in found.value.errors] == ["from", "to"]


def test_what_was_is_read() -> None:
    day = reading.read_past("2026-01-01")
    assert day == reading.read_past("2026-01-01t01:00:00.5+01:00").replace(microsecond=0)
    assert reading.read_past(iso(now()))


def test_a_term_is_written_in_ascii() -> None:
    with pytest.raises(ValueError, match="must be a length"):
        months("P\u0661\u0662M")
