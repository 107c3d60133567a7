"""`crm token`: who may use the API, and for what."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.text import Text

from crm.api import path_of
from crm.command import command, group
from crm.present import minute, rows_table
from crm.session import Session

app = group("Tokens: who may use the API, and for what.")


@command(app)
def create(
    session: Session,
    name: str,
    scope: Annotated[
        list[str], typer.Option("--scope", help="A right, such as crm.objects.contacts.read. May repeat.")
    ],
    expires: Annotated[str, typer.Option("--expires", help="When it stops working: 2030-01-31T00:00:00Z.")] = "",
) -> None:
    """Make a token. Its text is shown this once and kept nowhere."""
    wanted = {"name": name, "scopes": scope} | ({"expires_at": expires} if expires else {})
    body = session.api.post(path_of("tokens"), wanted)
    head = f"token {body['id']} {body['name']!r}; this is shown once:\n"
    session.answer(body, lambda: Text.assemble(head, (body["token"], "bold")))


@command(app, "list")
def list_(session: Session) -> None:
    """List tokens, without their texts."""
    found: list[dict[str, Any]] = []
    after: str | None = None
    while True:
        page = session.api.get(path_of("tokens"), after=after)
        found += page["results"]
        after = page.get("next_after")
        if not after:
            break
    titles = ("Id", "Name", "Scopes", "Created", "Expires", "Revoked")
    rows = ([one["id"], one["name"], " ".join(one["scopes"]), *map(minute, _instants(one))] for one in found)
    session.answer({"results": found}, lambda: rows_table(titles, rows))


@command(app)
def revoke(session: Session, id: str) -> None:
    """Make a token useless, everywhere, within a second."""
    session.api.delete(path_of("tokens", id))
    session.answer({"id": id, "revoked": True}, lambda: Text(f"token {id} revoked"))


def _instants(one: dict[str, Any]) -> tuple[str | None, ...]:
    return one["created_at"], one.get("expires_at"), one.get("revoked_at")
