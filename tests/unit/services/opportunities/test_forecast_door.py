"""What the doors of forecasts take for an instant."""

from __future__ import annotations

import pytest
from flask import Flask

from services.opportunities.api import forecast
from shared.kernel.errors import Invalid

PERIOD = "from=2026-01-01&to=2026-04-01"
DOORS = {"as_of": forecast.read_forecast, "since": forecast.read_waterfall, "on": forecast.list_submissions}


@pytest.mark.parametrize("name", DOORS)
@pytest.mark.parametrize("instant", ["0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00", "soon"])
def test_an_instant_that_utc_cannot_hold_is_refused_by_name(name: str, instant: str) -> None:
    asked = f"/?{PERIOD}&{name}={instant}"
    with Flask("t").test_request_context(asked), pytest.raises(Invalid) as found:
        DOORS[name](None)  # type: ignore[arg-type]
    first = found.value.errors[0]
    assert (first.name, first.code) == (name, "INVALID_DATE")
