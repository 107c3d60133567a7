"""`crm attributes`: what can be said about entities of a type, and saying more."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.text import Text

from crm.api import path_of, results
from crm.command import command, group
from crm.present import rows_table
from crm.session import Session
from crm.vocabulary import Attribute

app = group("Attributes of a type: list them, add one.")
MOST_OPTIONS = 6


@command(app, "list")
def list_(session: Session, type: str) -> None:
    """List the attributes of a type."""
    found = results(session.api.get(path_of("types", type, "attributes")))
    rows = (_row(Attribute.read(one)) for one in found)
    session.answer({"results": found}, lambda: rows_table(("Label", "Name", "Type", "", "Options"), rows))


@command(app)
def add(
    session: Session,
    type: str,
    label: str,
    kind: Annotated[str, typer.Option("--type", help="string, number, date, enumeration...")] = "",
    name: Annotated[str, typer.Option("--name", help="Internal name; made from the label when left out.")] = "",
    option: Annotated[list[str], typer.Option("--option", help="A choice, or value=label. May repeat.")] = [],  # noqa: B006
    unique: Annotated[bool, typer.Option("--unique", help="No two entities may share a value.")] = False,
    searchable: Annotated[bool, typer.Option("--searchable", help="Found by free text.")] = False,
    description: Annotated[str, typer.Option("--description")] = "",
) -> None:
    """Add an attribute, usable at once: crm attributes add contact 预计收入 --type number"""
    wanted: dict[str, Any] = {"label": label}
    given = {"type": kind, "name": name, "unique": unique, "searchable": searchable, "description": description}
    wanted |= {key: value for key, value in given.items() if value}
    if option:
        wanted["options"] = [_option(one) for one in option]
    body = session.api.post(path_of("types", type, "attributes"), wanted)
    text = f"{type} has the attribute {body['label']} ({body['name']}, {body['type']})"
    session.answer(body, lambda: Text(text))


def _option(text: str) -> object:
    value, equals, label = text.partition("=")
    return {"value": value, "label": label} if equals else text


def _row(one: Attribute) -> tuple[str, ...]:
    marks = [word for word, holds in (("unique", one.unique), ("read-only", one.read_only)) if holds]
    if not one.builtin:
        marks.append("custom")
    labels = [label for _value, label in one.options]
    more = f", ... {len(labels) - MOST_OPTIONS} more" if len(labels) > MOST_OPTIONS else ""
    return one.label, one.name, one.kind, " ".join(marks), ", ".join(labels[:MOST_OPTIONS]) + more
