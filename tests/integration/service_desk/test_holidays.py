"""Holidays of a country become dates of a calendar's next version, and business time stands still on them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.service_desk.conftest import Desk

CALENDARS = "/api/v1/sla/calendars"
HOURS = {"monday": [["09:00", "17:00"]], "friday": [["09:00", "17:00"]]}


@pytest.fixture(scope="module")
def office(desk: Desk) -> str:
    desk.ask("POST", CALENDARS, 201, name="office", time_zone="Europe/Berlin", hours=HOURS, holidays=["2026-12-25"])
    return f"{CALENDARS}/office/holidays"


def last(desk: Desk) -> dict[str, Any]:
    return dict(desk.ask("GET", CALENDARS)["results"][-1])


def test_they_are_written_into_the_next_version(desk: Desk, office: str) -> None:
    made = desk.ask("POST", office, 201, country="Germany", subdivision="Bayern", years=[2026, 2027])
    assert made["version"] == 2
    assert {"date": "2026-01-06", "name": "Epiphany"} in made["added"]
    assert "2026-12-25" not in [one["date"] for one in made["added"]], "it was there"
    held = last(desk)["body"]
    assert {"2026-12-25", "2026-01-06", "2027-01-06", "2027-10-03"} <= set(held["holidays"])
    assert (held["hours"], held["time_zone"]) == (HOURS, "Europe/Berlin")
    again = desk.ask("POST", office, 200, country="DE", subdivision="BY", years=[2026])
    assert (again["version"], again["added"]) == (2, [])
    more = desk.ask("POST", office, 201, country="DE", years=[2028], valid_from="2090-01-01T00:00:00Z")
    assert (more["version"], more["valid_from"]) == (3, "2090-01-01T00:00:00.000Z")
    assert desk.ask("POST", office, 201, country="DE", years=[2029])["valid_from"] == "2090-01-01T00:00:00.000Z"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"country": "Germny", "years": [2026]}, "DE (Germany)"),
        ({"country": "DE", "subdivision": "Bayren", "years": [2026]}, "BY (Bayern)"),
        ({"country": "DE", "years": []}, "years"),
        ({"country": "DE"}, "years"),
        ({"years": [2026]}, "country"),
        ({"country": "DE", "years": [2026], "part": "BY"}, "subdivision"),
        ({"country": "DE", "years": [2026], "valid_from": "soon"}, "valid_from"),
        ({"country": "DE", "years": [2026], "valid_from": "2020-01-01T00:00:00Z"}, "past"),
    ],
)
def test_what_is_wrong_is_told(desk: Desk, office: str, body: dict[str, Any], told: str) -> None:
    assert told in str(desk.ask("POST", office, 400, **body))


def test_no_such_calendar(desk: Desk) -> None:
    desk.ask("POST", f"{CALENDARS}/nowhere/holidays", 404, country="DE", years=[2026])


def test_countries(desk: Desk) -> None:
    found = {one["code"]: one for one in desk.ask("GET", "/api/v1/sla/holidays")["results"]}
    assert found["DE"]["name"] == "Germany"
    (one,) = desk.ask("GET", "/api/v1/sla/holidays?country=germany")["results"]
    assert {"code": "BY", "name": "Bayern"} in one["subdivisions"]
