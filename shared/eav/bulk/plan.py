"""What a bulk call comes to: entities as stored and as they will be, step by step, and the outcome of every item."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.eav.bulk.finding import Key, Sought
from shared.eav.bulk.items import BulkItem, BulkOutcome
from shared.eav.bulk.shapes import Shape
from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef
from shared.eav.store.state import Change, State, Typed
from shared.eav.types import kind_of
from shared.kernel.errors import CrmError, FieldError

Claim = tuple[AttributeDef, Key | None]
"""A unique attribute that is written, and the key it gets."""


@dataclass(slots=True)
class Judged:
    """What an item makes of an entity that holds `before` (None: of a new one). Kept from pass to pass: it stays true
    as long as the entity holds the very same."""

    before: dict[str, Any] | None
    after: dict[str, Any]
    changed: dict[str, Change]
    claims: tuple[Claim, ...] = ()
    errors: tuple[FieldError, ...] = ()
    warnings: tuple[FieldError, ...] = ()


@dataclass(slots=True)
class Prepared:
    """An item, what it is made of and what its reference asks for."""

    item: BulkItem
    shape: Shape
    sought: Sought
    judged: Judged | None = None


@dataclass(slots=True)
class Step:
    """One item's effect on an entity; version 1 creates it."""

    place: int
    version: int
    judged: Judged
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
    def net(self) -> Collection[str]:
        """Keys of the attributes that the entity has another value of in the end."""
        if len(self.steps) == 1:
            return self.steps[0].judged.changed.keys()
        before = {} if self.stored is None else self.stored.values
        return {key for step in self.steps for key in step.judged.changed if before.get(key) != self.values.get(key)}


class Old(Typed):
    """The canonical values rules see of a stored entity, and its id."""

    def __init__(self, live: LiveType, values: Mapping[str, Any], ident: int | None) -> None:
        super().__init__(live, values)
        self._id = ident

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


class Entries:
    """The entities of a pass that are stored, each made when it is first asked for."""

    def __init__(self, states: Mapping[int, State]) -> None:
        self._states = states
        self._made: dict[int, Entry] = {}

    def known(self, ident: int) -> Entry | None:
        """An entity that was asked for before."""
        return self._made.get(ident)

    def of(self, ident: int) -> Entry | None:
        """An entity whose state was read."""
        entry = self._made.get(ident)
        if entry is None and (state := self._states.get(ident)) is not None:
            entry = self._made[ident] = Entry(state, state.id, state.version, state.values)
        return entry


@dataclass(slots=True)
class Plan:
    """What a pass came to. Another one is needed when it lacked states (`missing`), when a key that it took (`taken`,
    with the places of items) turns out to be somebody's, or when items were let through in vain (`unpaid`: their
    errors by place)."""

    outcomes: list[BulkOutcome] = field(default_factory=list)
    about: dict[int, Entry] = field(default_factory=dict)
    missing: set[int] = field(default_factory=set)
    taken: dict[Key, list[int]] = field(default_factory=dict)
    unpaid: dict[int, CrmError] = field(default_factory=dict)

    @property
    def entries(self) -> list[Entry]:
        """The entities that something happens to, in the order of the first item about each."""
        return [one for one in dict.fromkeys(self.about.values()) if one.steps]
