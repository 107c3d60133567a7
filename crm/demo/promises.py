"""What the invented company promises to customers: business hours with a lunch break, and targets by priority.

Declared before there are tickets, so that their clocks are judged by it from the first day on; a system that has some
takes it from now on. Nothing is declared where something is promised already; what is promised later for all tickets
stands before it.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from crm.api import Api, ApiError, path_of, results
from shared.kernel import clock

OFFICE, STANDARD = "demo-office", "demo-standard"
_HOUR = 3600
_DAY = [["09:00", "12:00"], ["13:00", "17:00"]]
_WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday")
_HOLIDAYS = ((1, 1), (5, 1), (10, 3), (12, 25), (12, 26))
_YEARS_AHEAD = 2


def promise(api: Api, since: datetime, until: datetime) -> str:
    """Declare them unless something is promised; from when on it is, "" when nothing was declared. Raises ApiError."""
    calendars, policies = path_of("sla", "calendars"), path_of("sla", "policies")
    if results(api.get(policies)):
        return ""
    if OFFICE not in {one["name"] for one in results(api.get(calendars))}:
        _declare(api, calendars, office(since, until), since)
    return str(_declare(api, policies, STANDARD_POLICY, since)["valid_from"])


def office(since: datetime, until: datetime) -> dict[str, Any]:
    """Business hours over these years and some more."""
    years = range(since.year, until.year + _YEARS_AHEAD)
    return {
        "name": OFFICE,
        "time_zone": "Europe/Berlin",
        "hours": dict.fromkeys(_WEEK, _DAY),
        "holidays": [date(year, *one).isoformat() for year in years for one in _HOLIDAYS],
        "exceptions": {f"{year}-12-24": [["09:00", "12:00"]] for year in years},
    }


def _lengths(**hours: int) -> dict[str, int]:
    return {priority: count * _HOUR for priority, count in hours.items()}


STANDARD_POLICY: dict[str, Any] = {
    "name": STANDARD,
    "calendar": OFFICE,
    "order": 1000,
    "targets": {
        "first_response": {"by_priority": _lengths(URGENT=2, HIGH=8), "otherwise": 14 * _HOUR},
        "next_response": {"by_priority": _lengths(URGENT=4, HIGH=8), "otherwise": 21 * _HOUR},
        "resolution": {
            "by_priority": _lengths(URGENT=7, HIGH=21, LOW=70),
            "otherwise": 42 * _HOUR,
            "pauses": ["waiting_on_customer"],
        },
    },
    "thresholds": [
        {"name": "soon", "target": "resolution", "moment": "before", "offset": _HOUR},
        {"name": "late", "target": "resolution", "moment": "at"},
        {"name": "unanswered", "target": "first_response", "moment": "at"},
    ],
}


def _declare(api: Api, path: str, body: dict[str, Any], since: datetime) -> dict[str, Any]:
    """A version that counts from an instant on; from now on where promises of the past stay as they were."""
    try:
        found = api.post(path, {**body, "valid_from": clock.iso(since)})
    except ApiError as error:
        if "valid_from" not in str(error):
            raise
        found = api.post(path, body)
    return dict(found)
