"""What the link store is asked, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shared.eav.requests import LinkTo

__all__ = ["LinkChange", "LinkItem", "LinkOutcome", "LinkTo", "Linked", "Unlink"]


@dataclass(frozen=True, slots=True)
class LinkItem:
    """A link to make, from an entity of the type asked."""

    from_id: int
    to: LinkTo


@dataclass(frozen=True, slots=True)
class Unlink:
    """A link to undo. relations: only these labels (the plain relation among them: everything); None: everything."""

    from_id: int
    to_type: str
    to_id: int
    relations: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Linked:
    """One end of a link as the other sees it, with all its relations in that direction, the plain one first."""

    to_id: int
    relations: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LinkOutcome:
    """What a pair is after the write; `new` when it was not linked before."""

    from_id: int
    to_id: int
    relations: tuple[int, ...]
    new: bool


@dataclass(frozen=True, slots=True)
class LinkChange:
    """One relation that a pair got or lost, told in the direction it was asked in; `since` when that is not now.

    reason: why it was undone, where nobody asked for that.
    """

    relation: int
    inverse: int
    from_type: str
    from_id: int
    to_type: str
    to_id: int
    live: bool
    clock: int
    since: datetime | None = None
    reason: str = ""
