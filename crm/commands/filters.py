"""`crm filters`: saved filters, each with the number of entities that fit it right now."""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic as time_now
from time import sleep
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from crm.command import command, group
from crm.commands.report import put_aside
from crm.present import rows_table
from crm.question import filter_body
from crm.session import Session

PATH = "/reporting/v1/filters"
LOOK_EVERY = 0.25

app = group("Saved filters, with the number of entities that fit, kept exact from events.")

Type = Annotated[str, typer.Option("--type", help="Only filters over this entity type.")]
Fresh = Annotated[str, typer.Option("--fresh", help="any, bounded (two seconds), bounded(30s) or strong.")]


@command(app, "list")
def list_(session: Session, type: Type = "", fresh: Fresh = "any") -> None:
    """List filters with their numbers, all of one moment."""
    narrowed = f"&type={quote(type, safe='')}" if type else ""
    body = session.api.get(f"{PATH}?fresh={quote(fresh)}{narrowed}")
    session.answer(body, lambda: _shown(body))


def _shown(body: Mapping[str, Any]) -> RenderableType:
    titles = ("Name", "Label", "Entities", "Fit", "State")
    table = rows_table(titles, map(_line, body["results"]))
    table.columns[3].justify = "right"
    lag = "unknown" if body["lag_ms"] is None else f"{body['lag_ms']} ms"
    return Group(table, Text(f"complete up to {body['as_of'] or 'unknown'} (lag {lag}){put_aside(body)}", style="dim"))


def _line(one: Mapping[str, Any]) -> list[object]:
    count = "" if one["count"] is None else f"{one['count']:,}"
    return [one["name"], one["label"], one["entity_type"], count, one["error"] or one["state"]]


@command(app)
def save(
    session: Session,
    name: str,
    type: Annotated[str, typer.Argument(help="The entity type.")],
    filter: Annotated[str, typer.Argument(help="Such as: score > 50 and city in (北京, Berlin)")],
    label: Annotated[str, typer.Option("--label", help="What people call it.")] = "",
    wait: Annotated[float, typer.Option("--wait", min=0, help="Seconds to wait until it is counted.")] = 60.0,
) -> None:
    """Save a filter: crm filters save vip contact 'score > 50 and city = 北京'"""
    asked = filter_body(session, session.vocabulary(type), filter)
    made = session.api.post(PATH, {"name": name, "label": label, "entity_type": type, "filter": asked})
    deadline = time_now() + wait
    while made["state"] == "backfilling" and time_now() < deadline:
        sleep(LOOK_EVERY)
        made = session.api.get(f"{PATH}/{quote(name, safe='')}")
    count = made["state"] if made["count"] is None else f"{made['count']:,} fit"
    session.answer(made, lambda: Text(f"filter {made['name']}: {count}"))


@command(app)
def remove(session: Session, name: str) -> None:
    """Remove a filter."""
    session.api.delete(f"{PATH}/{quote(name, safe='')}")
    session.answer({"name": name, "removed": True}, lambda: Text(f"filter {name} removed"))
