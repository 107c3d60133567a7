"""`crm report`: a metric as a table with bars, and how fresh it is; `crm metrics`: which there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from time import monotonic as time_now
from time import sleep
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from crm.command import command, group
from crm.present import minute, plain_table, rows_table
from crm.session import Session

PATH = "/reporting/v1/metrics"
BAR = 30
LOOK_EVERY = 0.25
NO_VALUE = "(none)"

metrics = group("Metrics: named numbers that are kept exact from events.")

By = Annotated[str, typer.Option("--by", help="Dimensions to break down by, parted by commas.")]
Where = Annotated[list[str], typer.Option("--where", help="Only a group: city=Berlin; city= for none. May repeat.")]
Period = Annotated[str, typer.Option("--period", help="2026, 2026-Q1, 2026-03, last 30 days, 2026-01..2026-06 ...")]
Series = Annotated[str, typer.Option("--series", help="day, week, month, quarter or year.")]
Compare = Annotated[str, typer.Option("--compare", help="previous or year_before; needs --period.")]
AsOf = Annotated[str, typer.Option("--as-of", help="As it was at the end of that day: 2026-03-31.")]
Top = Annotated[int, typer.Option("--top", min=0, help="Only so many groups.")]
Sort = Annotated[str, typer.Option("--sort", help="value, -value, group or -group.")]
Measure = Annotated[str, typer.Option("--measure", help="count, or sum:attribute, average:, min:, max:, distinct:")]
Fresh = Annotated[str, typer.Option("--fresh", help="any, bounded (two seconds) or strong.")]


def report(
    session: Session,
    metric: str,
    by: By = "",
    where: Where = [],  # noqa: B006 (typer copies it)
    period: Period = "",
    series: Series = "",
    compare: Compare = "",
    as_of: AsOf = "",
    top: Top = 0,
    sort: Sort = "",
    fresh: Fresh = "any",
) -> None:
    """Ask a metric: crm report contacts_by_city --by city --period 'last 30 days'"""
    question: dict[str, Any] = {"by": [one.strip() for one in by.split(",") if one.strip()]}
    asked = {"period": period, "series": series, "compare": compare, "as_of": as_of, "top": top, "sort": sort}
    question |= {key: value for key, value in asked.items() if value}
    if where:
        question["where"] = _groups(where)
    body = session.api.post(f"{PATH}/{quote(metric, safe='')}/query?fresh={quote(fresh)}", question)
    session.answer(body, lambda: _shown(body))


def _groups(given: Sequence[str]) -> dict[str, list[str | None]]:
    found: dict[str, list[str | None]] = {}
    for one in given:
        name, sign, value = one.partition("=")
        if not sign:
            raise typer.BadParameter(f"{one!r} is not of the form dimension=value")
        found.setdefault(name.strip(), []).append(value or None)
    return found


def _shown(body: Mapping[str, Any]) -> RenderableType:
    rows, columns = body["rows"], body["by"]
    compared = bool(rows) and "previous" in rows[0]
    table = plain_table(*columns, "Value", *(("Before", "Change") if compared else ()), "", title=body["label"])
    for column in table.columns[len(columns) : -1]:
        column.justify = "right"
    most = max((abs(number) for row in rows if (number := _number(row["value"])) is not None), default=Decimal(0))
    for row in rows:
        cells = [Text(NO_VALUE, style="dim") if one is None else Text(one) for one in row["group"].values()]
        more = [Text(row["previous"] or ""), Text(_percent(row["change"]))] if compared else []
        table.add_row(*cells, Text(row["value"] or ""), *more, bar(row["value"], most))
    return Group(table, Text(freshness(body), style="dim"))


def bar(value: str | None, most: Decimal) -> Text:
    """A bar as long as the value's share of the greatest; red below zero."""
    number = _number(value)
    if number is None or not most:
        return Text("")
    eighths = int(abs(number) / most * BAR * 8)
    whole, rest = divmod(eighths, 8)
    return Text("█" * whole + (" ▏▎▍▌▋▊▉"[rest] if rest else ""), style="red" if number < 0 else "cyan")


def _number(value: str | None) -> Decimal | None:
    try:
        return None if value is None else Decimal(value)
    except InvalidOperation:
        return None


def _percent(change: str | None) -> str:
    return "" if change is None else f"{Decimal(change) * 100:+.1f} %"


def freshness(body: Mapping[str, Any]) -> str:
    """How old the numbers may be, and when they were last compared with the entities."""
    lag = "unknown" if body["lag_ms"] is None else f"{body['lag_ms']} ms"
    verified = minute(body["verified_at"]) or "never"
    day = f", as it was on {body['as_of_day']}" if body.get("as_of_day") else ""
    complete = f"complete up to {body['as_of'] or 'unknown'} (lag {lag}){day}"
    return f"{complete}; verified {verified}; version {body['definition_version']}"


@command(metrics, "list")
def list_(session: Session) -> None:
    """List metrics, with how far they are filled."""
    body = session.api.get(PATH)
    titles = ("Name", "Label", "Entities", "Measure", "Dimensions", "State", "Verified")
    session.answer(body, lambda: rows_table(titles, map(_metric, body["results"])))


def _metric(one: Mapping[str, Any]) -> list[object]:
    dimensions = ", ".join(part["name"] for part in one.get("dimensions", ()))
    left = f" ({one['to_backfill']} left)" if one["state"] == "backfilling" else ""
    wrong = f", {one['verified_wrong']} wrong" if one.get("verified_wrong") else ""
    measure = " ".join(one["measure"].values())
    verified = minute(one.get("verified_at")) + wrong
    return [one["name"], one["label"], one.get("entity_type", ""), measure, dimensions, one["state"] + left, verified]


@command(metrics)
def define(
    session: Session,
    name: str,
    type: Annotated[str, typer.Option("--type", help="The entity type that is counted.")],
    measure: Measure = "count",
    by: By = "",
    time: Annotated[str, typer.Option("--time", help="The date that periods are about.")] = "created_at",
    zone: Annotated[str, typer.Option("--zone", help="Time zone of its days.")] = "UTC",
    label: Annotated[str, typer.Option("--label", help="What people call it.")] = "",
    wait: Annotated[float, typer.Option("--wait", min=0, help="Seconds to wait until it is ready.")] = 60.0,
) -> None:
    """Define a metric; it is filled from all entities at once, and kept by every change from then on."""
    kind, _, attribute = measure.partition(":")
    body: dict[str, Any] = {
        "name": name,
        "entity_type": type,
        "measure": {"kind": kind, "attribute": attribute} if attribute else {"kind": kind},
        "dimensions": [one.strip() for one in by.split(",") if one.strip()],
        "time": {"attribute": time, "time_zone": zone},
    }
    made = session.api.post(PATH, {**body, "label": label} if label else body)
    deadline = time_now() + wait
    while made["state"] == "backfilling" and time_now() < deadline:
        sleep(LOOK_EVERY)
        made = session.api.get(f"{PATH}/{quote(name, safe='')}")
    session.answer(made, lambda: Text(f"metric {made['name']} version {made['version']}: {made['state']}"))


@command(metrics)
def changes(
    session: Session,
    name: str,
    period: Annotated[str, typer.Option("--period", help="today, this week, last 30 days, 2026-03 ...")] = "this week",
    where: Where = [],  # noqa: B006 (typer copies it)
) -> None:
    """Show what changed a number, by cause; the parts sum exactly."""
    group = {key: values[-1] for key, values in _groups(where).items()}
    body = session.api.post(f"{PATH}/{quote(name, safe='')}/changes", {"period": period, "group": group})
    session.answer(body, lambda: _waterfall(body))


def _waterfall(body: Mapping[str, Any]) -> RenderableType:
    days = f"{body['period']['first']} to {body['period']['last']}"
    table = plain_table("Cause", "Entities", "Value", "", title=f"{body['metric']}, {days}")
    table.columns[1].justify = table.columns[2].justify = "right"
    most = max((abs(Decimal(part["value"])) for part in body["parts"]), default=Decimal(0))
    table.add_row("before", "", body["before"], "")
    for part in body["parts"]:
        table.add_row(part["cause"], f"{part['n']:+d}", f"{Decimal(part['value']):+f}", bar(part["value"], most))
    table.add_row("after", "", body["after"], "")
    return table


@command(metrics)
def verify(
    session: Session,
    name: str,
    repair: Annotated[bool, typer.Option("--repair", help="Put wrong cells right.")] = False,
) -> None:
    """Compare a metric with all entities."""
    found = session.api.post(f"{PATH}/{quote(name, safe='')}/verify" + ("?repair=true" if repair else ""), {})
    wrong = len(found["wrong"])
    text = f"{found['groups']} groups, " + ("all right" if not wrong else f"{wrong} wrong")
    session.answer(found, lambda: Text(text, style="red" if wrong else "green"))
    if wrong:
        raise typer.Exit(1)


@command(metrics)
def retire(session: Session, name: str) -> None:
    """Take a metric out of service."""
    session.api.delete(f"{PATH}/{quote(name, safe='')}")
    session.answer({"name": name, "retired": True}, lambda: Text(f"metric {name} retired"))
