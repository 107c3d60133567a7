"""`crm metrics`: which metrics there are, how they are defined, trusted, explained and retired."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from time import monotonic as time_now
from time import sleep
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.console import RenderableType
from rich.text import Text

from crm.command import command, group
from crm.commands.repairs import cells_told
from crm.commands.report import PATH, By, Measure, Where, bar, groups, measure_body
from crm.present import minute, plain_table, rows_table
from crm.question import filter_body
from crm.session import Session

LOOK_EVERY = 0.25
Wait = Annotated[float, typer.Option("--wait", min=0, help="Seconds to wait for the outcome.")]

metrics = group("Metrics: named numbers that are kept exact from events.")


@command(metrics, "list")
def list_(session: Session) -> None:
    """List metrics, with how far they are filled."""
    body = session.api.get(PATH)
    titles = ("Name", "Label", "Entities", "Measure", "Dimensions", "State", "Verified")
    session.answer(body, lambda: rows_table(titles, map(_metric, body["results"])))


def _metric(one: Mapping[str, Any]) -> list[object]:
    dimensions = ", ".join(part["name"] for part in one.get("dimensions", ()))
    left = f" ({one.get('to_backfill', '?')} left)" if one["state"] == "backfilling" else ""
    wrong = f", {one['verified_wrong']} wrong" if one.get("verified_wrong") else ""
    measure = " ".join(value for value in one["measure"].values() if isinstance(value, str))
    verified = minute(one.get("verified_at")) + wrong
    waits = f", catching up ({one['catching_up']} left)" if one.get("catching_up") else ""
    state = one["state"] + left + waits
    return [one["name"], one["label"], one.get("entity_type", ""), measure, dimensions, state, verified]


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
    unit: Annotated[str, typer.Option("--unit", help="percent, seconds, hours, days, or a currency such as EUR.")] = "",
    filter: Annotated[str, typer.Option("--filter", help="Only entities that fit, as in crm find.")] = "",
    wait: Annotated[float, typer.Option("--wait", min=0, help="Seconds to wait until it is ready.")] = 60.0,
) -> None:
    """Define a metric; it is filled from all entities at once, and kept by every change from then on."""
    body: dict[str, Any] = {
        "name": name,
        "entity_type": type,
        "measure": measure_body(measure),
        "dimensions": [one.strip() for one in by.split(",") if one.strip()],
        "time": {"attribute": time, "time_zone": zone},
    }
    body |= {key: value for key, value in (("label", label), ("unit", unit)) if value}
    if filter:
        body["filter"] = filter_body(session, session.vocabulary(type), filter)
    made = session.api.post(PATH, body)
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
    group = {key: values[-1] for key, values in groups(where).items()}
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
    """Compare a metric with all entities. Exit code 1: wrong, or still wrong after a repair."""
    path = f"{PATH}/{quote(name, safe='')}/verify"
    found = session.api.post(f"{path}?repair=true" if repair else path, {})
    if repair and found["wrong"]:
        found["after_repair"] = session.api.post(path, {})
    right = not found.get("after_repair", found)["wrong"]
    session.answer(found, lambda: Text("\n".join(_verified(found, right)), style="green" if right else "red"))
    if not right:
        raise typer.Exit(1)


def _verified(found: Mapping[str, Any], right: bool) -> list[str]:
    """What a verification of one metric found, group by group."""
    count = f"{found['wrong_groups']:,} wrong" if found["wrong"] else "all right"
    lines = [f"{found['groups']:,} groups, {count}", *cells_told({**found, "cells": found["wrong"]})]
    if "after_repair" not in found:
        return lines
    after = found["after_repair"]
    remains = cells_told({**after, "cells": after["wrong"]})
    return [*lines, "repaired; a second look found everything right" if right else "what remains:", *remains]


@command(metrics)
def retire(
    session: Session,
    name: str,
    ratios: Annotated[bool, typer.Option("--ratios", help="Retire the ratios that are made of it as well.")] = False,
) -> None:
    """Take a metric out of service."""
    session.api.delete(f"{PATH}/{quote(name, safe='')}" + ("?ratios=true" if ratios else ""))
    session.answer({"name": name, "retired": True}, lambda: Text(f"metric {name} retired"))


@command(metrics)
def rebuild(session: Session, name: str, wait: Wait = 300.0) -> None:
    """Build a metric anew beside the one that answers, compare both, let it take over. Exit code 1: they differed."""
    path = f"{PATH}/{quote(name, safe='')}/rebuild"
    session.api.post(path, {})
    found = _awaited(session, path, "filling", wait)
    told = found["comparison"]
    text = f"metric {name} version {found['version']}: {found['state']}"
    if told:
        right = f"{told['groups']:,} groups, the same as in version {told['version']}"
        text += "; " + (f"{told['differing']:,} groups DIFFERED from it" if told["differing"] else right)
    elif found["left"]:
        text += f"; {found['left']:,} of {found['entities']:,} entities are left"
    bad = bool(told and told["differing"]) or found["state"] == "failed"
    session.answer(found, lambda: Text(text, style="red" if bad else "green"))
    if bad:
        raise typer.Exit(1)


@command(metrics, "rebuild-replica")
def rebuild_replica(session: Session, source: str, wait: Wait = 300.0) -> None:
    """Compare everything kept of a service with it, entity by entity, and put right what differs. Exit code 1: did."""
    path = f"/reporting/v1/replica/{quote(source, safe='')}/rebuild"
    session.api.post(path, {})
    found = _awaited(session, path, "running", wait)
    text = (
        f"{source}: {found['state']}, {found['entities']:,} of {found['of']:,} entities, {found['repaired']} repaired"
    )
    lines = "\n".join([text, *found["differences"]])
    bad = bool(found["differences"]) or found["state"] == "failed"
    session.answer(found, lambda: Text(lines, style="red" if bad else "green"))
    if bad:
        raise typer.Exit(1)


def _awaited(session: Session, path: str, busy: str, seconds: float) -> Mapping[str, Any]:
    deadline = time_now() + seconds
    while (found := session.api.get(path))["state"] == busy and time_now() < deadline:
        sleep(LOOK_EVERY)
    return dict(found)
