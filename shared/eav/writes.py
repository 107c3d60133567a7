"""Writing entities: create, update, upsert, archive, restore; one item or many, always set-wise.

Every call is one transaction that either writes everything or nothing; `partial=True` leaves refused items out and
writes the rest. Calls repeat themselves when the catalog moved on, a slot was missing, or a partition was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import replace
from typing import Any

import psycopg

from shared.eav import batches
from shared.eav.absorbed import heirs
from shared.eav.attempts import Attempts, Overtaken, Publish, Taken, unique_clashes
from shared.eav.batches import Batch, Items, KeptOut, Known, Outcome, Refused, nothing_kept_out
from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef
from shared.eav.entity import Entity, View
from shared.eav.links.beside import made_of, prepare_beside
from shared.eav.links.links import Links
from shared.eav.merging import store as merging
from shared.eav.merging.locking import lock_refs, resolved, values_without_alias
from shared.eav.presenting import present
from shared.eav.references import unique_key
from shared.eav.requests import Draft, Ref, Update, Upsert, dated, names_of
from shared.eav.store import archive as archiving
from shared.eav.store.state import Before, State, Written
from shared.eav.store.write import Pending
from shared.eav.store.write import create as insert
from shared.eav.store.write import update as rewrite
from shared.eav.validation import Judge
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.kernel.errors import FieldError, Invalid, NotFound, VersionMismatch

Returning = Callable[[LiveType, Mapping[str, Any], Context], Sequence[FieldError]]
"""What a domain has against an archived entity coming back as it was: canonical values by internal name."""


class Writes:
    """The writing half of the engine."""

    def __init__(
        self,
        attempts: Attempts,
        judge: Judge,
        publish: Publish,
        links: Links,
        kept_out: KeptOut = nothing_kept_out,
        further: batches.Further = batches.NOTHING_FURTHER,
    ) -> None:
        self._attempts = attempts
        self._judge = judge
        self._publish = publish
        self._links = links
        self._kept_out = kept_out
        self._further = further

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
            self._links.ready(drafts)
            batch = Batch(live, dict(refused), partial, known or {}, len(drafts))
            for place, draft in enumerate(drafts):
                if place not in refused:
                    batch.draft(self._judge, place, draft.values, dated(draft, context))
            if len(batch.refused) > len(refused):
                self._attempts.confirm(live)
            batch.settle()
            batch.need_slots()
            with self._attempts.transaction(live) as connection:
                done = self._write(connection, batch, context, drafts)
            return batch.outcomes(done, drafts, view)

        return self._attempts.run(type_name, partial, names_of(drafts), once)

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
            self._links.ready(updates)
            batch = Batch(live, refused, partial, known or {}, len(updates))
            with self._attempts.transaction(live) as connection:
                ids, states = lock_refs(connection, live, [one.ref for one in updates], self._judge)
                lost = self._collect(batch, updates, ids, states, context)
                batch.settle()
                batch.need_slots()
                done = self._write(connection, batch, context, updates)
            batch.refused |= lost
            return batch.outcomes(done, updates, view)

        return self._attempts.run(type_name, partial, names_of(updates), once)

    def _collect(
        self,
        batch: Batch,
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
                batch.change(self._judge, place, state, item.values, dated(item, context))
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
            self._links.ready(upserts)
            batch = Batch(live, refused, partial, known or {}, len(upserts))
            with self._attempts.transaction(live) as connection:
                refs = [one.ref for one in upserts]
                ids, states = lock_refs(connection, live, refs, self._judge)
                self._sort_out(batch, upserts, ids, states, context)
                batch.settle()
                batch.need_slots()
                lost = [ref for ref, ident in zip(refs, ids, strict=True) if ref.id is None and ident is None]
                sought = {key for ref in lost if (key := unique_key(live, ref, self._judge))}
                done = self._write(connection, batch, context, upserts, frozenset(sought))
            outcomes = batch.outcomes(done, upserts, view)
            for place, outcome in enumerate(outcomes):
                if isinstance(outcome, Entity):
                    outcome.new = place in batch.inserts
            return outcomes

        return self._attempts.run(type_name, partial, names_of(upserts), once)

    def _sort_out(
        self,
        batch: Batch,
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
                values = values_without_alias(batch.live, states[ident], item, self._judge)
                batch.change(self._judge, place, states[ident], values, dated(item, context))
            elif item.ref.attribute is None:
                batch.refuse(place, NotFound(batch.live.name, [str(item.ref)]))
            else:
                named = batch.live.attribute(item.ref.attribute)
                given = {one.name for name in item.values if (one := batch.live.find(name))}
                values = item.values if named.name in given else {**item.values, named.name: item.ref.value}
                batch.draft(self._judge, place, values, dated(item, context))

    def archive(self, type_name: str, refs: Sequence[Ref], context: Context) -> list[int]:
        """Archive; unknown ones are fine. The ids that really were archived."""

        def once(live: LiveType, refused: Refused) -> list[int]:
            with self._attempts.transaction(live) as connection:
                ids = [one for one in resolved(connection, live, refs, self._judge) if one is not None]
                done = archiving.archive(connection, live, ids, context)
                left = heirs(connection, live, set(ids) - {one.state.id for one in done})
                if left:
                    done += archiving.archive(connection, live, list(left.values()), context)
                self._publish(connection, live, done, context)
            return [one.state.id for one in done]

        return self._attempts.run(type_name, False, (), once)

    def restore(
        self,
        type_name: str,
        ident: int,
        context: Context,
        view: View,
        *,
        without_taken: bool = False,
        judged: Returning | None = None,
    ) -> Entity:
        """Bring an archived entity back. Conflict names who has its unique value meanwhile, unless `without_taken`
        (then the entity comes back without that value). NotFound when there is nothing archived under the id; Invalid
        with what `judged` has against it."""

        def once(live: LiveType, refused: Refused) -> Entity:
            with self._attempts.transaction(live) as connection:
                meant, merges = merging.past(connection, live, ident)
                state = archiving.archived_state(connection, live, meant)
                if state is None:
                    raise NotFound(live.name, [str(ident)])
                if judged is not None and (wrong := judged(live, Before(live, state), context)):
                    raise Invalid(wrong)
                own = archiving.unique_keys(live, state)
                led = [(*key, meant) for key in merging.aliases_of(merges) if key not in own]
                clashes = unique_clashes(connection, [*own, *(one[:2] for one in led)])
                if clashes and not without_taken:
                    raise next(iter(clashes.values())).as_conflict(live)
                try:
                    (back,) = archiving.restore(connection, live, [state], context, without=clashes, aliases=led)
                except psycopg.errors.UniqueViolation as error:
                    raise Overtaken from error
                news = [replace(back, state=replace(state))]
                lost = [live.by_id[key[0]] for key in own if key in clashes]
                if lost:
                    news += rewrite(connection, live, [_without(state, lost)], context)
                self._publish(connection, live, news, context)
            return present(live, back.state, view)

        return self._attempts.run(type_name, False, (), once)

    def _write(
        self,
        connection: Connection,
        batch: Batch,
        context: Context,
        items: Items,
        sought: Set[tuple[int, str]] = frozenset(),
    ) -> dict[int, Written]:
        """Both kinds of writes, their links and events; what each place became.

        sought: keys the items were looked up by.
        """
        batch.keep_out(connection, self._kept_out, self._further)
        beside = prepare_beside(self._links, connection, batch, items)
        done: dict[int, Written] = {}
        with Taken.watching(batch.live, batch.inserts, batch.updates, sought):
            if batch.updates:
                written = rewrite(connection, batch.live, list(batch.updates.values()), context)
                done |= dict(zip(batch.updates, written, strict=True))
            if batch.inserts:
                instants = [items[place].effective_at for place in batch.inserts]
                written = insert(connection, batch.live, list(batch.inserts.values()), context, instants)
                done |= dict(zip(batch.inserts, written, strict=True))
        news = [done[place] for place in sorted(done) if done[place].changed or done[place].kind == "created"]
        if news:
            self._publish(connection, batch.live, news, context)
        if beside is not None:
            self._links.apply(connection, beside, context, made_of(batch, done))
        return done


def _without(state: State, lost: Sequence[AttributeDef]) -> Pending:
    """The change that clears these values."""
    cleared = {one.key: (state.values[one.key], None) for one in lost}
    return Pending(state, dict.fromkeys((one.name for one in lost), None), cleared)
