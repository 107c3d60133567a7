"""`crm types`: which entity types there are, and adding one."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from crm.api import path_of, results
from crm.command import command, group
from crm.commands.status import services
from crm.present import rows_table
from crm.session import Session

app = group("Entity types: list them, add one.")


@command(app, "list")
def list_(session: Session) -> None:
    """List the entity types of all services."""
    asked = (session.api.get(path_of(service, "types")) for service in services(session))
    found = [one for answer in asked for one in results(answer)]
    rows = ([one["plural_label"], one["name"], one["plural"], one.get("wire_id", "")] for one in found)
    session.answer({"results": found}, lambda: rows_table(("Type", "Name", "In paths", "Id"), rows))


@command(app)
def add(
    session: Session,
    label: str,
    name: Annotated[str, typer.Option("--name", help="Internal name; made from the label when left out.")] = "",
    plural: Annotated[str, typer.Option("--plural", help="The name of many, in paths.")] = "",
    plural_label: Annotated[str, typer.Option("--plural-label", help="What many are called.")] = "",
    description: Annotated[str, typer.Option("--description")] = "",
) -> None:
    """Add an entity type: crm types add Machine --plural-label Machines"""
    given = {"name": name, "plural": plural, "plural_label": plural_label, "description": description}
    body = session.api.post(path_of("types"), {"label": label} | {key: text for key, text in given.items() if text})
    session.answer(
        body, lambda: Text(f"type {body['name']} added; its entities are at /api/v1/objects/{body['plural']}")
    )
