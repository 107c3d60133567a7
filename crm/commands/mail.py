"""`crm mail`: e-mail of the service desk: what goes out and what became of it, what came in, sending once more."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Group
from rich.text import Text

from crm.api import path_of
from crm.command import command, group
from crm.present import minute, rows_table
from crm.session import Session

app = group("E-mail of the service desk: what goes out, what came in, sending once more what did not go.")

_ROOT = ("service_desk", "mail")
Limit = Annotated[int, typer.Option("--limit", min=1, max=500, help="How many.")]


@command(app)
def out(
    session: Session,
    state: Annotated[
        str, typer.Option("--state", help="queued, sent, failed, held, off, unaddressed or withdrawn.")
    ] = "",
    ticket: Annotated[str, typer.Option("--ticket", help="Of one ticket only.")] = "",
    limit: Limit = 50,
) -> None:
    """List what goes out, the latest first, and what became of it."""
    found = session.api.get(path_of(*_ROOT), state=state or None, ticket=ticket or None, limit=limit)
    titles = ("Id", "Ticket", "Entry", "To", "State", "Tries", "Queued", "Why")
    rows = [
        [one["id"], one["ticket"], one["entry"], one.get("to", ""), one["state"], one["attempts"],
         minute(one["queued_at"]), one.get("reason", "")]
        for one in found["results"]
    ]  # fmt: skip
    warning = [] if found["on"] else [Text(str(found["problem"]), style="yellow")]
    session.answer(found, lambda: Group(*warning, rows_table(titles, rows)))


@command(app)
def came(
    session: Session,
    outcome: Annotated[str, typer.Option("--outcome", help="opened, added or dropped.")] = "",
    limit: Limit = 50,
) -> None:
    """List what came in, the latest first: also what was dropped, since a machine wrote it."""
    found = session.api.get(path_of("service_desk", "messages"), outcome=outcome or None, limit=limit)
    titles = ("When", "From", "Machine", "Outcome", "Ticket", "Message id")
    rows = [
        [minute(one["at"]), one["sender"], "yes" if one["automatic"] else "", one["outcome"], one["ticket"] or "",
         one["message_id"]]
        for one in found["results"]
    ]  # fmt: skip
    session.answer(found, lambda: rows_table(titles, rows))


@command(app)
def resend(
    session: Session,
    ids: Annotated[list[str] | None, typer.Argument(help="Ids of messages, as `crm mail out` lists them.")] = None,
    state: Annotated[str, typer.Option("--all", help="All of a state instead: failed, held, off.")] = "",
) -> None:
    """Queue messages once more that did not go: after the server, the address or the settings were put right."""
    if bool(ids) == bool(state):
        raise typer.BadParameter("name messages, or a state with --all")
    chosen = ids or [str(one["id"]) for one in _all(session, state)]
    sent = [session.api.post(path_of(*_ROOT, ident, "resend"), {}) for ident in chosen]
    session.answer({"results": sent}, lambda: Text(f"queued once more: {len(sent)}"))


def _all(session: Session, state: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    before: str | None = None
    while True:
        page = session.api.get(path_of(*_ROOT), state=state, before=before, limit=500)["results"]
        if not page:
            return found
        found += page
        before = str(page[-1]["id"])
