"""What a bulk call comes to: entities as stored and as they will be, step by step, and the outcome of every item."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.eav.bulk.finding import Key, Sought
from shared.eav.bulk.items import BulkItem, BulkOutcome
from shared.eav.bulk.shapes import Given
from shared.eav.catalog import LiveType
from shared.eav.store.state import Change, State, Typed
from shared.eav.types import kind_of
from shared.kernel.errors import CrmError


@dataclass(frozen=True, slots=True)
class Prepared:
    """An item, what it gives and what its reference asks for."""

    item: BulkItem
    given: Given
    sought: Sought


@dataclass(slots=True)
class Step:
    """One item's effect on an entity."""

    place: int
    version: int
    changed: dict[str, Change]
    effective_at: datetime | None


@dataclass(slots=True, eq=False)
class Entry:
    """An entity of this call: as stored (None: being created), and as the items so far left it.

    outcomes: those that wait for the id of an entity being created.
    """

    stored: State | None
    id: int | None
    version: int
    values: dict[str, Any]
    steps: list[Step] = field(default_factory=list)
    outcomes: list[BulkOutcome] = field(default_factory=list)

    @property
    def net(self) -> set[str]:
        """Keys of the attributes that the entity has another value of in the end."""
        before = {} if self.stored is None else self.stored.values
        return {key for step in self.steps for key in step.changed if before.get(key) != self.values.get(key)}


class Old(Typed):
    """The canonical values rules see of a stored entity, and its id."""

    def __init__(self, live: LiveType, entry: Entry) -> None:
        super().__init__(live, entry.values)
        self._id = entry.id

    def __getitem__(self, name: str) -> Any:
        return self._id if name == "id" else super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        """Without raising and catching, since most questions are for what is not there."""
        if name == "id":
            return self._id
        attribute = self._live.attributes.get(name)
        held = None if attribute is None else self._values.get(attribute.key)
        if attribute is None or held is None:
            return default
        return kind_of(attribute).from_json(held, attribute)


@dataclass(slots=True)
class Plan:
    """What a pass came to. Another one is needed when it lacked states (`missing`) or owners of keys (`unasked`), or
    when items were let through in vain (`unpaid`: their errors by place)."""

    outcomes: list[BulkOutcome] = field(default_factory=list)
    about: dict[int, Entry] = field(default_factory=dict)
    missing: set[int] = field(default_factory=set)
    unasked: set[Key] = field(default_factory=set)
    unpaid: dict[int, CrmError] = field(default_factory=dict)

    @property
    def entries(self) -> list[Entry]:
        """The entities that something happens to, in the order of the first item about each."""
        return [one for one in dict.fromkeys(self.about.values()) if one.steps]
