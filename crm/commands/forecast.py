"""`crm forecast`: what may be won in a period, as of any day, and why that changed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any

import typer
from rich.console import RenderableType
from rich.text import Text

from crm.api import path_of
from crm.present import plain_table
from crm.session import Session
from services.opportunities.domain.money import exact

CATEGORIES = ("PIPELINE", "BEST_CASE", "COMMIT", "CLOSED", "OMIT")
_TITLES = ("Pipeline", "Best case", "Commit", "Closed", "Omitted")
_SPAN = re.compile(r"(\d{4})(?:-(?:Q([1-4])|(\d{2})))?")
_MONTHS = 12

Period = Annotated[str, typer.Argument(help="2026, 2026-Q2, 2026-04, or 2026-04-01..2026-06-30 (both days count).")]
By = Annotated[str, typer.Option("--by", help="Break down by owner, team, pipeline, stage or month.")]
AsOf = Annotated[str, typer.Option("--as-of", help="As the deals stood then: 2026-05-01, or an instant.")]
Since = Annotated[str, typer.Option("--since", help="Why it is another than then: a waterfall, up to --as-of or now.")]


def forecast(
    session: Session,
    period: Period,
    by: By = "",
    pipeline: Annotated[str, typer.Option("--pipeline", help="Only deals of this pipeline.")] = "",
    owner: Annotated[str, typer.Option("--owner", help="Only deals of this owner, by id.")] = "",
    team: Annotated[str, typer.Option("--team", help="Only deals of this team, by id.")] = "",
    as_of: AsOf = "",
    since: Since = "",
) -> None:
    """Forecast a period: crm forecast 2026-Q2 --by owner --as-of 2026-05-01"""
    begins, ends = span(period)
    asked: dict[str, Any] = {"from": begins.isoformat(), "to": ends.isoformat()}
    asked |= {"pipeline": pipeline or None, "owner": owner or None, "team": team or None}
    path = path_of("opportunities", "forecast")
    if since:
        body = session.api.get(f"{path}/waterfall", **asked, since=instant(since), until=instant(as_of))
        session.answer(body, lambda: _waterfall(period, body))
    else:
        body = session.api.get(path, **asked, by=by or None, as_of=instant(as_of))
        session.answer(body, lambda: _forecast(period, by, body))


def span(text: str) -> tuple[date, date]:
    """The first day of a period, and the first one after it. Raises BadParameter."""
    try:
        first, dots, last = text.partition("..")
        if dots:
            return date.fromisoformat(first), date.fromisoformat(last) + timedelta(days=1)
        match = _SPAN.fullmatch(text)
        if match is None:
            raise ValueError(text)
        year, quarter, month = int(match[1]), match[2], match[3]
        begin, months = (3 * int(quarter) - 2, 3) if quarter else (int(month), 1) if month else (1, _MONTHS)
        after = begin + months - 1
        return date(year, begin, 1), date(year + after // _MONTHS, after % _MONTHS + 1, 1)
    except (ValueError, OverflowError):
        message = f"{text!r} is no period: say 2026, 2026-Q2, 2026-04 or 2026-04-01..2026-06-30"
        raise typer.BadParameter(message) from None


def instant(text: str) -> str | None:
    """A day is its beginning, in UTC."""
    return (f"{text}T00:00:00Z" if len(text) == len("2026-01-01") else text) or None


@exact
def _forecast(period: str, by: str, body: Mapping[str, Any]) -> RenderableType:
    table = plain_table(by.capitalize() or "", *_TITLES, "Deals", "Weighted", title=f"{period}, as of {body['as_of']}")
    for column in table.columns[1:]:
        column.justify = "right"
    for one in body["results"]:
        found = one["categories"]
        amounts = [_number(found[name]["amount"]) if name in found else "" for name in CATEGORIES]
        count = sum(total["count"] for total in found.values())
        weighted = sum((Decimal(total["weighted"]) for total in found.values()), Decimal(0))
        group = one["group"] or ("(none)" if by else "All")
        table.add_row(*map(Text, (group, *amounts, f"{count:,}", _number(weighted))))
    return table


def _waterfall(period: str, body: Mapping[str, Any]) -> RenderableType:
    table = plain_table("", "Amount", "Deals", title=f"{period}, from {body['since']} to {body['until']}")
    for column in table.columns[1:]:
        column.justify = "right"
    table.add_row("Opening", _number(body["opening"]), "")
    for one in body["parts"]:
        table.add_row(Text(one["part"]), _number(one["amount"], "+"), f"{one['count']:,}")
    table.add_row("Closing", _number(body["closing"]), "")
    return table


def _number(amount: Any, sign: str = "") -> str:
    return f"{Decimal(amount):{sign},.2f}"
