"""What the engine is asked: references, drafts, updates, upserts, queries; and what it answers per item of a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from shared.eav.filters import Node
from shared.kernel.context import Context
from shared.kernel.errors import CrmError

MAX_SORTS = 5


@dataclass(frozen=True, slots=True)
class Ref:
    """An entity by id, or by the value of a unique attribute (any of its names)."""

    id: int | None = None
    attribute: str | None = None
    value: str | None = None

    def __str__(self) -> str:
        return str(self.id if self.id is not None else self.value)


@dataclass(frozen=True, slots=True)
class LinkTo:
    """An entity to be linked to. relations: labels besides the plain relation, as ids in this direction. since: the
    instant the link counts from, when that is not now."""

    to_type: str
    to_id: int
    relations: tuple[int, ...] = ()
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """An entity to create. `effective_at`: the instant it counts from, when that is not now."""

    values: Mapping[str, object]
    trace: str | None = None
    effective_at: datetime | None = None
    links: tuple[LinkTo, ...] = ()


@dataclass(frozen=True, slots=True)
class Update:
    """Values to write to an entity; None or "" clears. `expected_version` refuses the write of a stale reader."""

    ref: Ref
    values: Mapping[str, object]
    expected_version: int | None = None
    trace: str | None = None
    effective_at: datetime | None = None
    links: tuple[LinkTo, ...] = ()


@dataclass(frozen=True, slots=True)
class Upsert:
    """Update what the reference finds; create it (with the reference's value) when there is nothing."""

    ref: Ref
    values: Mapping[str, object]
    trace: str | None = None
    effective_at: datetime | None = None
    links: tuple[LinkTo, ...] = ()


def names_of(items: Sequence[Draft | Update | Upsert]) -> set[str]:
    """Every attribute name that the items write."""
    return {name for item in items for name in item.values}


def dated(item: Draft | Update | Upsert, context: Context) -> Context:
    """The context of one item: its own effective instant, where it has one."""
    return context if item.effective_at is None else replace(context, effective_at=item.effective_at)


@dataclass(frozen=True, slots=True)
class ItemError:
    """One item of a batch that was refused; `index` is its place in the input."""

    index: int
    error: CrmError


@dataclass(frozen=True, slots=True)
class Sort:
    """Order by one attribute (any of its names)."""

    attribute: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """A search. `offset` serves the dialect's pages; None with an optional `cursor` serves keyset pages."""

    filter: Node | None = None
    text: str = ""
    sorts: tuple[Sort, ...] = ()
    limit: int = 10
    offset: int | None = 0
    cursor: str | None = None
    total: Literal["exact", "estimated", "none"] = "exact"
