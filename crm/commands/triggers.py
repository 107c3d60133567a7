"""`crm triggers`: what the service desk does by itself, what fired and why, and what would have been done."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import RenderableType
from rich.text import Text

from crm.api import path_of
from crm.command import command, group
from crm.declaring import File, read_file
from crm.present import minute, rows_table
from crm.session import Session

app = group("Triggers of the service desk: what is done by itself when something happens, or time has passed.")

_ROOT = ("service_desk", "triggers")
Name = Annotated[str, typer.Argument(help="The trigger's name.")]


@command(app, "list")
def list_(session: Session) -> None:
    """List triggers, in the order in which they fire."""
    body = session.api.get(path_of(*_ROOT))
    ordered = sorted(body["results"], key=lambda one: (one["body"].get("order", 0), int(one["id"])))
    session.answer(body, lambda: rows_table(("Name", "Label", "On", "Enabled", "Version", "Does"), map(_line, ordered)))


def _line(one: Mapping[str, Any]) -> list[object]:
    body = one["body"]
    on = body.get("on")
    does = ", ".join(next(iter(action)) for action in body.get("actions", ()))
    enabled = "yes" if body.get("enabled", True) else "no"
    kinds = on if isinstance(on, str) else ", ".join(on or ())
    return [one["name"], body.get("label") or "", kinds, enabled, one["version"], does]


@command(app)
def show(session: Session, name: Name) -> None:
    """Show a trigger as it was declared."""
    body = session.api.get(path_of(*_ROOT, name))
    session.answer(body, lambda: _declared(body))


def _declared(body: Mapping[str, Any]) -> RenderableType:
    rows = [[key, value] for key, value in body["body"].items()]
    told = [["since", minute(body["declared_at"])], ["readable", "yes" if body["readable"] else "no"]]
    return rows_table(("What", "Value"), [*rows, *told], title=f"{body['name']}, version {body['version']}")


@command(app)
def fired(
    session: Session,
    trigger: Annotated[str, typer.Option("--trigger", help="Of one trigger only.")] = "",
    ticket: Annotated[str, typer.Option("--ticket", help="Of one ticket only.")] = "",
    outcome: Annotated[str, typer.Option("--outcome", help="Only: done, failed or stopped.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="How many, the latest first.")] = 30,
) -> None:
    """What fired, why, and what came of it: crm triggers fired --outcome failed"""
    given = {"trigger": trigger or None, "ticket": ticket or None, "outcome": outcome or None, "limit": limit}
    body = session.api.get(path_of(*_ROOT, "fired"), **given)
    titles = ("When", "Trigger", "Ticket", "Why", "Outcome", "What")
    session.answer(body, lambda: rows_table(titles, map(_row, body["results"])))


def _row(one: Mapping[str, Any]) -> list[object]:
    why = one["why"]
    changed = ", ".join(why.get("changed", ()))
    did = one["did"] or {}
    done = [
        *did.get("changed", ()),
        *(entry["visibility"].lower() for entry in did.get("said", ())),
        *did.get("told", ()),
    ]
    what = one["reason"] or ", ".join(done)
    return [minute(one["at"]), one["trigger"], one["ticket"], f"{why['on']} {changed}".strip(), one["outcome"], what]


@command(app)
def declare(session: Session, file: File) -> None:
    """Declare a trigger, or another version of one, from a file of JSON."""
    made = session.api.post(path_of(*_ROOT), read_file(file))
    session.answer(made, lambda: Text(f"trigger {made['name']}, version {made['version']}"))


@command(app)
def enable(session: Session, name: Name) -> None:
    """Let a trigger fire again, for what happens from now on."""
    _switch(session, name, on=True)


@command(app)
def disable(session: Session, name: Name) -> None:
    """Let a trigger fire no more, not for what is waiting in the log either."""
    _switch(session, name, on=False)


def _switch(session: Session, name: str, *, on: bool) -> None:
    made = session.api.patch(path_of(*_ROOT, name), {"enabled": on})
    said = "enabled" if on else "disabled"
    session.answer(made, lambda: Text(f"trigger {made['name']} is {said}, version {made['version']}"))


@command(app, "try")
def try_(
    session: Session,
    file: Annotated[Path, typer.Argument(help="A file of JSON with a trigger that is not declared yet.")],
    days: Annotated[int, typer.Option("--days", min=1, max=90, help="Over what happened in so many days.")] = 7,
) -> None:
    """What a trigger would have done lately. Nothing is written."""
    body = session.api.post(path_of(*_ROOT, "try"), {"trigger": read_file(file), "days": days})
    title = f"{body['looked_at']:,} tickets looked at, it would have fired {body['fired']:,} times"
    rows = [[minute(one["at"]), one["ticket"], one["why"], _would(one["would"])] for one in body["results"][:50]]
    session.answer(body, lambda: rows_table(("When", "Ticket", "Why", "Would do now"), rows, title=title))


def _would(one: Mapping[str, Any] | None) -> str:
    if one is None or "error" in one:
        return "" if one is None else f"fail: {one['error']}"
    changed = [f"{name}: {old} > {new}" for name, (old, new) in one["changed"].items()]
    return "; ".join([*changed, *(entry["body"] for entry in one["said"])])
