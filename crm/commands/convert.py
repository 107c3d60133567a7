"""`crm convert`: a deal of a lead, linked to the person and the company that it was made of."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from crm.api import path_of
from crm.commands.write import written
from crm.present import entity_card
from crm.session import Session

_DEAL = "deal"


def convert(
    session: Session,
    contact: Annotated[str, typer.Argument(help="The id of the contact.")],
    values: Annotated[
        list[str] | None, typer.Argument(metavar="[attribute=value ...]", help="Of the deal, by name or label.")
    ] = None,
    company: Annotated[str, typer.Option("--company", help="The id of the company.")] = "",
    key: Annotated[str, typer.Option("--key", help="Tells several deals of one contact apart.")] = "",
) -> None:
    """Make a deal of a lead: crm convert 42 --company 7 name=Machines. Repeated, it answers the deal that is there."""
    vocabulary = session.vocabulary(_DEAL)
    asked: dict[str, Any] = {"contact": contact, "values": written(vocabulary, values or [])}
    asked |= {name: text for name, text in (("company", company), ("key", key)) if text}
    made = session.api.post(path_of("opportunities", "convert"), asked)
    session.answer(made, lambda: entity_card(vocabulary, made, f"deal {made['id']} of contact {contact}"))
