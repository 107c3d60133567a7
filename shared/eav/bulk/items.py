"""What a bulk call is asked, and what each of its items came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from shared.eav.links.asked import LinkChange
from shared.eav.requests import LinkTo, Ref
from shared.eav.store.state import Change
from shared.kernel.errors import FieldError

MAX_ITEMS = 100_000
Mode = Literal["create", "update", "upsert"]
Result = Literal["created", "updated", "unchanged", "rejected"]


@dataclass(frozen=True, slots=True)
class BulkItem:
    """One entity to create, change or either.

    ref: an id, or the value of any attribute that has a slot (unique or not); without one the item is created.
    errors: what was found wrong beforehand; the item is judged anyway, so that all its errors are told together.
    """

    values: Mapping[str, object]
    ref: Ref | None = None
    mode: Mode = "upsert"
    effective_at: datetime | None = None
    links: tuple[LinkTo, ...] = ()
    errors: tuple[FieldError, ...] = ()


@dataclass(slots=True)
class BulkOutcome:
    """What became of the item at `place` in the input. `changed` only where the caller asked to see it; `linked`: the
    links that its entity got in this call, at the first of its items that asks for links. warnings: what is wrong with
    it but did not keep it out. gained: (type, id) of what its entity is linked to by it and was not before."""

    place: int
    outcome: Result
    id: int | None = None
    version: int | None = None
    errors: tuple[FieldError, ...] = ()
    changed: Mapping[str, Change] = field(default_factory=dict)
    linked: tuple[LinkChange, ...] = ()
    warnings: tuple[FieldError, ...] = ()
    gained: frozenset[tuple[str, int]] = frozenset()
