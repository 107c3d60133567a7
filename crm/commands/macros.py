"""`crm macros`: canned replies and lists of actions that agents use again and again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.text import Text

from crm.api import path_of
from crm.command import command, group
from crm.declaring import File, read_file
from crm.present import rows_table
from crm.session import Session

app = group("Macros of the service desk: lists of actions done to tickets at once; and canned replies.")

_ROOT = ("service_desk", "macros")
_REPLIES = ("service_desk", "replies")


@command(app, "list")
def list_(session: Session) -> None:
    """List macros."""
    body = session.api.get(path_of(*_ROOT))
    rows = [
        [one["name"], one["body"].get("label") or "", one["version"], _does(one["body"])] for one in body["results"]
    ]
    session.answer(body, lambda: rows_table(("Name", "Label", "Version", "Does"), rows))


@command(app)
def replies(session: Session) -> None:
    """List canned replies."""
    body = session.api.get(path_of(*_REPLIES))
    rows = [[one["name"], one["version"], one["body"]["text"]] for one in body["results"]]
    session.answer(body, lambda: rows_table(("Name", "Version", "Text"), rows))


@command(app)
def declare(session: Session, file: File) -> None:
    """Declare a macro (with `actions`) or a canned reply (with `text`), or another version, from a file of JSON."""
    body = read_file(file)
    kind, root = ("macro", _ROOT) if "actions" in body else ("reply", _REPLIES)
    made = session.api.post(path_of(*root), body)
    session.answer(made, lambda: Text(f"{kind} {made['name']}, version {made['version']}"))


@command(app)
def apply(
    session: Session,
    name: Annotated[str, typer.Argument(help="The macro's name.")],
    tickets: Annotated[list[str], typer.Argument(help="Ids of tickets.")],
    preview: Annotated[bool, typer.Option("--preview", help="Say what it would do, and do nothing.")] = False,
) -> None:
    """Apply a macro to tickets, all of it to all of them or nothing: crm macros apply take-over 41 42 --preview"""
    body = session.api.post(path_of(*_ROOT, name, "apply"), {"tickets": tickets, "preview": preview})
    rows = [
        [one["ticket"], _changed(one["changed"]), "\n".join(said["body"] for said in one["said"])]
        for one in body["results"]
    ]
    title = "It would do" if preview else "Done"
    session.answer(body, lambda: rows_table(("Ticket", "Changed", "Said"), rows, title=title))


def _does(body: Mapping[str, Any]) -> str:
    return ", ".join(next(iter(one)) for one in body["actions"])


def _changed(changed: Mapping[str, Any]) -> str:
    return "; ".join(f"{name}: {old} > {new}" for name, (old, new) in changed.items())
