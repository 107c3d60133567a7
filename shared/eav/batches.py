"""One attempt at a batch of writes: what is refused, what is inserted and changed. Pure; `writes` carries it out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from shared.eav.attempts import NeedSlots
from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef
from shared.eav.entity import Entity, View
from shared.eav.presenting import present
from shared.eav.requests import Draft, ItemError, Update, Upsert
from shared.eav.store.state import Before, State, Written, changes
from shared.eav.store.write import Pending
from shared.eav.types import kind_of
from shared.eav.validation import Judge, Values, complete
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.kernel.errors import Conflict, CrmError, FieldError, Invalid, InvalidValues

Items = Sequence[Draft | Update | Upsert]
Outcome = Entity | ItemError
Refused = dict[int, CrmError]
Known = Mapping[int, Sequence[FieldError]]
KeptOut = Callable[[Connection, LiveType, Collection[tuple[int, str]]], Mapping[tuple[int, str], CrmError]]
"""Which unique (attribute id, key) may not be written, and why; asked in the transaction of the write."""


def nothing_kept_out(
    connection: Connection, live: LiveType, keys: Collection[tuple[int, str]]
) -> Mapping[tuple[int, str], CrmError]:
    """Every value may be written."""
    return {}


Further = Mapping[str, Mapping[str, str]]
"""By name of the entity type: unique attribute -> the one that lists further values of it, parted by semicolons."""
NOTHING_FURTHER: Further = MappingProxyType({})


def listed_keys(live: LiveType, values: Mapping[str, Any], further: Further) -> dict[tuple[int, str], AttributeDef]:
    """The keys that further values of unique attributes would have if they were the value: which attribute lists them.
    values: by name."""
    found = {}
    for name, beside in further.get(live.name, {}).items():
        unique = live.attributes[name]
        for part in str(values.get(beside) or "").split(";"):
            if part.strip():
                found[unique.id, kind_of(unique).unique_key(part.strip(), unique)] = live.attributes[beside]
    return found


def named(error: CrmError, attribute: AttributeDef) -> CrmError:
    """The same said of another attribute, in which the value stood."""
    if not isinstance(error, InvalidValues):
        return error
    return InvalidValues([replace(part, name=attribute.wire) for part in error.errors])


@dataclass(slots=True)
class Batch:
    """One attempt at a batch: what is refused so far, what is to be inserted and changed, by place in the input."""

    live: LiveType
    refused: Refused
    partial: bool
    known: Known
    size: int = 1
    inserts: dict[int, Values] = field(default_factory=dict)
    updates: dict[int, Pending] = field(default_factory=dict)
    keys: dict[tuple[int, str], int] = field(default_factory=dict)

    def refuse(self, place: int, error: CrmError) -> None:
        """Leave an item out."""
        self.refused[place] = error
        self.inserts.pop(place, None)
        self.updates.pop(place, None)

    def claim(self, place: int, values: Mapping[str, Any]) -> None:
        """Note the item's unique keys; refuse it when an earlier item of the batch claims the same."""
        unique = [one for name in values if (one := self.live.attributes[name]).unique and values[name] is not None]
        keys = {(one.id, kind_of(one).unique_key(values[one.name], one)): one for one in unique}
        for key, attribute in keys.items():
            if key in self.keys:
                message = f'Another item of this batch has the same value of "{attribute.wire}"'
                self.refuse(place, Conflict(message, attribute=attribute.name))
                return
        self.keys |= dict.fromkeys(keys, place)

    def keep_out(self, connection: Connection, kept_out: KeptOut, further: Further = NOTHING_FURTHER) -> None:
        """Refuse items with values that may not be written, also among further ones. Raises one unless the batch is
        partial."""
        listed = [(place, listed_keys(self.live, values, further)) for place, values in self._news(further)]
        keys = {*self.keys, *(key for _, found in listed for key in found)}
        if keys:
            refused = kept_out(connection, self.live, keys)
            for key, error in refused.items():
                if key in self.keys:
                    self.refuse(self.keys[key], error)
            for place, found in listed:
                for key in found.keys() & refused.keys():
                    self.refuse(place, named(refused[key], found[key]))
            self.settle()

    def _news(self, further: Further) -> list[tuple[int, Values]]:
        """What is written, by place, when the type has lists of further values."""
        if self.live.name not in further:
            return []
        attributes = self.live.attributes
        changed = [
            (place, {name: value for name, value in one.values.items() if attributes[name].key in one.changed})
            for place, one in self.updates.items()
        ]
        return [*self.inserts.items(), *changed]

    def draft(self, judge: Judge, place: int, given: Mapping[str, object], context: Context) -> None:
        """Judge an entity to create: it is inserted or refused."""
        try:
            values = complete(judge, self.live, given, None, context, self.known.get(place, ()))
        except InvalidValues as error:
            self.refuse(place, error)
            return
        self.inserts[place] = {name: value for name, value in values.items() if value is not None}
        self.claim(place, self.inserts[place])

    def change(self, judge: Judge, place: int, state: State, given: Mapping[str, object], context: Context) -> None:
        """Judge values to write to an entity: it is changed or the item refused."""
        try:
            values = complete(judge, self.live, given, Before(self.live, state), context, self.known.get(place, ()))
        except InvalidValues as error:
            self.refuse(place, error)
            return
        changed = changes(self.live, state.values, values)
        self.updates[place] = Pending(state, values, changed, context.effective_at)
        self.claim(place, {name: values[name] for name in values if self.live.attributes[name].key in changed})

    def need_slots(self) -> None:
        """Raise NeedSlots when a value has nowhere to go yet."""
        written = [*self.inserts.values(), *(one.values for one in self.updates.values())]
        names = {name for values in written for name, value in values.items() if value is not None}
        homeless = [
            one
            for name in sorted(names)
            if (one := self.live.attributes[name]).column is None and kind_of(one).family is not None
        ]
        if homeless:
            raise NeedSlots(homeless)

    def settle(self) -> None:
        """Raise when anything is refused in a batch that goes through whole or not at all."""
        if self.refused and not self.partial:
            refused = sorted(self.refused.items())
            if not isinstance(refused[0][1], InvalidValues):
                raise refused[0][1]
            raise InvalidValues([part for place, error in refused for part in self._told(place, error)])

    def _told(self, place: int, error: CrmError) -> list[FieldError]:
        """An item's errors among those of a whole batch: in a batch of several, each says which item is meant."""
        if isinstance(error, Invalid):
            parts = list(error.errors)
        else:
            named = self.live.attributes.get(getattr(error, "attribute", None) or "")
            parts = [FieldError(named.wire if named else "id", error.category, error.message)]
        if self.size == 1:
            return parts
        return [replace(part, message=f"inputs[{place}]: {part.message}") for part in parts]

    def outcomes(self, done: Mapping[int, Written], items: Items, view: View) -> list[Outcome]:
        """What every item became, in input order."""
        return [
            present(self.live, done[place].state, view, item.values)
            if place in done
            else ItemError(place, self.refused[place])
            for place, item in enumerate(items)
        ]
