"""`crm erasures`: the ledger of people erased on request, carried over a restore, applied again, lifted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from crm.api import path_of
from crm.command import command, group
from crm.commands.status import services
from crm.present import minute, rows_table
from crm.session import Session

app = group("People erased on request: keep the ledger over a restore, erase again, lift a block.")

_AT_ONCE = 1000
File = Annotated[Path, typer.Argument(help="A file of the ledger; - for standard input or output.", allow_dash=True)]


@command(app)
def export(session: Session, file: File) -> None:
    """Write the ledger of every service to a file. It holds keyed hashes, no values: keep it with your backups."""
    lines = [
        json.dumps({"service": name, **entry}) + "\n"
        for name in services(session)
        for entry in _entries(session, name, "erasures")
    ]
    if str(file) == "-":
        typer.echo("".join(lines), nl=False)
        return
    file.write_text("".join(lines), encoding="utf-8")
    session.answer({"entries": len(lines)}, lambda: Text(f"erasures written to {file}: {len(lines)}"))


def _entries(session: Session, *path: str) -> Iterator[dict[str, Any]]:
    after: str | None = None
    while True:
        page = session.api.get(path_of(*path), after=after)
        yield from page["results"]
        after = page.get("next_after")
        if not after:
            return


@command(app, name="import")
def take_over(session: Session, file: File) -> None:
    """Take over an exported ledger; entries that are known stay as they are. Then run `crm erasures reapply`."""
    text = typer.get_text_stream("stdin").read() if str(file) == "-" else file.read_text(encoding="utf-8")
    by_service: dict[str, list[dict[str, Any]]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        try:
            entry = json.loads(line)
            by_service.setdefault(entry.pop("service"), []).append(entry)
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise typer.BadParameter(f"line {number} of {file} is no entry of an exported ledger") from error
    count = 0
    for service, entries in by_service.items():
        for start in range(0, len(entries), _AT_ONCE):
            body = {"entries": entries[start : start + _AT_ONCE]}
            count += session.api.post(path_of(service, "erasures"), body)["entries"]
    session.answer({"entries": count}, lambda: Text(f"erasures taken over: {count}"))


@command(app)
def reapply(session: Session) -> None:
    """Erase again whatever of the ledger is there: after a restore. May be run any number of times."""
    found = {name: session.api.post(path_of(name, "erasures", "reapply"), {}) for name in services(session)}
    rows = [[name, one["known"], one["erased"]] for name, one in found.items()]
    session.answer({"services": found}, lambda: rows_table(("Service", "Known", "Erased again"), rows))


@command(app)
def lift(
    session: Session,
    service: Annotated[str, typer.Argument(help="The service that keeps the type, such as contacts.")],
    type: Annotated[str, typer.Argument(help="Entity type.")],
    attribute: Annotated[str, typer.Argument(help="A unique attribute, such as email.")],
    value: Annotated[str, typer.Argument(help="The value that may be written again.")],
) -> None:
    """Let a value that was erased be written again, where the installation keeps such values out."""
    body = session.api.post(
        path_of(service, "erasures", "lift"), {"type": type, "attribute": attribute, "value": value}
    )
    session.answer(body, lambda: Text("it may be written again" if body["lifted"] else "it was not kept out"))


@command(app)
def review(
    session: Session, settle: Annotated[str, typer.Option("--settle", help="SERVICE/ID looked at.")] = ""
) -> None:
    """What was erased people's and others' too, for somebody to look at: crm erasures review --settle contacts/7"""
    if settle:
        service, _, ident = settle.partition("/")
        body = session.api.post(path_of(service, "erasures", "review", ident, "settle"), {})
        session.answer(body, lambda: Text("settled" if body["settled"] else "somebody had settled it before"))
        return
    found = [
        {"service": name, **one} for name in services(session) for one in _entries(session, name, "erasures", "review")
    ]
    rows = [
        [f"{one['service']}/{one['id']}", _named(one["erased"]), _named(one["entity"]), minute(one["at"])]
        for one in found
    ]
    session.answer({"results": found}, lambda: rows_table(("Id", "Erased", "Look at", "Since"), rows))


def _named(entity: dict[str, str]) -> str:
    return f"{entity['type']} {entity['id']}"
