"""`crm find`: entities that fit a filter, as a table or JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from crm.api import path_of
from crm.filter_language import Node, names
from crm.present import entity_table
from crm.question import filter_body, linked_columns, parsed, sort_body
from crm.session import Session
from crm.vocabulary import UnknownAttribute, Vocabulary

PAGE = 200

Filter = Annotated[str, typer.Argument(help="Such as: score > 50 and city in (北京, Berlin)", show_default=False)]
Words = Annotated[str, typer.Option("--text", help="Words that must occur in the searchable attributes.")]
Sort = Annotated[list[str], typer.Option("--sort", help="Attribute to sort by; a leading - is descending. May repeat.")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="How many to show at most.")]
Columns = Annotated[
    str, typer.Option("--columns", help="Attributes to show, parted by commas: names or labels, company.name too.")
]
Every = Annotated[bool, typer.Option("--all", help="Show all of them; with --json one per line, as they arrive.")]


def find(
    session: Session,
    type: str,
    filter: Filter = "",
    text: Words = "",
    sort: Sort = [],  # noqa: B006 (typer copies it)
    limit: Limit = 20,
    columns: Columns = "",
    every: Every = False,
) -> None:
    """Find entities by their attributes: crm find contact 'score > 50 and city = 北京' --sort -score

    Conditions: = != < <= > >=, in (a, b), not in (a, b), between a and b, is set, is not set, contains word*,
    not contains word*, starts with a; joined by and, or, not and brackets. Names and values of several words, and
    keywords that are meant literally, stand in quotes.
    """
    vocabulary = session.vocabulary(type)
    asked = filter_body(session, vocabulary, filter)
    sorts = [sort_body(vocabulary, one) for one in sort]
    shown = linked_columns(session, vocabulary, columns) if columns else _usual(vocabulary, parsed(filter), sorts)
    question: dict[str, Any] = {"sorts": sorts, "total": "none" if every else "exact"}
    if asked is not None:
        question["filter"] = asked
    if text:
        question["text"] = text
    if shown:
        question["attributes"] = shown
    pages = _pages(session, type, question, None if every else limit)
    if every and session.as_json:
        for page in pages:
            for entity in page["results"]:
                session.write_json(entity)
        return
    found = list(pages)
    entities = [entity for page in found for entity in page["results"]]
    total = found[0].get("total", len(entities))
    session.answer({"results": entities, "total": total}, lambda: _shown(vocabulary, shown, entities, total))


def _pages(session: Session, type_name: str, question: dict[str, Any], limit: int | None) -> Iterator[dict[str, Any]]:
    """Pages until `limit` entities are there; the total is counted with the first one only."""
    left = limit
    while left is None or left > 0:
        page = session.api.post(
            path_of("objects", type_name, "query"), {**question, "limit": min(PAGE, left) if left else PAGE}
        )
        yield page
        left = None if left is None else left - len(page["results"])
        cursor = page.get("next_cursor")
        if not cursor:
            return
        question = {**question, "cursor": cursor, "total": "none"}


def _usual(vocabulary: Vocabulary, node: Node | None, sorts: list[dict[str, str]]) -> list[str]:
    """The type's usual attributes and every one the question mentions."""
    usual = [one.name for one in vocabulary.attributes.values() if one.default and not one.read_only]
    mentioned = [one["attribute"] for one in sorts]
    if node is not None:
        mentioned += [found.name for name in names(node) if (found := _known(vocabulary, name))]
    return list(dict.fromkeys(usual + mentioned)) if usual else []


def _known(vocabulary: Vocabulary, name: str) -> Any:
    try:
        return vocabulary.find(name)
    except UnknownAttribute:
        return None  # the filter's own check answers with the place


def _shown(vocabulary: Vocabulary, shown: list[str], entities: list[dict[str, Any]], total: int) -> RenderableType:
    if not entities:
        return Text(f"no {vocabulary.type_name} fits", style="yellow")
    columns = shown or list(dict.fromkeys(name for entity in entities for name in entity["values"]))
    caption = f"{len(entities):,} of {total:,}" if total > len(entities) else f"{len(entities):,}"
    more = "  (--limit or --all shows more)" if total > len(entities) else ""
    return Group(entity_table(vocabulary, columns, entities), Text(f" {caption}{more}", style="dim"))
