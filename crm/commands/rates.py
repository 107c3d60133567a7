"""`crm rates`: what currencies are worth in the home currency, and from which day on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import RenderableType
from rich.text import Text

from crm.api import path_of, results
from crm.command import command, group
from crm.present import minute, rows_table
from crm.session import Session

app = group("Exchange rates by day; deals that are there follow them.")
Currency = Annotated[str, typer.Argument(help="By its code: SEK.")]
Since = Annotated[str, typer.Argument(help="The day from which it holds: 2026-03-01.")]
Home = Annotated[str, typer.Option("--home", help="The currency in which all are counted, where it is another one.")]


@command(app, "list")
def list_(session: Session, currency: Annotated[str, typer.Argument(help="Only this one.")] = "") -> None:
    """List the rates in force."""
    body = session.api.get(_path())
    found = [one for one in results(body) if currency.upper() in ("", one["currency"])]
    session.answer({**body, "results": found}, lambda: _table(body["home"], found))


@command(app)
def add(
    session: Session,
    currency: Currency,
    since: Since,
    rate: Annotated[str, typer.Argument(help="What one unit is worth: 0.092.")],
    home: Home = "",
) -> None:
    """Add a rate: crm rates add SEK 2026-03-01 0.092"""
    _put(session, {"rates": [{"currency": currency, "since": since, "rate": rate}]}, home)


@command(app)
def remove(session: Session, currency: Currency, since: Since) -> None:
    """Take a rate away: crm rates remove SEK 2026-03-01"""
    _put(session, {"rates": [{"currency": currency, "since": since, "rate": None}]}, "")


@command(app)
def load(
    session: Session,
    file: Annotated[Path, typer.Argument(help="CSV with the columns currency, since, rate.")],
    home: Home = "",
) -> None:
    """Add the rates of a file: crm rates load rates.csv --home EUR"""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{file} cannot be read as UTF-8: {error}") from error
    _put(session, {"csv": text}, home)


@command(app)
def progress(session: Session) -> None:
    """Show how far deals have followed the rates put in last."""
    body = session.api.get(_path("revaluation"))
    session.answer(body, lambda: _progress(body))


def _put(session: Session, asked: dict[str, Any], home: str) -> None:
    body = session.api.put(_path(), asked | ({"home": home.upper()} if home else {}))
    count = len(results(body))
    session.answer(body, lambda: Text(f"{count:,} rates in {body['home']} are in force; deals follow soon"))


def _table(home: str, found: list[dict[str, Any]]) -> RenderableType:
    rows = [(one["currency"], one["since"], one["rate"]) for one in found]
    return rows_table(("Currency", "From", f"Worth in {home}"), rows)


def _progress(body: Mapping[str, Any]) -> RenderableType:
    if body["state"] == "none":
        return Text("no rates were ever put in")
    deals = "still being found" if body["deals"] is None else f"{body['looked_at']:,} of {body['deals']:,}"
    row = (body["state"], ", ".join(body["currencies"]), deals, f"{body['changed']:,}", minute(body["updated_at"]))
    return rows_table(("State", "Currencies", "Deals looked at", "Changed", "Last", "Why"), [(*row, body["reason"])])


def _path(*parts: str) -> str:
    return path_of("opportunities", "rates", *parts)
