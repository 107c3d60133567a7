"""`crm views`: saved views of a type, and looking through them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.text import Text

from crm.api import path_of, results
from crm.command import command, group
from crm.present import entity_table, rows_table
from crm.question import columns, filter_body, sort_body
from crm.session import Session

app = group("Saved views: a filter, an order and columns, under a name.")
Type = Annotated[str, typer.Argument(help="The entity type.")]


@command(app, "list")
def list_(session: Session, type: Type) -> None:
    """List the views of a type: crm views list tickets"""
    body = session.api.get(_path(type))
    session.answer(body, lambda: rows_table(("Name", "Shared", "Columns", "About"), map(_line, results(body))))


def _line(one: Mapping[str, Any]) -> list[object]:
    return [one["name"], "yes" if one["shared"] else "", ", ".join(one["attributes"] or ()), one["description"]]


@command(app)
def save(
    session: Session,
    type: Type,
    name: str,
    filter: Annotated[str, typer.Argument(help="Such as: priority = HIGH and owner_id = @me")] = "",
    sort: Annotated[list[str] | None, typer.Option("--sort", help="An attribute; -name is descending.")] = None,
    show: Annotated[str, typer.Option("--columns", help="Attributes, parted by commas.")] = "",
    shared: Annotated[bool, typer.Option("--shared", help="Others see it too.")] = False,
) -> None:
    """Save a view: crm views save tickets Hot 'priority = HIGH' --sort -id --shared"""
    vocabulary = session.vocabulary(type)
    asked: dict[str, Any] = {
        "filter": filter_body(session, vocabulary, filter),
        "sorts": [sort_body(vocabulary, one) for one in sort or ()],
        "shared": shared,
    }
    if show:
        asked["attributes"] = columns(vocabulary, show)
    body = session.api.put(_path(type, name), asked)
    session.answer(body, lambda: Text(f"view {body['name']} saved"))


@command(app)
def show(
    session: Session,
    type: Type,
    name: str,
    me: Annotated[str, typer.Option("--me", help="Who looks, for views that ask for @me.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=200)] = 50,
) -> None:
    """Look through a view: crm views show tickets Hot"""
    view = session.api.get(_path(type, name))
    asked = f"?limit={limit}" + (f"&me={quote(me, safe='')}" if me else "")
    body = session.api.get(_path(type, name, "entities") + asked)
    vocabulary = session.vocabulary(type)
    names = view["attributes"] or [
        one.name for one in vocabulary.attributes.values() if one.default and one.name != "id"
    ]
    session.answer(body, lambda: entity_table(vocabulary, names, body["results"]))


@command(app)
def remove(session: Session, type: Type, name: str) -> None:
    """Remove a view."""
    session.api.delete(_path(type, name))
    session.answer({"name": name, "removed": True}, lambda: Text(f"view {name} removed"))


def _path(type: str, *parts: str) -> str:
    return path_of("types", type, "views", *parts)
