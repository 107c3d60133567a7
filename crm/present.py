"""Entities and lists as rich tables: labels as titles, options by their labels, instants cut to the minute."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from crm.vocabulary import Attribute, Vocabulary

_SHOWN: dict[str, Callable[[Any], str]] = {"datetime": lambda value: minute(value)}
_RIGHT = frozenset({"number"})


def minute(instant: str | None) -> str:
    """`2026-03-01 12:30` of an ISO instant."""
    return (instant or "")[:16].replace("T", " ")


def value_text(attribute: Attribute, value: Any) -> str:
    """A value for people: nothing for none, the label for an option, yes and no."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(attribute.option_label(str(one)) for one in value)
    if attribute.options:
        return attribute.option_label(str(value))
    return _SHOWN.get(attribute.kind, str)(value)


def entity_value(entity: Mapping[str, Any], name: str) -> Any:
    """An attribute's value; system ones may stand beside the values."""
    values = entity["values"]
    return values[name] if name in values else entity.get(name)


def entity_table(vocabulary: Vocabulary, names: Sequence[str], entities: Iterable[Mapping[str, Any]]) -> Table:
    """One row per entity; `names` are the attributes to show after the id."""
    attributes = [vocabulary.attributes.get(name) or Attribute(name, name) for name in names]
    table = plain_table("Id")
    table.columns[0].justify = "right"
    table.columns[0].no_wrap = True
    for one in attributes:
        table.add_column(Text(one.label), justify="right" if one.kind in _RIGHT else "left", overflow="fold")
    for entity in entities:
        cells = (Text(value_text(one, entity_value(entity, one.name))) for one in attributes)
        table.add_row(str(entity["id"]), *cells)
    return table


def entity_card(vocabulary: Vocabulary, entity: Mapping[str, Any], title: str) -> Group:
    """One entity under a title: a row per attribute that has a value."""
    table = plain_table("Attribute", "Value")
    for name, value in entity["values"].items():
        attribute = vocabulary.attributes.get(name) or Attribute(name, name)
        if value is not None:
            table.add_row(Text(attribute.label), Text(value_text(attribute, value)))
    return Group(Text(title, style="bold"), table)


def rows_table(titles: Sequence[str], rows: Iterable[Sequence[object]], title: str | None = None) -> Table:
    """A table of plain texts."""
    table = plain_table(*titles, title=title)
    for row in rows:
        table.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    return table


def plain_table(*titles: str, title: str | None = None) -> Table:
    """The look all tables share."""
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="bold", header_style="bold cyan")
    for one in titles:
        table.add_column(one, overflow="fold")
    return table
