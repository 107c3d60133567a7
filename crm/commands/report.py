"""`crm report`: a metric, or what no metric covers, as a table with bars and totals, and how fresh it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from crm.present import minute, plain_table
from crm.question import filter_body
from crm.session import Session
from services.reporting.domain.showing import numeric, titled, written

PATH = "/reporting/v1/metrics"
ANY = "/reporting/v1/query"
BAR = 30
NO_VALUE = "(none)"
TOTAL = "total"
_LONGEST_NAME = 200
"""Characters of a group's name: a value may be a whole text, a table has lines."""
TIME = "time"

Name = Annotated[str, typer.Argument(help="The metric; none with --type.", show_default=False)]
By = Annotated[str, typer.Option("--by", help="Dimensions to break down by, parted by commas.")]
Where = Annotated[
    list[str],
    typer.Option("--where", help="Only a group: city=Berlin; city= for none; due=now..now+2h for a range. May repeat."),
]
Period = Annotated[str, typer.Option("--period", help="2026, 2026-Q1, 2026-03, last 30 days, 2026-01..2026-06 ...")]
Series = Annotated[str, typer.Option("--series", help="day, week, month, quarter or year.")]
Pivot = Annotated[str, typer.Option("--pivot", help="A dimension to lay across, or time for the series.")]
Compare = Annotated[str, typer.Option("--compare", help="previous or year_before; needs --period.")]
AsOf = Annotated[str, typer.Option("--as-of", help="As it was at the end of that day: 2026-03-31.")]
Top = Annotated[int, typer.Option("--top", min=0, help="Only so many groups; the others stand in one line.")]
Sort = Annotated[str, typer.Option("--sort", help="value, -value, group or -group.")]
Measure = Annotated[str, typer.Option("--measure", help="count, or sum:attribute, average:, min:, max:, distinct:")]
Fresh = Annotated[str, typer.Option("--fresh", help="any, bounded (two seconds), bounded(30s) or strong.")]
Type = Annotated[str, typer.Option("--type", help="Ask all entities of this type, without a metric.")]
Filter = Annotated[str, typer.Option("--filter", help="With --type: only those that fit, as in crm find.")]
Time = Annotated[str, typer.Option("--time", help="With --type: the date that periods are about.")]


def report(
    session: Session,
    metric: Name = "",
    by: By = "",
    where: Where = [],  # noqa: B006 (typer copies it)
    period: Period = "",
    series: Series = "",
    pivot: Pivot = "",
    compare: Compare = "",
    as_of: AsOf = "",
    top: Top = 0,
    sort: Sort = "",
    fresh: Fresh = "any",
    type: Type = "",
    measure: Measure = "count",
    filter: Filter = "",
    time: Time = "",
) -> None:
    """Ask a metric: crm report contacts_by_city --by city --period 'last 30 days'

    Or ask the entities, where no metric covers it: crm report --type deals --by stage --measure sum:amount
    """
    if bool(metric) is bool(type):
        raise typer.BadParameter("name a metric, or a type with --type")
    question: dict[str, Any] = {"by": [one.strip() for one in by.split(",") if one.strip()]}
    asked: dict[str, Any] = {"period": period, "series": series, "pivot": pivot, "compare": compare, "as_of": as_of}
    asked |= {"top": top, "sort": sort}
    question |= {key: value for key, value in asked.items() if value}
    if where:
        question["where"] = groups(where)
    if type:
        question |= _entities(session, type, measure, filter, time)
    path = f"{PATH}/{quote(metric, safe='')}/query" if metric else ANY
    body = session.api.post(f"{path}?labels=true&fresh={quote(fresh)}", question)
    session.answer(body, lambda: shown(body))


def _entities(session: Session, type_name: str, measure: str, text: str, time: str) -> dict[str, Any]:
    """What a question without a metric is about."""
    vocabulary = session.vocabulary(type_name)
    found: dict[str, Any] = {"entity_type": type_name, "measure": measure_body(measure)}
    asked = filter_body(session, vocabulary, text) if text else None
    if asked is not None:
        found["filter"] = asked
    return {**found, "time": {"attribute": vocabulary.find(time).name}} if time else found


def measure_body(text: str) -> dict[str, str]:
    """A measure as it is typed: `count`, or `sum:amount`."""
    kind, _, attribute = text.partition(":")
    return {"kind": kind, "attribute": attribute} if attribute else {"kind": kind}


def groups(given: Sequence[str]) -> dict[str, list[str | None]]:
    """Groups as they are typed: `city=Berlin`, with nothing behind the sign for those without a value."""
    found: dict[str, list[str | None]] = {}
    for one in given:
        name, sign, value = one.partition("=")
        if not sign:
            raise typer.BadParameter(f"{one!r} is not of the form dimension=value")
        found.setdefault(name.strip(), []).append(value or None)
    return found


def shown(body: Mapping[str, Any]) -> RenderableType:
    """An answer as a table, with what belongs to it below."""
    table = _across(body) if "columns" in body else _down(body)
    notes = [Text(freshness(body), style="dim")]
    for one in body.get("not_converted") or ():
        amount = written(one["amount"], one["currency"] or "")
        told = f"not converted, for want of a rate: {amount} of {one['n']:,} entities"
        notes.insert(0, Text(told, style="yellow"))
    return Group(table, *notes)


def _down(body: Mapping[str, Any]) -> Table:
    rows, unit = body["rows"], body.get("unit", "")
    compared = bool(rows) and "previous" in rows[0]
    table = plain_table(*body["by"], "Value", *(("Before", "Change") if compared else ()), "", title=body["label"])
    for column in table.columns[len(body["by"]) : -1]:
        column.justify = "right"
    most = max((abs(number) for row in rows if (number := numeric(row["value"])) is not None), default=Decimal(0))

    def line(head: Sequence[Text], row: Mapping[str, Any], style: str = "") -> None:
        more = [Text(written(row["previous"], unit)), Text(_percent(row["change"]))] if compared else []
        ahead = Text("") if style else bar(row["value"], most)
        table.add_row(*head, Text(written(row["value"], unit)), *more, ahead, style=style)

    for row in rows:
        line(_group(body, row), row)
    for head, row in _below(body):
        line(head, row, "dim")
    return table


def _across(body: Mapping[str, Any]) -> Table:
    """Rows by columns, with the totals of both."""
    unit = body.get("unit", "")
    titles = [_called(body, body["pivot"], one) for one in body["columns"]]
    table = plain_table(*body["by"], *titles, TOTAL, title=f"{body['label']}, by {body['pivot']}")
    for column in table.columns[len(body["by"]) :]:
        column.justify = "right"
    for head, row, style in [
        *((_group(body, row), row, "") for row in body["rows"]),
        *((head, row, "dim") for head, row in _below(body)),
    ]:
        table.add_row(*head, *(Text(written(one, unit)) for one in (*row["cells"], row["value"])), style=style)
    return table


def _group(body: Mapping[str, Any], row: Mapping[str, Any]) -> list[Text]:
    return [Text(_called(body, name, one), style="dim" if one is None else "") for name, one in row["group"].items()]


def _called(body: Mapping[str, Any], name: str, value: str | None) -> str:
    """A value of a dimension by its label; a span of time by its name."""
    if value is None:
        return NO_VALUE
    if name == TIME:
        return titled(value, body.get("series", ""))
    told = str(body.get("labels", {}).get(name, {}).get(value, value))
    return told if len(told) <= _LONGEST_NAME else told[: _LONGEST_NAME - 1] + "…"


def _below(body: Mapping[str, Any]) -> list[tuple[list[Text], Mapping[str, Any]]]:
    """What stands below the groups: the others that the top left out, and the total."""
    found = []
    if body.get("others"):
        others = body["others"]
        found.append((f"({others['groups']:,} {others['name']})", others))
    if body.get("total") and body["by"]:
        found.append((TOTAL, body["total"]))
    return [([Text(name), *[Text("")] * (len(body["by"]) - 1)], row) for name, row in found]


def bar(value: str | None, most: Decimal) -> Text:
    """A bar as long as the value's share of the greatest; red below zero."""
    number = numeric(value)
    if number is None or not most:
        return Text("")
    eighths = int(abs(number) / most * BAR * 8)
    whole, rest = divmod(eighths, 8)
    return Text("█" * whole + (" ▏▎▍▌▋▊▉"[rest] if rest else ""), style="red" if number < 0 else "cyan")


def _percent(change: str | None) -> str:
    return "" if change is None else f"{Decimal(change) * 100:+.1f} %"


def put_aside(body: Mapping[str, Any]) -> str:
    """What is missing in the numbers though everything before that moment was told; nothing when nothing is."""
    missing = body.get("incomplete")
    if not missing:
        return ""
    changes = "1 change" if missing["put_aside"] == 1 else f"{missing['put_aside']:,} changes"
    return f", but for {changes} put aside since {minute(missing['since'])} (crm bus letters)"


def freshness(body: Mapping[str, Any]) -> str:
    """How old the numbers may be, and when they were last compared with the entities."""
    lag = "unknown" if body["lag_ms"] is None else f"{body['lag_ms']} ms"
    day = f", as it was on {body['as_of_day']}" if body.get("as_of_day") else ""
    if "known_from" in body and (not body["known_from"] or body["as_of_day"] < body["known_from"]):
        day += f" (nothing was counted before {body['known_from'] or 'today'})"
    complete = f"complete up to {body['as_of'] or 'unknown'} (lag {lag}){put_aside(body)}{day}"
    waits = f"; catching up: {body['catching_up']:,} linked entities are left" if body.get("catching_up") else ""
    if not body["precomputed"]:
        return f"{complete}; worked out for this question{waits}"
    verified = minute(body["verified_at"]) or "never"
    return f"{complete}; verified {verified}; version {body['definition_version']}{waits}"
