"""Filters, sorts and columns as people type them, made into what the API is asked. For `crm find` and `crm export`."""

from __future__ import annotations

from typing import Any

from crm.api import ApiError
from crm.filter_language import FilterError, Node, filter_json, parse
from crm.session import Session
from crm.vocabulary import UnknownAttribute, Vocabulary

_LINKED = "associations."


def parsed(text: str) -> Node | None:
    """The tree of a filter text, None of a blank one. Raises FilterError."""
    return parse(text) if text.strip() else None


def filter_body(session: Session, vocabulary: Vocabulary, text: str) -> dict[str, Any] | None:
    """The API's filter; `company.industry` asks the linked companies. Raises FilterError at the name that is wrong."""
    node = parsed(text)

    def resolve(name: str, column: int) -> str:
        try:
            return _resolved(session, vocabulary, name)
        except UnknownAttribute as error:
            raise FilterError(str(error), text, column) from None

    return None if node is None else filter_json(node, resolve)


def sort_body(vocabulary: Vocabulary, text: str) -> dict[str, str]:
    """One sort; a leading `-` is descending. Raises UnknownAttribute."""
    descending = text.startswith("-")
    return {
        "attribute": vocabulary.find(text.removeprefix("-")).name,
        "direction": "desc" if descending else "asc",
    }


def columns(vocabulary: Vocabulary, text: str) -> list[str]:
    """The names of attributes that are parted by commas. Raises UnknownAttribute."""
    return [vocabulary.find(one.strip()).name for one in text.split(",") if one.strip()]


def linked_columns(session: Session, vocabulary: Vocabulary, text: str) -> list[str]:
    """Likewise; `company.name` is the linked company's. Raises UnknownAttribute."""
    return [_resolved(session, vocabulary, one.strip()) for one in text.split(",") if one.strip()]


def _resolved(session: Session, vocabulary: Vocabulary, name: str) -> str:
    try:
        return vocabulary.find(name).name
    except UnknownAttribute:
        other, dot, rest = name.partition(".")
        if not dot or not rest:
            raise
        if name.startswith(_LINKED):
            return name
        try:
            linked = session.vocabulary(other)
        except ApiError:
            linked = None
        if linked is None:
            raise
        return f"{other}.{linked.find(rest).name}"
