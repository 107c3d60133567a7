"""Judging the items of a call in input order, in memory: each sees what the ones before it did. Pure.

One pass over all items makes a `Plan`, or finds out what it would have to know; `writes` then looks that up and makes
another pass. What values and rules say of an item is kept from one pass to the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from shared.eav.bulk.claims import Claims
from shared.eav.bulk.finding import MOST_NAMED, Found, Key, held_key, key_of
from shared.eav.bulk.items import BulkOutcome
from shared.eav.bulk.plan import Claim, Entries, Entry, Judged, Old, Plan, Prepared, Step
from shared.eav.bulk.shapes import Reading, Shape, Shapes
from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef
from shared.eav.store.state import Change, applied, to_json
from shared.eav.validation import settled
from shared.kernel.context import Context
from shared.kernel.errors import CrmError, FieldError, Invalid, InvalidValues

_NOTHING: Mapping[str, Any] = {}


class Items:
    """What values and rules say of single items. `unique`: attributes with unique values."""

    def __init__(self, live: LiveType, shapes: Shapes, context: Context) -> None:
        self._live, self._shapes, self._context = live, shapes, context
        self._unique = tuple(one for one in live.attributes.values() if one.unique)

    def judged(self, one: Prepared, entry: Entry | None) -> Judged:
        """What an item makes of an entity, or of none."""
        before = None if entry is None else entry.values
        kept = one.judged
        if kept is None or kept.before is not before:
            kept = one.judged = self._made(one) if entry is None else self._changed(one, entry)
        return kept

    def errors(self, one: Prepared) -> list[FieldError]:
        """What is wrong with the values of an item that is about no entity."""
        return [*one.shape.read(one.item.values, _NOTHING).errors, *one.item.errors]

    def _made(self, one: Prepared) -> Judged:
        shape, raws = one.shape, one.item.values
        ref, named = one.item.ref, one.sought.attribute
        if ref is not None and named is not None and named.name not in shape.names:
            raws = {**raws, named.name: ref.value}
            shape = self._shapes.of(raws)
        reading = shape.read(raws, _NOTHING)
        warnings: list[FieldError] = []
        try:
            completed = self._settled(one, shape, reading, None, warnings)
        except InvalidValues as error:
            return Judged(None, {}, {}, errors=error.errors)
        jsons = self._jsons(reading, completed)
        after = {key: value for key, value in jsons.items() if value is not None}
        return Judged(None, after, {}, self._claims(after, completed), warnings=tuple(warnings))

    def _changed(self, one: Prepared, entry: Entry) -> Judged:
        held = entry.values
        reading = _without_alias(one, held, one.shape.read(one.item.values, held))
        warnings: list[FieldError] = []
        try:
            completed = self._settled(one, one.shape, reading, Old(self._live, held, entry.id), warnings)
        except InvalidValues as error:
            return Judged(held, held, {}, errors=error.errors)
        jsons = self._jsons(reading, completed)
        changed: dict[str, Change] = {
            key: (old, value) for key, value in jsons.items() if (old := held.get(key)) != value
        }
        if not changed:
            return Judged(held, held, changed)
        claims = self._claims(changed, completed)
        return Judged(held, applied(held, changed), changed, claims, warnings=tuple(warnings))

    def _settled(
        self, one: Prepared, shape: Shape, reading: Reading, old: Old | None, warnings: list[FieldError]
    ) -> Mapping[str, Any]:
        context, at = self._context, one.item.effective_at
        if at is not None:
            context = replace(context, effective_at=at)
        errors = [*reading.errors, *one.item.errors] if one.item.errors else reading.errors
        return settled(self._shapes.judge, self._live, reading.values, errors, shape.names, old, context, warnings)

    def _jsons(self, reading: Reading, completed: Mapping[str, Any]) -> dict[str, Any]:
        """The canonical JSON of what rules made of the values that were read."""
        values = reading.values
        if completed is values:
            return reading.jsons
        attributes = self._live.attributes
        return {
            attributes[name].key: reading.jsons[attributes[name].key]
            if name in values and values[name] is value
            else to_json(attributes[name], value)
            for name, value in completed.items()
        }

    def _claims(self, written: Mapping[str, Any], completed: Mapping[str, Any]) -> tuple[Claim, ...]:
        return tuple(
            (one, None if completed[one.name] is None else key_of(one, completed[one.name]))
            for one in self._unique
            if one.key in written
        )


def _without_alias(one: Prepared, held: Mapping[str, Any], reading: Reading) -> Reading:
    """Whoever says which entity is meant by a value that a merge brought along does not make it the entity's own."""
    attribute, key = one.sought.attribute, one.sought.key
    value = None if attribute is None else reading.values.get(attribute.name)
    if attribute is None or value is None or not attribute.unique:
        return reading
    if key_of(attribute, value) != key or held_key(attribute, held) == key:
        return reading
    values = {name: other for name, other in reading.values.items() if name != attribute.name}
    jsons = {ident: other for ident, other in reading.jsons.items() if ident != attribute.key}
    return Reading(values, jsons, reading.errors)


class Pass:
    """One pass over the items."""

    def __init__(self, live: LiveType, items: Items, found: Found, refused: Mapping[int, CrmError]) -> None:
        self._live, self._items, self._found, self._refused = live, items, found, refused
        self._plan = Plan()
        self._entries = Entries(found.states)
        self._index: dict[Key, list[Entry]] = {}
        self._watched: dict[str, AttributeDef] = {}
        self._last: dict[int, int] = {}
        self._claims = Claims(live, found, self._entries, self._last)

    def run(self, every: Sequence[Prepared]) -> Plan:
        """Judge all items."""
        plan, claims = self._plan, self._claims
        for place, one in enumerate(every):
            attribute = one.sought.attribute
            if attribute is not None and not attribute.unique:
                self._watched[attribute.key] = attribute
            ident = self._found.meant(one.sought)
            if ident is not None:
                self._last[ident] = place
        for place, one in enumerate(every):
            refusal = self._refused.get(place)
            plan.outcomes.append(self._item(place, one) if refusal is None else self._rejected(place, one, refusal))
        plan.taken, plan.unpaid = claims.taken, claims.unpaid()
        return plan

    def _item(self, place: int, one: Prepared) -> BulkOutcome:
        try:
            entry, outcome = self._done(place, one)
        except Invalid as error:
            return BulkOutcome(place, "rejected", errors=error.errors)
        self._plan.about[place] = entry
        if entry.id is None:
            entry.outcomes.append(outcome)
        return outcome

    def _done(self, place: int, one: Prepared) -> tuple[Entry, BulkOutcome]:
        """Take an item's effect into the plan. Raises Invalid when it is refused."""
        entry = self._target(one)
        judged = self._items.judged(one, entry)
        if judged.errors:
            raise InvalidValues(judged.errors)
        new = entry is None
        if entry is None:
            entry = Entry(None, None, 0, {})
        elif not judged.changed:
            return entry, BulkOutcome(place, "unchanged", entry.id, entry.version)
        if judged.claims:
            self._claims.take(place, entry, judged.claims, one.shape.names)
        entry.values = judged.after
        entry.version += 1
        entry.steps.append(Step(place, entry.version, judged, one.item.effective_at))
        if self._watched:
            self._moved(entry, judged.after if new else judged.changed)
        outcome = BulkOutcome(place, "created" if new else "updated", entry.id, entry.version)
        outcome.warnings = judged.warnings
        return entry, outcome

    def _rejected(self, place: int, one: Prepared, error: CrmError) -> BulkOutcome:
        if isinstance(error, Invalid):
            return BulkOutcome(place, "rejected", errors=error.errors)
        named = self._live.attributes.get(getattr(error, "attribute", None) or "")
        name = "id" if named is None else one.shape.names.get(named.name, named.wire)
        return BulkOutcome(place, "rejected", errors=(FieldError(name, error.category, error.message),))

    def _refusal(self, one: Prepared, error: FieldError) -> Invalid:
        """A refusal of the reference, with whatever else is known to be wrong."""
        return Invalid([*self._items.errors(one), error])

    def _target(self, one: Prepared) -> Entry | None:
        """The entity an item is about, None when it is to be created. Raises Invalid."""
        item, asked = one.item, one.sought
        if item.ref is None:
            if item.mode == "update":
                message = "there is nothing to tell which entity is meant"
                raise self._refusal(one, FieldError("id", "REQUIRED_FIELD", message))
            return None
        if asked.error is not None:
            raise self._refusal(one, asked.error)
        by_id = asked.id is not None
        entry = self._entries.of(self._found.meant(asked) or 0) if by_id else self._named(one)
        if entry is None and (by_id or item.mode == "update"):
            message = f"{self._live.name} not found: {item.ref}"
            raise self._refusal(one, FieldError(item.ref.attribute or "id", "OBJECT_NOT_FOUND", message))
        if entry is not None and item.mode == "create":
            where = f"Existing ID: {entry.id}" if entry.id else "An earlier row makes it"
            message = f"{self._live.defn.label} already exists. {where}"
            raise self._refusal(one, FieldError(item.ref.attribute or "id", "CONFLICT", message))
        return entry

    def _named(self, one: Prepared) -> Entry | None:
        """The entity that has the key now, given what earlier items did. Raises Invalid for several."""
        key, attribute = one.sought.key, one.sought.attribute
        if key is None or attribute is None:
            return None
        if attribute.unique:
            return self._claims.holder(key)
        entries = {id(entry): entry for entry in self._index.get(key, ()) if held_key(attribute, entry.values) == key}
        alone: list[int] = []
        for ident in self._found.matches.get(key, ()):
            entry = self._entries.known(ident)
            if entry is None:
                alone.append(ident)
            elif held_key(attribute, entry.values) == key:
                entries[id(entry)] = entry
        if len(entries) + len(alone) > 1:
            raise self._ambiguous(one, [*alone, *(entry.id for entry in entries.values())])
        if alone:
            if alone[0] not in self._found.states:
                self._plan.missing.add(alone[0])
            return self._entries.of(alone[0])
        return next(iter(entries.values()), None)

    def _ambiguous(self, one: Prepared, ids: Sequence[int | None]) -> Invalid:
        named = [str(ident) for ident in sorted(ident for ident in ids if ident is not None)]
        shown = ", ".join([*named, *["one made by an earlier row"] * (len(ids) - len(named))])
        more = " and maybe more" if len(ids) >= MOST_NAMED else ""
        message = f"several have this value: {shown}{more}; it cannot tell which one is meant"
        assert one.item.ref is not None
        return self._refusal(one, FieldError(one.item.ref.attribute or "", "AMBIGUOUS", message))

    def _moved(self, entry: Entry, changed: Mapping[str, Any]) -> None:
        """Note where an entity can be found by now, for references that look there later."""
        for name, attribute in self._watched.items():
            if name in changed:
                key = held_key(attribute, entry.values)
                if key is not None:
                    self._index.setdefault(key, []).append(entry)
