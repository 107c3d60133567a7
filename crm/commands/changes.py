"""`crm change`: the same values for all that fits a filter. `crm changes`: what became of that, and steering it."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from crm.api import path_of
from crm.bars import bars
from crm.command import command, group
from crm.commands.write import Words, written
from crm.present import rows_table
from crm.question import filter_body
from crm.session import Session

app = group("Mass changes: show, pause, resume, cancel, undo them.")
LEFT = 130
EVERY = 0.25
MOST = 10
COUNTS = ("updated", "unchanged", "rejected")
Filter = Annotated[str, typer.Argument(help="Such as: lifecycle_stage = lead and city in (北京, Berlin)")]
Dry = Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def change(session: Session, type: str, filter: Filter, values: Words, dry_run: Dry = False, yes: Yes = False) -> None:
    """Change everything that fits: crm change contact 'lifecycle_stage = lead and city = Berlin' tier=gold --dry-run

    Runs in the background; a word with nothing after = clears. It can be undone: crm changes undo contact 7
    """
    vocabulary = session.vocabulary(type)
    asked = filter_body(session, vocabulary, filter)
    if asked is None:
        raise typer.BadParameter("a filter is needed; `id is set` is everything")
    body = {"filter": asked, "values": written(vocabulary, values), "dry_run": dry_run}
    if not (dry_run or yes or session.as_json) and sys.stdin.isatty():
        question = {"filter": asked, "limit": 1, "total": "exact", "attributes": []}
        total = session.api.post(path_of("objects", type, "query"), question)["total"]
        typer.confirm(f"{total:,} fit. Change them?", abort=True, err=True)
    begun = session.api.post(path_of("objects", type, "bulk-update"), body)
    _answer(session, _rest(session, type, begun))


@command(app)
def show(
    session: Session,
    type: str,
    id: str,
    watch: Annotated[bool, typer.Option("--watch", help="Until it has come to rest.")] = False,
) -> None:
    """Show one mass change; --watch follows it."""
    body = session.api.get(_path(type, id))
    _answer(session, _rest(session, type, body) if watch else body)


@command(app)
def pause(session: Session, type: str, id: str) -> None:
    """Stop taking new entities, for now."""
    _answer(session, _steered(session, type, id, "pause"))


@command(app)
def resume(session: Session, type: str, id: str) -> None:
    """Go on."""
    _answer(session, _rest(session, type, _steered(session, type, id, "resume")))


@command(app)
def cancel(session: Session, type: str, id: str) -> None:
    """Stop for good; what was changed stays, and can be undone."""
    _answer(session, _steered(session, type, id, "cancel"))


@command(app)
def undo(session: Session, type: str, id: str) -> None:
    """Put back what it changed, except what somebody changed since."""
    _answer(session, _rest(session, type, _steered(session, type, id, "undo")))


def _path(type_name: str, ident: str, *more: str) -> str:
    return path_of("objects", type_name, "bulk-update", ident, *more)


def _steered(session: Session, type_name: str, ident: str, verb: str) -> dict[str, Any]:
    return dict(session.api.post(_path(type_name, ident, verb), {}))


def _rest(session: Session, type_name: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Watch until it rests; who leaves is told how to come back."""
    ident = str(body["id"])
    try:
        with bars(session, remaining=True) as progress:
            task = progress.add_task("change", total=None)
            while body["state"] == "running":
                progress.update(task, total=body["total"], completed=body["counts"]["rows"], description=body["phase"])
                time.sleep(EVERY)
                body = session.api.get(_path(type_name, ident))
            progress.update(task, total=body["total"], completed=body["counts"]["rows"], description=body["state"])
    except KeyboardInterrupt:
        told = f"it goes on by itself: crm changes show {type_name} {ident} --watch; crm changes cancel ends it"
        session.errors.print(told, highlight=False)
        raise typer.Exit(LEFT) from None
    return body


def _answer(session: Session, body: Mapping[str, Any]) -> None:
    session.answer(body, lambda: _shown(body))
    if body["state"] == "failed":
        raise typer.Exit(1)


def _shown(body: Mapping[str, Any]) -> RenderableType:
    counts = body["counts"]
    titles = ["Rows", *map(str.capitalize, COUNTS)]
    row = [f"{counts['rows']:,}", *(f"{counts[name]:,}" for name in COUNTS)]
    phase = {"dry": ", dry run", "undo": ", undo"}.get(body["phase"], "")
    parts: list[RenderableType] = [rows_table(titles, [row], f"change {body['id']}{phase}: {body['state']}")]
    if body["errors"]:
        wrong = ((one["id"], one["name"], one["code"], one["message"]) for one in body["errors"][:MOST])
        parts.append(rows_table(("Id", "Attribute", "Code", "Reason"), wrong, "What was wrong"))
    if body["kept"]:
        kept = ((one["id"], one["name"]) for one in body["kept"][:MOST])
        parts.append(rows_table(("Id", "Attribute"), kept, "Left alone, for it was changed since"))
    if body["reason"]:
        parts.append(Text(body["reason"], style="red"))
    return Group(*parts)
