"""Many entities at once as columns of a table: what is asked for (`Extract`) and what comes back (`Extraction`).

For exports, which read everything that fits, however much, in flat memory. Not for pages: see `requests.Query`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Literal

from shared.eav.filters import Node
from shared.eav.requests import Sort

Block = list[list[Any]]
"""The values of some entities, column by column."""

LINKS = "associations."
"""What the names of columns of linked ids begin with."""


@dataclass(frozen=True, slots=True)
class Extract:
    """Which entities, and what of them. attributes: any of their names, None for all; the id comes first anyway.

    links: entity types whose linked ids are columns as well. form: "text", or "json" for typed JSON (numbers as Raw
    literals). counted: tell beforehand how many there are. longest: refuse when a text is longer than so many UTF-16
    units, before anything is read.
    """

    filter: Node | None = None
    text: str = ""
    sorts: tuple[Sort, ...] = ()
    attributes: tuple[str, ...] | None = None
    links: tuple[str, ...] = ()
    archived: bool = False
    form: Literal["text", "json"] = "text"
    counted: bool = False
    longest: int | None = None


@dataclass(frozen=True, slots=True)
class LinkedIds:
    """A column of the ids that entities are linked to: by this relation, to live entities of this slot table."""

    name: str
    label: str
    relation: int
    table: int


@dataclass(frozen=True, slots=True)
class Column:
    """One column: an attribute, or the linked ids of an entity type (kind "links")."""

    name: str
    label: str
    kind: str


class Extraction:
    """An open extract: its columns, the number of entities where it was asked for, and its blocks, to be read once.

    It holds a connection with a snapshot: close it, or use it in a `with`.
    """

    def __init__(
        self, columns: tuple[Column, ...], total: int | None, blocks: Iterator[Block], kept: ExitStack
    ) -> None:
        self.columns = columns
        self.total = total
        self._blocks = blocks
        self._kept = kept

    def __iter__(self) -> Iterator[Block]:
        return self._blocks

    def __enter__(self) -> Extraction:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def afterwards(self, done: Callable[[], object]) -> None:
        """Call this when it is closed, or was read to its end."""
        self._kept.callback(done)

    def close(self) -> None:
        """End the snapshot and give the connection back. May be called again."""
        self._kept.close()
