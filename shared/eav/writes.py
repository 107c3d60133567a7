"""Writing entities: create, update, upsert, archive, restore; one item or many, always set-wise.

Every call is one transaction that either writes everything or nothing; `partial=True` leaves refused items out and
writes the rest. Calls repeat themselves when the catalog moved on, a slot was missing, or a partition was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.eav.attempts import Attempts, NeedSlots, Taken, unique_clashes
from shared.eav.catalog import LiveType
from shared.eav.entity import Entity, View
from shared.eav.presenting import present
from shared.eav.reads import resolve_refs
from shared.eav.requests import Draft, ItemError, Ref, Update, Upsert
from shared.eav.store import archive as archiving
from shared.eav.store.state import State, Typed, Written, changes
from shared.eav.store.write import Pending, guard, lock
from shared.eav.store.write import create as insert
from shared.eav.store.write import update as rewrite
from shared.eav.types import kind_of
from shared.eav.validation import Judge, Values, complete
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.kernel.errors import Conflict, CrmError, FieldError, Invalid, InvalidValues, NotFound, VersionMismatch

Outcome = Entity | ItemError
Publish = Callable[[Connection, LiveType, Sequence[Written], Context], None]
Refused = dict[int, CrmError]
Known = Mapping[int, Sequence[FieldError]]


@dataclass(slots=True)
class _Batch:
    """One attempt at a batch: what is refused so far, what is to be inserted and changed, by place in the input."""

    live: LiveType
    refused: Refused
    partial: bool
    known: Known
    inserts: dict[int, Values] = field(default_factory=dict)
    updates: dict[int, Pending] = field(default_factory=dict)
    keys: dict[tuple[int, str], int] = field(default_factory=dict)

    def refuse(self, place: int, error: CrmError) -> None:
        """Leave an item out."""
        self.refused[place] = error
        self.inserts.pop(place, None)
        self.updates.pop(place, None)

    def claim(self, place: int, values: Mapping[str, Any], owner: int | None) -> None:
        """Note the item's unique keys; refuse it when an earlier item of the batch claims the same."""
        for name, value in values.items():
            attribute = self.live.attributes[name]
            if not attribute.unique or value is None:
                continue
            key = (attribute.id, kind_of(attribute).unique_key(value, attribute))
            if self.keys.setdefault(key, place) != place:
                message = f'Another item of this batch has the same value of "{attribute.wire}"'
                self.refuse(place, Conflict(message, existing_id=owner, attribute=attribute.name))

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
            errors = [one for _, one in sorted(self.refused.items())]
            if all(isinstance(one, InvalidValues) for one in errors):
                raise InvalidValues([part for one in errors if isinstance(one, Invalid) for part in one.errors])
            raise errors[0]


class Writes:
    """The writing half of the engine."""

    def __init__(self, attempts: Attempts, judge: Judge, publish: Publish) -> None:
        self._attempts = attempts
        self._judge = judge
        self._publish = publish

    def create(
        self,
        type_name: str,
        drafts: Sequence[Draft],
        context: Context,
        view: View,
        *,
        partial: bool = False,
        known: Known | None = None,
    ) -> list[Outcome]:
        """Create entities. Raises InvalidValues or Conflict (nothing written) unless `partial`.

        known: errors found beforehand, by place in the input; they are raised together with the engine's own.
        """

        def once(live: LiveType, refused: Refused) -> list[Outcome]:
            batch = _Batch(live, refused, partial, known or {})
            for place, draft in enumerate(drafts):
                if place not in refused:
                    self._draft(batch, place, draft.values, context)
            batch.settle()
            batch.need_slots()
            with self._attempts.transaction(live) as connection:
                guard(connection, live)
                done = self._write(connection, batch, context, drafts)
            return self._outcomes(batch, done, drafts, view)

        return self._attempts.run(type_name, partial, _names(drafts), once)

    def update(
        self,
        type_name: str,
        updates: Sequence[Update],
        context: Context,
        view: View,
        *,
        partial: bool = False,
        known: Known | None = None,
    ) -> list[Outcome]:
        """Change entities. An unknown id is an ItemError in a batch, NotFound when it is the only item."""

        def once(live: LiveType, refused: Refused) -> list[Outcome]:
            batch = _Batch(live, refused, partial, known or {})
            with self._attempts.transaction(live) as connection:
                guard(connection, live)
                ids = resolve_refs(connection, live, [one.ref for one in updates], self._judge)
                states = lock(connection, live, [one for one in ids if one is not None])
                lost = self._collect(batch, updates, ids, states, context)
                batch.settle()
                batch.need_slots()
                done = self._write(connection, batch, context, updates)
            batch.refused |= lost
            return self._outcomes(batch, done, updates, view)

        return self._attempts.run(type_name, partial, _names(updates), once)

    def _collect(
        self,
        batch: _Batch,
        updates: Sequence[Update],
        ids: Sequence[int | None],
        states: Mapping[int, State],
        context: Context,
    ) -> Refused:
        """Fill the batch with pending changes; the answer is what was not found."""
        lost: Refused = {}
        seen: set[int] = set()
        for place, (item, ident) in enumerate(zip(updates, ids, strict=True)):
            if place in batch.refused:
                continue
            state = states.get(ident) if ident is not None else None
            if state is None:
                error = NotFound(batch.live.name, [str(item.ref)])
                if len(updates) == 1 and not batch.partial:
                    raise error
                lost[place] = error
            elif state.id in seen:
                batch.refuse(place, Invalid.one("id", "DUPLICATE_ID", f"id {state.id} is named twice in this batch"))
            elif item.expected_version not in (None, state.version):
                batch.refuse(place, VersionMismatch(item.expected_version or 0, state.version))
            else:
                seen.add(state.id)
                self._change(batch, place, state, item.values, context)
        return lost

    def upsert(
        self,
        type_name: str,
        upserts: Sequence[Upsert],
        context: Context,
        view: View,
        *,
        partial: bool = False,
        known: Known | None = None,
    ) -> list[Outcome]:
        """Update what each reference finds and create the rest, in one transaction; `new` tells which happened."""

        def once(live: LiveType, refused: Refused) -> list[Outcome]:
            batch = _Batch(live, refused, partial, known or {})
            with self._attempts.transaction(live) as connection:
                guard(connection, live)
                refs = [one.ref for one in upserts]
                ids = resolve_refs(connection, live, refs, self._judge)
                states = lock(connection, live, [one for one in ids if one is not None])
                self._sort_out(batch, upserts, ids, states, context)
                batch.settle()
                batch.need_slots()
                done = self._write(connection, batch, context, upserts)
            outcomes = self._outcomes(batch, done, upserts, view)
            for place, outcome in enumerate(outcomes):
                if isinstance(outcome, Entity):
                    outcome.new = place in batch.inserts
            return outcomes

        return self._attempts.run(type_name, partial, _names(upserts), once)

    def _sort_out(
        self,
        batch: _Batch,
        upserts: Sequence[Upsert],
        ids: Sequence[int | None],
        states: Mapping[int, State],
        context: Context,
    ) -> None:
        seen: set[int] = set()
        for place, (item, ident) in enumerate(zip(upserts, ids, strict=True)):
            if place in batch.refused:
                continue
            if ident in seen:
                message = f"{item.ref} is named twice in this batch"
                batch.refuse(place, Invalid.one("id", "DUPLICATE_ID", message))
            elif ident is not None and ident in states:
                seen.add(ident)
                self._change(batch, place, states[ident], item.values, context)
            elif item.ref.attribute is None:
                batch.refuse(place, NotFound(batch.live.name, [str(item.ref)]))
            else:
                named = batch.live.attribute(item.ref.attribute)
                given = {one.name for name in item.values if (one := batch.live.find(name))}
                values = item.values if named.name in given else {**item.values, named.name: item.ref.value}
                self._draft(batch, place, values, context)

    def archive(self, type_name: str, refs: Sequence[Ref], context: Context) -> list[int]:
        """Archive; unknown ones are fine. The ids that really were archived."""

        def once(live: LiveType, refused: Refused) -> list[int]:
            with self._attempts.transaction(live) as connection:
                guard(connection, live)
                ids = [one for one in resolve_refs(connection, live, refs, self._judge) if one is not None]
                done = archiving.archive(connection, live, ids, context)
                self._publish(connection, live, done, context)
            return [one.state.id for one in done]

        return self._attempts.run(type_name, False, (), once)

    def restore(
        self, type_name: str, ident: int, context: Context, view: View, *, without_taken: bool = False
    ) -> Entity:
        """Bring an archived entity back. Conflict names who has its unique value meanwhile, unless `without_taken`
        (then the entity comes back without that value). NotFound when there is nothing archived under the id."""

        def once(live: LiveType, refused: Refused) -> Entity:
            with self._attempts.transaction(live) as connection:
                guard(connection, live)
                state = archiving.archived_state(connection, live, ident)
                if state is None:
                    raise NotFound(live.name, [str(ident)])
                keys = dict(archiving.unique_keys(live, state))
                clashes = unique_clashes(connection, keys.items())
                if clashes and not without_taken:
                    raise next(iter(clashes.values())).as_conflict(live)
                back = archiving.restore(connection, live, state, context)
                if clashes:
                    gone = {live.by_id[a].name: None for a, _ in clashes}
                    pending = Pending(state, gone, changes(live, state.values, gone))
                    rewrite(connection, live, [pending], context)
                self._publish(connection, live, [back], context)
            return present(live, back.state, view)

        return self._attempts.run(type_name, False, (), once)

    def _draft(self, batch: _Batch, place: int, given: Mapping[str, object], context: Context) -> None:
        try:
            values = complete(self._judge, batch.live, given, None, context, batch.known.get(place, ()))
        except InvalidValues as error:
            batch.refuse(place, error)
            return
        batch.inserts[place] = {name: value for name, value in values.items() if value is not None}
        batch.claim(place, batch.inserts[place], None)

    def _change(self, batch: _Batch, place: int, state: State, given: Mapping[str, object], context: Context) -> None:
        old = {**Typed(batch.live, state.values), "id": state.id}
        try:
            values = complete(self._judge, batch.live, given, old, context, batch.known.get(place, ()))
        except InvalidValues as error:
            batch.refuse(place, error)
            return
        changed = changes(batch.live, state.values, values)
        batch.updates[place] = Pending(state, values, changed)
        batch.claim(place, {name: values[name] for name in values if batch.live.attributes[name].key in changed}, None)

    def _write(
        self, connection: Connection, batch: _Batch, context: Context, items: Sequence[Draft | Update | Upsert]
    ) -> dict[int, Written]:
        """Both kinds of writes and their events; what each place became."""
        done: dict[int, Written] = {}
        with Taken.watching(batch.live, batch.inserts, batch.updates):
            if batch.updates:
                written = rewrite(
                    connection,
                    batch.live,
                    list(batch.updates.values()),
                    context,
                    [items[place].effective_at for place, one in batch.updates.items() if one.changed],
                )
                done |= dict(zip(batch.updates, written, strict=True))
            if batch.inserts:
                instants = [items[place].effective_at for place in batch.inserts]
                written = insert(connection, batch.live, list(batch.inserts.values()), context, instants)
                done |= dict(zip(batch.inserts, written, strict=True))
        news = [done[place] for place in sorted(done) if done[place].changed or done[place].kind == "created"]
        if news:
            self._publish(connection, batch.live, news, context)
        return done

    def _outcomes(
        self, batch: _Batch, done: Mapping[int, Written], items: Sequence[Draft | Update | Upsert], view: View
    ) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for place, item in enumerate(items):
            if place in done:
                outcomes.append(present(batch.live, done[place].state, view, item.values))
            else:
                outcomes.append(ItemError(place, batch.refused[place]))
        return outcomes


def _names(items: Sequence[Draft | Update | Upsert]) -> set[str]:
    return {name for item in items for name in item.values}
