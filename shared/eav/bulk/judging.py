"""Judging the items of a call in input order, in memory: each sees what the ones before it did. Pure.

One pass over all items makes a `Plan`, or finds out what it would have to know; `writes` then looks that up and makes
another pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from shared.eav.bulk.claims import Claims
from shared.eav.bulk.finding import MOST_NAMED, Found, Key, held_key
from shared.eav.bulk.items import BulkOutcome
from shared.eav.bulk.plan import Entry, Old, Plan, Prepared, Step
from shared.eav.bulk.shapes import Given, Shapes
from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef
from shared.eav.store.state import applied, changes, to_json
from shared.eav.validation import Judge, Values, settled
from shared.kernel.context import Context
from shared.kernel.errors import CrmError, FieldError, Invalid


class Pass:
    """One pass over the items."""

    def __init__(
        self,
        live: LiveType,
        judge: Judge,
        shapes: Shapes,
        context: Context,
        found: Found,
        refused: Mapping[int, CrmError],
    ) -> None:
        self._live, self._judge, self._shapes, self._context = live, judge, shapes, context
        self._found = found
        self._refused = refused
        self._plan = Plan()
        self._entries: dict[int, Entry] = {}
        self._index: dict[Key, list[Entry]] = {}
        self._watched: dict[str, AttributeDef] = {}
        self._last: dict[int, int] = {}
        self._claims = Claims(live, found, self._entry, self._last)

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
        plan.unasked, plan.unpaid = claims.unasked, claims.unpaid()
        return plan

    def _item(self, place: int, one: Prepared) -> BulkOutcome:
        try:
            entry = self._target(one)
            entry, outcome = self._create(place, one) if entry is None else self._change(place, one, entry)
        except Invalid as error:
            return BulkOutcome(place, "rejected", errors=error.errors)
        self._plan.about[place] = entry
        if entry.id is None:
            entry.outcomes.append(outcome)
        return outcome

    def _rejected(self, place: int, one: Prepared, error: CrmError) -> BulkOutcome:
        if isinstance(error, Invalid):
            return BulkOutcome(place, "rejected", errors=error.errors)
        named = self._live.attributes.get(getattr(error, "attribute", None) or "")
        name = "id" if named is None else one.given.shape.names.get(named.name, named.wire)
        return BulkOutcome(place, "rejected", errors=(FieldError(name, error.category, error.message),))

    def _refusal(self, one: Prepared, error: FieldError) -> Invalid:
        """A refusal of the reference, with whatever else is known to be wrong."""
        _, errors = one.given.complete(one.item.values, {})
        return Invalid([*errors, *one.item.errors, error])

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
        entry = self._entry(self._found.meant(asked) or 0) if by_id else self._named(one)
        name = item.ref.attribute or "id"
        if entry is None and (by_id or item.mode == "update"):
            message = f"{self._live.name} not found: {item.ref}"
            raise self._refusal(one, FieldError(name, "OBJECT_NOT_FOUND", message))
        if entry is not None and item.mode == "create":
            where = f"Existing ID: {entry.id}" if entry.id else "An earlier row makes it"
            message = f"{self._live.defn.label} already exists. {where}"
            raise self._refusal(one, FieldError(name, "CONFLICT", message))
        return entry

    def _entry(self, ident: int) -> Entry | None:
        entry = self._entries.get(ident)
        if entry is None:
            state = self._found.states.get(ident)
            if state is None:
                return None
            entry = self._entries[ident] = Entry(state, state.id, state.version, state.values)
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
            entry = self._entries.get(ident)
            if entry is None:
                alone.append(ident)
            elif held_key(attribute, entry.values) == key:
                entries[id(entry)] = entry
        if len(entries) + len(alone) > 1:
            raise self._ambiguous(one, [*alone, *(entry.id for entry in entries.values())])
        if alone:
            if alone[0] not in self._found.states:
                self._plan.missing.add(alone[0])
            return self._entry(alone[0])
        return next(iter(entries.values()), None)

    def _ambiguous(self, one: Prepared, ids: Sequence[int | None]) -> Invalid:
        named = [str(ident) for ident in sorted(ident for ident in ids if ident is not None)]
        shown = ", ".join([*named, *["one made by an earlier row"] * (len(ids) - len(named))])
        more = " and maybe more" if len(ids) >= MOST_NAMED else ""
        message = f"several have this value: {shown}{more}; it cannot tell which one is meant"
        assert one.item.ref is not None
        return self._refusal(one, FieldError(one.item.ref.attribute or "", "AMBIGUOUS", message))

    def _create(self, place: int, one: Prepared) -> tuple[Entry, BulkOutcome]:
        given, raw = one.given, one.item.values
        ref, named = one.item.ref, one.sought.attribute
        if ref is not None and named is not None and named.name not in given.shape.names:
            raw = {**raw, named.name: ref.value}
            given = self._shapes.given(raw)
        values, errors = given.complete(raw, {})
        completed = self._settled(one, values, errors, given, None)
        kept = {name: value for name, value in completed.items() if value is not None}
        entry = Entry(None, None, 1, {})
        self._claims.take(place, entry, kept, given.shape.names)
        for name, value in kept.items():
            attribute = self._live.attributes[name]
            entry.values[attribute.key] = to_json(attribute, value)
        self._moved(entry, entry.values)
        changed = {key: (None, value) for key, value in entry.values.items()}
        entry.steps.append(Step(place, 1, changed, one.item.effective_at))
        return entry, BulkOutcome(place, "created", None, 1, changed=changed)

    def _change(self, place: int, one: Prepared, entry: Entry) -> tuple[Entry, BulkOutcome]:
        old = Old(self._live, entry)
        values, errors = one.given.complete(one.item.values, old)
        completed = self._settled(one, values, errors, one.given, old)
        changed = changes(self._live, entry.values, completed)
        if not changed:
            return entry, BulkOutcome(place, "unchanged", entry.id, entry.version)
        written = {name: completed[name] for key in changed if (name := self._live.by_id[int(key)].name)}
        self._claims.take(place, entry, written, one.given.shape.names)
        entry.values = applied(entry.values, changed)
        entry.version += 1
        self._moved(entry, changed)
        entry.steps.append(Step(place, entry.version, changed, one.item.effective_at))
        return entry, BulkOutcome(place, "updated", entry.id, entry.version, changed=changed)

    def _settled(
        self, one: Prepared, values: Values, errors: list[FieldError], given: Given, old: Old | None
    ) -> Values:
        context, at = self._context, one.item.effective_at
        if at is not None:
            context = replace(context, effective_at=at)
        errors = [*errors, *one.item.errors]
        return settled(self._judge, self._live, values, errors, given.shape.names, old, context)

    def _moved(self, entry: Entry, changed: Mapping[str, Any]) -> None:
        """Note where an entity can be found by now, for references that look there later."""
        for name, attribute in self._watched.items():
            if name in changed:
                key = held_key(attribute, entry.values)
                if key is not None:
                    self._index.setdefault(key, []).append(entry)
