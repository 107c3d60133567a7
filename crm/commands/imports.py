"""`crm import`: a file becomes entities. `crm imports`: what became of files, and steering it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Group
from rich.text import Text

from crm.command import command, group
from crm.importing import options, words
from crm.importing.job import Imports
from crm.importing.journey import Journey, rest, write
from crm.importing.tables import ended_table, errors_table, imports_table, reason, undo_table
from crm.session import Session

app = group("Imports: list, watch, pause, resume, cancel, undo them; their errors.")


def import_(
    session: Session,
    file: words.File,
    type: words.Type = "",
    key: words.Key = "",
    map: words.Map = words.NOTHING,
    ignore: words.Ignore = words.NOTHING,
    value: words.Value = words.NOTHING,
    set: words.Set = words.NOTHING,
    link: words.LinkTo = words.NOTHING,
    missing: words.Missing = "",
    blank: words.Blank = words.NOTHING,
    clear_blanks: words.Clear = False,
    create_attributes: words.Create = False,
    mode: words.Mode = "",
    dry_run: words.Dry = False,
    effective_at: words.Since = "",
    date_format: words.Dates = words.NOTHING,
    decimal: words.Decimals = words.NOTHING,
    mapping: words.Kept = None,
    save_mapping: words.Save = None,
    errors: words.Errors = None,
    yes: words.Yes = False,
) -> None:
    """Import a file: crm import leads.csv --type contacts --key 'Prospect ID' --create-attributes --blank Select

    Shows what the file holds and what will be done, does it in the background, and ends with a table. Importing the
    same file again changes nothing.
    """
    asked = words.read(locals())  # one table of options instead of twenty arguments
    journey = Journey(session, file, asked, errors)
    journey.prepare()
    if save_mapping is not None:
        options.save(asked, save_mapping)
    if dry_run:
        journey.foresee()
    elif yes or session.as_json or not sys.stdin.isatty() or typer.confirm("Import it?", err=True):
        journey.carry_out()
    else:
        journey.drop()


@command(app, "list")
def list_(session: Session, limit: Annotated[int, typer.Option("--limit", min=1, max=200)] = 20) -> None:
    """List imports, the latest first."""
    found = Imports(session.api).latest(limit=limit)
    session.answer({"results": found}, lambda: imports_table(found))


@command(app)
def show(
    session: Session,
    id: str,
    watch: Annotated[bool, typer.Option("--watch", help="Until it has come to rest.")] = False,
) -> None:
    """Show one import; --watch follows it."""
    body = rest(session, id) if watch else Imports(session.api).get(id)
    session.answer(body, lambda: ended_table(body))


@command(app)
def start(session: Session, id: str) -> None:
    """Carry out what a dry run foretold, or what somebody prepared."""
    Imports(session.api).act(id, "start")
    body = rest(session, id)
    session.answer(body, lambda: ended_table(body))


@command(app)
def pause(session: Session, id: str) -> None:
    """Stop taking new rows, for now."""
    _steered(session, id, "pause")


@command(app)
def resume(session: Session, id: str) -> None:
    """Go on."""
    _steered(session, id, "resume")


@command(app)
def cancel(session: Session, id: str) -> None:
    """Stop for good; what was written stays, and can be undone."""
    _steered(session, id, "cancel")


@command(app)
def undo(session: Session, id: str) -> None:
    """Archive what it created and put back what it changed, except what somebody changed since."""
    Imports(session.api).act(id, "undo")
    body = rest(session, id)
    kept = Imports(session.api).kept(id)
    session.answer({**body, "kept": kept}, lambda: undo_table(body, kept))


@command(app)
def errors(
    session: Session,
    id: str,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the error file there.")] = None,
) -> None:
    """Show what was wrong with rows; --output writes the rejected rows, to be corrected and imported."""
    imports = Imports(session.api)
    if output is not None:
        write(output, imports.error_file(id))
        session.answer({"file": str(output)}, lambda: Text(str(output)))
        return
    body, found = imports.get(id), imports.errors(id, limit=100)
    session.answer(
        {"results": found, "error": body["error"]},
        lambda: Group(*reason(body), errors_table(found, len(found))),
    )


def _steered(session: Session, ident: str, verb: str) -> None:
    body = Imports(session.api).act(ident, verb)
    session.answer(body, lambda: Text(f"import {ident}: {body['state']}"))
