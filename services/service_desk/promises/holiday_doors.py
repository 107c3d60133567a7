"""HTTP: public holidays of countries, and giving them to a calendar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response
from pydantic import BaseModel

from services.service_desk.promises import public_holidays
from services.service_desk.promises.commands import add_holidays
from services.service_desk.promises.doors import TAG, Version, desk_of, permit, version_of
from services.service_desk.promises.instants import from_text
from shared.kernel.errors import Invalid
from shared.service.web.operation import Operation, QueryParam, answer
from shared.service.web.request import context, json_object, text_param

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

_KNOWN = ("country", "subdivision", "years", "valid_from")


class Holidays(BaseModel):
    """Which public holidays. subdivision: a part of the country with more of its own. valid_from: from when on the new
    version of the calendar counts; now when absent."""

    country: str
    subdivision: str | None = None
    years: list[int]
    valid_from: str | None = None


class Part(BaseModel):
    """A part of a country: its code, and its name where there is one."""

    code: str
    name: str | None = None


class CountryShown(BaseModel):
    """A country, and its parts with holidays of their own."""

    code: str
    name: str
    subdivisions: list[Part] = []


class Countries(BaseModel):
    """Countries by code."""

    results: list[CountryShown]


class Added(Version):
    """The calendar's version that has them, and which of them it did not have before."""

    added: list[dict[str, str]]


def read_holiday_countries(service: Runtime) -> Response:
    """Every country, or one."""
    permit(service, "read")
    asked = text_param("country")
    found = [public_holidays.country(asked)] if asked else list(public_holidays.countries().values())
    return answer({"results": [_shown(one) for one in found]})


def add_calendar_holidays(service: Runtime, name: str) -> Response:
    """Another version of a calendar, with the holidays of a country."""
    permit(service, "write")
    body = json_object()
    for key in body:
        if key not in _KNOWN:
            raise Invalid.one(key, "UNKNOWN_KEY", f"{key[:50]} is not known here: {', '.join(_KNOWN)}")
    country = public_holidays.country(_text(body, "country"))
    part = public_holidays.subdivision(country, _text(body, "subdivision")) if body.get("subdivision") else None
    days = public_holidays.dates(country, part, public_holidays.years_of(body.get("years")))
    made, fresh = add_holidays(desk_of(service), name, days, _instant(body), context())
    added = [{"date": day.isoformat(), "name": days[day]} for day in fresh]
    return answer({**version_of(made), "added": added}, 201 if fresh else 200)


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise Invalid.one(name, "REQUIRED_FIELD", f"{name} must be a text, such as DE or Germany")
    return value


def _instant(body: dict[str, Any]) -> int | None:
    given = body.get("valid_from")
    try:
        return None if given is None else from_text(str(given))
    except ValueError:
        message = "valid_from is no instant such as 2026-03-02T09:00:00Z"
        raise Invalid.one("valid_from", "INVALID_DATE", message) from None


def _shown(one: public_holidays.Country) -> dict[str, Any]:
    parts = [{"code": code, **({"name": name} if name else {})} for code, name in one.subdivisions.items()]
    return {"code": one.code, "name": one.name, "subdivisions": parts}


OPERATIONS = (
    Operation(
        "GET",
        "/api/v1/sla/holidays",
        "readHolidayCountries",
        "Read of which countries holidays are known",
        read_holiday_countries,
        query=(QueryParam("country", "string", "One country, by code or name, with the names of its parts"),),
        response=Countries,
        tag=TAG,
    ),
    Operation(
        "POST",
        "/api/v1/sla/calendars/{name}/holidays",
        "addCalendarHolidays",
        "Give a calendar the holidays of a country",
        add_calendar_holidays,
        success=201,
        body=Holidays,
        response=Added,
        example={"country": "DE", "subdivision": "BY", "years": [2026, 2027, 2028]},
        tag=TAG,
        description=(
            "The dates are written into another version of the calendar, beside those it has; they are never worked "
            "out again. Answers 200 and the version there is when it has them all."
        ),
    ),
)
