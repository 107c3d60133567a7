"""`crm owner`: whom entities can be assigned to."""

from __future__ import annotations

from typing import Annotated

import typer

from crm.api import path_of
from crm.command import command, group
from crm.present import entity_card, entity_table
from crm.session import Session

app = group("Whom contacts, companies and the rest can be assigned to.")
COLUMNS = ("email", "first_name", "last_name")


@command(app)
def add(
    session: Session,
    email: str,
    first: Annotated[str, typer.Option("--first", help="First name.")] = "",
    last: Annotated[str, typer.Option("--last", help="Last name.")] = "",
) -> None:
    """Add an owner."""
    values = {"email": email, "first_name": first, "last_name": last}
    body = session.api.post(
        path_of("objects", "owners"), {"values": {name: text for name, text in values.items() if text}}
    )
    session.answer(body, lambda: entity_card(session.vocabulary("owners"), body, f"owner {body['id']} added"))


@command(app, "list")
def list_(session: Session, limit: Annotated[int, typer.Option("--limit", min=1, max=100)] = 100) -> None:
    """List owners."""
    body = session.api.post(path_of("objects", "owners", "query"), {"limit": limit, "attributes": list(COLUMNS)})
    session.answer(body, lambda: entity_table(session.vocabulary("owners"), COLUMNS, body["results"]))
