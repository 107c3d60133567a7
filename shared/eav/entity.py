"""What reading gives: one entity with the values that were asked for, already in the form the door needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Form = Literal["text", "json", "canonical"]


@dataclass(slots=True)
class HistoryEntry:
    """One value an attribute had: text form ("" when cleared), since when, from where."""

    value: str
    at: str
    source: str
    source_id: str | None
    actor: str | None
    version: int
    recorded_at: str = ""


@dataclass(slots=True)
class Entity:
    """One entity. `values` as asked: form "text" by wire name, form "json" by internal name; absent values are None.
    Form "canonical" (by attribute key) is the engine's own, for comparing and hashing.

    `new` is set by upserts only; `history` only when it was asked for; `warnings`, ready for JSON, by whoever has any.
    """

    id: int
    version: int
    created_at: str
    updated_at: str
    values: dict[str, Any]
    archived_at: str | None = None
    history: dict[str, list[HistoryEntry]] | None = None
    new: bool | None = None
    warnings: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class View:
    """What to show of an entity. attributes None: the type's default set, `*` among them: all that there are in the
    moment of reading; names may be wire or internal ones.

    Unknown names are ignored: a client may ask for attributes that another installation has.
    """

    form: Form = "text"
    attributes: tuple[str, ...] | None = None
    history: tuple[str, ...] = field(default=())


@dataclass(slots=True)
class Page:
    """One page of a query. `total` is None when it was not asked for; `next_cursor` None on the last page."""

    entities: list[Entity]
    total: int | None = None
    next_cursor: str | None = None
    next_offset: int | None = None
