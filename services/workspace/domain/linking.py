"""Columns that hold the ids of linked entities, as exports write them: `associations.company`, or `Companies`.

Pure. Not for columns that name entities by something else: which attribute that is, only a person can tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.workspace.domain.profile import ColumnSummary

LINKS = "associations."
_IDS = re.compile(r"[0-9]{1,18}(?:;[0-9]{1,18})*")


@dataclass(frozen=True, slots=True)
class LinkedType:
    """An entity type that a column may lead to. label: of several of them."""

    name: str
    names: frozenset[str]
    label: str


def exported_links(columns: Iterable[ColumnSummary], types: Iterable[LinkedType]) -> Mapping[int, str]:
    """The types that columns lead to, by column. A header that is a label counts only where ids stand below it."""
    by_name: dict[str, str] = {}
    by_label: dict[str, str] = {}
    for one in types:
        by_name |= {f"{LINKS}{name}".casefold(): one.name for name in one.names}
        by_label[one.label.casefold()] = one.name
    found = {}
    for column in columns:
        header = column.header.casefold()
        if header in by_name:
            found[column.index] = by_name[header]
        elif header in by_label and column.samples and all(map(_IDS.fullmatch, column.samples)):
            found[column.index] = by_label[header]
    return found
