"""`crm create` and `crm update`: entities written as `attribute=value` words."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from crm.api import path_of
from crm.present import entity_card
from crm.session import Session
from crm.vocabulary import Vocabulary

Words = Annotated[
    list[str], typer.Argument(metavar="attribute=value ...", help="Names or labels; nothing after = clears.")
]


def create(session: Session, type: str, values: Words) -> None:
    """Create one entity: crm create contact email=ada@uk.example "First name=Ada" score=42"""
    vocabulary = session.vocabulary(type)
    body = session.api.post(path_of("objects", type), {"values": written(vocabulary, values)})
    session.answer(body, lambda: entity_card(vocabulary, body, f"{type} {body['id']} created"))


def update(session: Session, type: str, id: str, values: Words) -> None:
    """Change attributes of one entity: crm update contact 42 lifecycle_stage=customer"""
    vocabulary = session.vocabulary(type)
    body = session.api.patch(path_of("objects", type, id), {"values": written(vocabulary, values)})
    session.answer(body, lambda: entity_card(vocabulary, body, f"{type} {body['id']} is at version {body['version']}"))


def written(vocabulary: Vocabulary, words: list[str]) -> dict[str, Any]:
    """Values for the API: text, which it coerces by kind; None clears. Raises typer.BadParameter."""
    values: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise typer.BadParameter(f"{word!r} is not attribute=value")
        attribute = vocabulary.find(name.strip())
        values[attribute.name] = ";".join(map(attribute.option_value, text.split(";"))) if text else None
    return values
