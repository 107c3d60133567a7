"""The engine once more, in plain Python over dictionaries: what every write and every question must come to.

Kinds are taken at their word (they have tests of their own), as is evaluation of filters; all that the engine adds
to them is written here a second time, as simply as it can be said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cmp_to_key
from typing import Any

from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef
from shared.eav.filters import Node, check, matches
from shared.eav.requests import Draft, Ref, Sort, Update, Upsert
from shared.eav.types import ValueProblem, kind_of
from shared.kernel.errors import Conflict, Invalid, InvalidValues, NotFound, VersionMismatch
from tests.factories.audit import Expected

Values = dict[int, Any]
Key = tuple[int, str]


@dataclass
class Held:
    """One entity: canonical values by attribute id, archived attributes included; history oldest first."""

    id: int
    version: int = 1
    archived: bool = False
    values: Values = field(default_factory=dict)
    history: dict[int, list[tuple[int, str]]] = field(default_factory=dict)

    def put(self, live: LiveType, changed: Mapping[int, Any]) -> None:
        """Write values (None clears) under the entity's version."""
        for ident, value in changed.items():
            attribute = live.by_id[ident]
            text = "" if value is None else kind_of(attribute).to_text(value)
            self.history.setdefault(ident, []).append((self.version, text))
            if value is None:
                del self.values[ident]
            else:
                self.values[ident] = value


@dataclass
class Item:
    """What one item of a batch comes to: an entity to make or change and the values that differ, or a refusal."""

    entity: Held | None = None
    changed: Values = field(default_factory=dict)
    refusal: type[Exception] | None = None
    owner: int | None = None


class Model:
    """The entities of one type. `live` is a function, since definitions change."""

    def __init__(self, live: Callable[[], LiveType]) -> None:
        self._live = live
        self.entities: dict[int, Held] = {}

    @property
    def live(self) -> LiveType:
        """The type in force."""
        return self._live()

    def present(self, *, archived: bool = False) -> list[Held]:
        """Live (or archived) entities by id."""
        return [one for _, one in sorted(self.entities.items()) if one.archived is archived]

    def keys(self, values: Mapping[int, Any]) -> set[Key]:
        """The unique keys of values."""
        return {
            (ident, kind_of(one).unique_key(value, one))
            for ident, value in values.items()
            if value is not None and (one := self.live.by_id[ident]).unique
        }

    def owner(self, key: Key) -> Held | None:
        """The live entity that has a unique key."""
        return next((one for one in self.present() if key in self.keys(one.values)), None)

    def find(self, ref: Ref) -> Held | None:
        """The live entity a reference means."""
        if ref.id is not None:
            found = self.entities.get(ref.id)
            return found if found and not found.archived else None
        attribute = self.live.attribute(ref.attribute or "")
        try:
            value = kind_of(attribute).coerce(ref.value, attribute)
        except ValueProblem:
            return None
        return self.owner((attribute.id, kind_of(attribute).unique_key(value, attribute)))

    # Writes. A plan says what each item comes to; `carry_out` does it, with the ids that the engine gave.

    def creation(self, drafts: Sequence[Draft], *, partial: bool) -> list[Item]:
        """What creating comes to; raises what the engine must raise."""
        return self._plan([lambda one=one: self._new(one.values) for one in drafts], partial, set())

    def change(self, updates: Sequence[Update], *, partial: bool) -> list[Item]:
        """What updating comes to."""
        if len(updates) == 1 and not partial and self.find(updates[0].ref) is None:
            raise NotFound(self.live.name)
        seen: set[int] = set()
        makes = [lambda one=one: self._updated(one, seen) for one in updates]
        return self._plan(makes, partial, seen, passing=NotFound)

    def upsertion(self, upserts: Sequence[Upsert], *, partial: bool) -> list[Item]:
        """What upserting comes to."""
        seen: set[int] = set()
        return self._plan([lambda one=one: self._upserted(one, seen) for one in upserts], partial, seen)

    def _plan(
        self,
        makes: Sequence[Callable[[], Item]],
        partial: bool,
        seen: set[int],
        passing: type[Exception] | None = None,
    ) -> list[Item]:
        """`passing`: a refusal that does not stop a batch which else goes through whole or not at all."""
        refused: dict[int, Item] = {}
        while True:
            seen.clear()
            items = [refused.get(place) or make() for place, make in enumerate(makes)]
            self._claim(items)
            if not partial:
                _raise_first(items, passing)
            taken = {place: clash for place, one in enumerate(items) if (clash := self._clash(one, items)) is not None}
            if not taken:
                return items
            if not partial:
                raise Conflict("", existing_id=next(iter(taken.values())).id)
            refused |= {place: Item(refusal=Conflict, owner=owner.id) for place, owner in taken.items()}

    def _claim(self, items: list[Item]) -> None:
        claimed: set[Key] = set()
        for place, one in enumerate(items):
            keys = self.keys(one.changed)
            if keys & claimed:
                items[place] = Item(refusal=Conflict)
            else:
                claimed |= keys

    def _clash(self, item: Item, items: Iterable[Item]) -> Held | None:
        released = {(one.entity.id, ident) for one in items if one.entity is not None for ident in one.changed}
        for key in sorted(self.keys(item.changed)):
            owner = self.owner(key)
            if owner is not None and (owner.id, key[0]) not in released:
                return owner
        return None

    def _coerced(self, given: Mapping[str, object], old: Mapping[int, Any]) -> Values | None:
        values: Values = {}
        for name, raw in given.items():
            attribute = self.live.find(name)
            if attribute is None or attribute.read_only or attribute.id in values:
                return None
            try:
                values[attribute.id] = (
                    None
                    if raw is None or raw == ""
                    else kind_of(attribute).coerce(raw, attribute, old.get(attribute.id))
                )
            except ValueProblem:
                return None
        return values

    def _new(self, given: Mapping[str, object]) -> Item:
        values = self._coerced(given, {})
        if values is None:
            return Item(refusal=InvalidValues)
        return Item(changed={ident: value for ident, value in values.items() if value is not None})

    def _changed(self, entity: Held, given: Mapping[str, object]) -> Item:
        values = self._coerced(given, entity.values)
        if values is None:
            return Item(refusal=InvalidValues)
        return Item(entity, {ident: value for ident, value in values.items() if value != entity.values.get(ident)})

    def _updated(self, update: Update, seen: set[int]) -> Item:
        entity = self.find(update.ref)
        if entity is None:
            return Item(refusal=NotFound)
        if entity.id in seen:
            return Item(refusal=Invalid)
        if update.expected_version not in (None, entity.version):
            return Item(refusal=VersionMismatch)
        seen.add(entity.id)
        return self._changed(entity, update.values)

    def _upserted(self, upsert: Upsert, seen: set[int]) -> Item:
        entity = self.find(upsert.ref)
        if entity is not None:
            if entity.id in seen:
                return Item(refusal=Invalid)
            seen.add(entity.id)
            return self._changed(entity, upsert.values)
        if upsert.ref.attribute is None:
            return Item(refusal=NotFound)
        named = self.live.attribute(upsert.ref.attribute)
        given = {one.name for name in upsert.values if (one := self.live.find(name))}
        return self._new(upsert.values if named.name in given else {**upsert.values, named.name: upsert.ref.value})

    def carry_out(self, items: Sequence[Item], ids: Sequence[int | None]) -> None:
        """Do what a plan says."""
        for item, ident in zip(items, ids, strict=True):
            if item.refusal is not None:
                continue
            if item.entity is None:
                assert ident is not None
                assert ident not in self.entities
                item.entity = self.entities[ident] = Held(ident)
            elif item.changed:
                item.entity.version += 1
            item.entity.put(self.live, item.changed)

    def archive(self, refs: Sequence[Ref]) -> list[int]:
        """Archive what is there."""
        gone = sorted({found.id for one in refs if (found := self.find(one))})
        for ident in gone:
            self.entities[ident].archived = True
            self.entities[ident].version += 1
        return gone

    def restore(self, ident: int, *, without_taken: bool) -> None:
        """Bring back; raises NotFound or Conflict."""
        entity = self.entities.get(ident)
        if entity is None or not entity.archived:
            raise NotFound(self.live.name)
        owners = {key: owner for key in self.keys(entity.values) if (owner := self.owner(key))}
        if owners and not without_taken:
            raise Conflict("", existing_id=next(iter(owners.values())).id)
        entity.archived = False
        entity.version += 1
        if owners:
            entity.version += 1
            entity.put(self.live, dict.fromkeys((ident for ident, _ in owners), None))

    def expected(self) -> dict[int, Expected]:
        """What the tables must hold."""
        return {one.id: Expected(one.version, one.values) for one in self.present()}

    def matching(self, node: Node | None) -> list[Held]:
        """Live entities that match, by id."""
        if node is None:
            return self.present()
        checked, own = check(node, self.live), self.live.attributes["id"].id
        return [one for one in self.present() if matches(checked, {**one.values, own: one.id})]

    def ordered(self, node: Node | None, sorts: Sequence[Sort]) -> list[int]:
        """Ids that match, in order: without a value last in both directions, ids as the first sort goes."""
        named: dict[str, Sort] = {}
        for sort in sorts:
            named.setdefault(self.live.attribute(sort.attribute).name, sort)
        orders = [(one, sort.descending) for name, sort in named.items() if (one := self.live.attributes[name]).column]
        down = bool(orders) and orders[0][1]

        def compared(left: Held, right: Held) -> int:
            for attribute, descending in orders:
                if sign := _sign(_place(left, attribute), _place(right, attribute), descending):
                    return sign
            return _sign(left.id, right.id, down)

        return [one.id for one in sorted(self.matching(node), key=cmp_to_key(compared))]


def _place(entity: Held, attribute: AttributeDef) -> Any:
    if attribute.column == "id":
        return entity.id
    value = entity.values.get(attribute.id)
    return None if value is None else kind_of(attribute).to_slot(value, attribute)


def _sign(left: Any, right: Any, descending: bool) -> int:
    if left == right:
        return 0
    if left is None or right is None:
        return 1 if left is None else -1
    # Text slots are ordered by code points, as collation C does.
    return -1 if (left < right) is not descending else 1


def _raise_first(items: Sequence[Item], passing: type[Exception] | None) -> None:
    refusals = [one.refusal for one in items if one.refusal not in (None, passing)]
    if refusals:
        raise _MAKE[refusals[0]]


_MAKE: dict[Any, Exception] = {
    InvalidValues: InvalidValues([]),
    Invalid: Invalid([]),
    NotFound: NotFound(""),
    Conflict: Conflict(""),
    VersionMismatch: VersionMismatch(0, 0),
}
