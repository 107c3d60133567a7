"""`crm sla`: what is promised to customers (`promises`); the holidays of business hours."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from crm.api import path_of
from crm.command import command, group
from crm.commands import promises
from crm.present import rows_table
from crm.session import Session

app = group("What is promised to customers, and when business is.")
holidays = group("Public holidays, given to calendars as dates.")
app.add_typer(promises.policies, name="policies")
app.add_typer(promises.calendars, name="calendars")
app.add_typer(holidays, name="holidays")
command(app)(promises.due)
command(app)(promises.breaches)

_YEARS = re.compile(r"(\d{4})(?:-(\d{4}))?")
Country = Annotated[str, typer.Option("--country", help="By code or name: DE, Germany.")]
Part = Annotated[str, typer.Option("--subdivision", help="A part of it with more of its own: BY, Bayern.")]
Years = Annotated[str, typer.Option("--years", help="Such as 2026, or 2026-2028, or 2026,2028.")]
Since = Annotated[str, typer.Option("--from", help="From when on the new version counts; now when absent.")]


@command(holidays)
def add(
    session: Session, calendar: str, country: Country, years: Years, subdivision: Part = "", since: Since = ""
) -> None:
    """Give a calendar the public holidays of a country, as another version of it."""
    given = {
        "country": country,
        "subdivision": subdivision or None,
        "years": _years(years),
        "valid_from": since or None,
    }
    asked = {name: value for name, value in given.items() if value is not None}
    body = session.api.post(path_of("sla", "calendars", calendar, "holidays"), asked)
    session.answer(body, lambda: _added(body))


@command(holidays)
def countries(
    session: Session, country: Annotated[str, typer.Argument(help="Only this one, with its parts.")] = ""
) -> None:
    """List the countries of which holidays are known."""
    body = session.api.get(path_of("sla", "holidays"), country=country or None)
    session.answer(body, lambda: _countries(body))


def _years(text: str) -> list[int]:
    found: set[int] = set()
    for part in text.split(","):
        match = _YEARS.fullmatch(part.strip())
        if match is None:
            raise typer.BadParameter(f"{text} names no years: say 2026, 2026-2028 or 2026,2028", param_hint="--years")
        first, last = int(match[1]), int(match[2] or match[1])
        found.update(range(first, last + 1))
    return sorted(found)


def _added(body: dict[str, Any]) -> RenderableType:
    if not body["added"]:
        return Text(f"calendar {body['name']} has them all: version {body['version']} stays")
    rows = [(one["date"], one["name"]) for one in body["added"]]
    head = f"{len(rows)} holidays added: version {body['version']} of calendar {body['name']}, valid from "
    return Group(Text(head + body["valid_from"]), rows_table(("Day", "Holiday"), rows))


def _countries(body: dict[str, Any]) -> RenderableType:
    rows = [
        (one["code"], one["name"], ", ".join(_part(part) for part in one["subdivisions"])) for one in body["results"]
    ]
    return rows_table(("Code", "Country", "Parts with holidays of their own"), rows)


def _part(one: dict[str, str]) -> str:
    return f"{one['code']} ({one['name']})" if one.get("name") else one["code"]
