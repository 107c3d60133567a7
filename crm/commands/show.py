"""`crm show`: one entity with all its values, and where they come from."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.table import Table

from crm.api import path_of
from crm.present import entity_card, minute, rows_table, value_text
from crm.session import Session
from crm.vocabulary import Attribute, Vocabulary

History = Annotated[bool, typer.Option("--history", help="Former values too, newest first.")]
By = Annotated[str, typer.Option("--by", help="Unique attribute that ID is a value of; an e-mail needs no --by.")]
_HEAD = ("version", "created_at", "updated_at", "archived_at")


def show(session: Session, type: str, id: str, history: History = False, by: By = "") -> None:
    """Show one entity: crm show contact 42 --history, or crm show contact ada@uk.example"""
    vocabulary = session.vocabulary(type)
    key = vocabulary.find(by).name if by else vocabulary.key_of(id)
    asked = ",".join(vocabulary.attributes) if history else None
    body = session.api.get(path_of("objects", type, id), attributes="*", history=asked, by=key)
    session.answer(body, lambda: _shown(vocabulary, body))


def _shown(vocabulary: Vocabulary, body: Mapping[str, Any]) -> RenderableType:
    instants = ", ".join(f"{name.removesuffix('_at')} {_head(body[name])}" for name in _HEAD if body.get(name))
    card = entity_card(vocabulary, body, f"{body['type']} {body['id']}, {instants}")
    return Group(card, _past(vocabulary, body["history"])) if body.get("history") else card


def _head(value: object) -> str:
    return minute(value) if isinstance(value, str) else str(value)


def _past(vocabulary: Vocabulary, history: Mapping[str, list[dict[str, Any]]]) -> Table:
    """One row per version, newest first. First values that still hold stand above already and are only counted."""
    told: dict[tuple[int, str, str], list[str]] = {}
    kept: dict[tuple[int, str, str], int] = {}
    for name, entries in history.items():
        attribute = vocabulary.attributes.get(name) or Attribute(name, name)
        for one, former in zip_longest(entries, entries[1:]):
            key = (one["version"], minute(one["at"]), f"{one['source']} {one.get('source_id') or ''}".strip())
            lines = told.setdefault(key, [])
            if len(entries) == 1:
                kept[key] = kept.get(key, 0) + 1
            else:
                before = f"{_text(attribute, former)} → " if former else ""
                lines.append(f"{attribute.label}: {before}{_text(attribute, one)}")
    for key, count in kept.items():
        told[key].append(f"(and {count} that still hold)")
    rows = (
        (version, at, "\n".join(lines), source) for (version, at, source), lines in sorted(told.items(), reverse=True)
    )
    return rows_table(("Version", "When", "What", "Source"), rows, "History")


def _text(attribute: Attribute, entry: Mapping[str, Any]) -> str:
    return value_text(attribute, entry["value"]) or "(cleared)"
