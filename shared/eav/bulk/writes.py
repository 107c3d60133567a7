"""Create, update and upsert up to 100,000 entities in one transaction: `engine.bulk`.

For imports and mass changes. Not for requests: it answers no entities, and a handful of items goes faster through
`writes`, which takes fewer statements.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from shared.eav.attempts import Attempts, NeedSlots, Overtaken
from shared.eav.batches import KeptOut, Refused, nothing_kept_out
from shared.eav.bulk.finding import Found, Key, key_of, sought
from shared.eav.bulk.items import MAX_ITEMS, BulkItem, BulkOutcome
from shared.eav.bulk.judging import Pass
from shared.eav.bulk.linking import Linking
from shared.eav.bulk.plan import Plan, Prepared
from shared.eav.bulk.shapes import Shapes
from shared.eav.bulk.storing import Publish, store
from shared.eav.catalog import LiveType
from shared.eav.guard import guard
from shared.eav.links.links import Links
from shared.eav.store import statements
from shared.eav.types import kind_of
from shared.eav.validation import Judge
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.kernel.errors import Invalid

Also = Callable[[Connection, Sequence[BulkOutcome]], None]


class Bulk:
    """The bulk half of the engine's writing."""

    def __init__(
        self,
        attempts: Attempts,
        judge: Judge,
        publish: Publish,
        links: Links,
        kept_out: KeptOut = nothing_kept_out,
    ) -> None:
        self._attempts = attempts
        self._judge = judge
        self._publish = publish
        self._links = links
        self._kept_out = kept_out

    def write(
        self,
        type_name: str,
        items: Sequence[BulkItem],
        context: Context,
        *,
        view_changes: bool = False,
        dry: bool = False,
        also: Also | None = None,
    ) -> list[BulkOutcome]:
        """What each item came to, in input order. Items are judged one after the other, each in the light of those
        before it, and written together; what is wrong with one is its own outcome and stops no other.

        also: runs in the same transaction, just before it is committed. What it raises undoes everything.
        dry: nothing is written, no slot taken, no id drawn; `also` runs, and what it writes is committed.
        Raises Invalid for more than 100,000 items, NotFound for an unknown type, Unavailable.
        """
        if len(items) > MAX_ITEMS:
            raise Invalid.one("items", "TOO_MANY", f"at most {MAX_ITEMS:,} items can be written at once")

        def once(live: LiveType, refused: Refused) -> list[BulkOutcome]:
            call = _Call(live, items, context, refused, Shapes(self._judge, live), dry)
            if not dry:
                _need_slots(live, _valued(call.every))
            with self._attempts.transaction(live) as connection:
                guard(connection, live)
                linking = Linking(self._links, live, context)
                plan = self._settled(connection, call, linking)
                linking.tell(plan)
                if not dry:
                    _need_slots(live, (live.by_id[int(key)].name for one in plan.entries for key in one.values))
                    store(connection, live, plan, context, self._publish)
                    linking.write(connection, plan, call.every)
                if not view_changes:
                    for outcome in plan.outcomes:
                        outcome.changed = {}
                if also is not None:
                    also(connection, plan.outcomes)
            return plan.outcomes

        if any(one.links for one in items):
            self._links.relations.ready()
        return self._attempts.run(type_name, True, _names(items), once)

    def _settled(self, connection: Connection, call: _Call, linking: Linking) -> Plan:
        """A plan that holds: everything it rests on was looked up, and what it changes is locked as it was read."""
        live, every = call.live, call.every
        found, asked = Found(live), [one.sought for one in every]
        claimed = _claimed(live, every)
        found.look(connection, asked, claimed)
        call.refused |= self._refusals(connection, live, claimed, found)
        locked: set[int] = set()
        while True:
            plan = Pass(live, self._judge, call.shapes, call.context, found, call.refused).run(every)
            if plan.missing:
                found.read(connection, plan.missing)
                if not plan.missing <= found.states.keys():
                    raise Overtaken
            elif found.ask(connection, plan.unasked):
                continue
            elif plan.unpaid:
                call.refused |= plan.unpaid
            elif not call.dry and not self._locked(connection, found, plan, locked):
                found.verify(connection, asked)
            else:
                links = linking.prepare(connection, plan, every)
                if links is None or not links.errors:
                    return plan
                call.refused |= links.errors

    def _refusals(
        self, connection: Connection, live: LiveType, claimed: Mapping[Key, Sequence[int]], found: Found
    ) -> Refused:
        """Items with values that may not be written; a value that somebody has is written already."""
        new = claimed.keys() - found.owners.keys()
        refused = self._kept_out(connection, live, new) if new else {}
        return {place: error for key, error in refused.items() for place in claimed[key]}

    def _locked(self, connection: Connection, found: Found, plan: Plan, locked: set[int]) -> bool:
        """Lock what the plan changes, in id order; whether all of it is still as it was when it was read. States
        were read without locks, since most items of a repeated import change nothing."""
        wanted = {one.id for one in plan.entries if one.id is not None} - locked
        if not wanted:
            return True
        rows = connection.rows(statements.lock_versions(found.live.table), {"ids": sorted(wanted)})
        locked |= wanted
        versions = dict(rows)
        moved = {ident for ident in wanted if versions.get(ident) != found.states[ident].version}
        if moved - versions.keys():
            raise Overtaken
        found.read(connection, moved)
        return not moved


@dataclass
class _Call:
    """One attempt at a call. `refused`: what earlier passes and attempts refused, by place."""

    live: LiveType
    items: Sequence[BulkItem]
    context: Context
    refused: Refused
    shapes: Shapes
    dry: bool

    def __post_init__(self) -> None:
        shapes, live = self.shapes, self.live
        self.every = [Prepared(one, shapes.given(one.values), sought(shapes, live, one.ref)) for one in self.items]


def _names(items: Sequence[BulkItem]) -> set[str]:
    """Every name the items use."""
    names: set[str] = set()
    for item in items:
        names.update(item.values)
        if item.ref is not None and item.ref.attribute is not None:
            names.add(item.ref.attribute)
    return names


def _valued(every: Sequence[Prepared]) -> Collection[str]:
    """Names of attributes that items without errors give values of."""
    names: set[str] = set()
    for one in every:
        if not (one.given.errors or one.item.errors):
            names.update(name for name, value in one.given.values.items() if value is not None)
    return names


def _need_slots(live: LiveType, names: Collection[str] | Iterator[str]) -> None:
    homeless = [
        one
        for name in sorted(set(names))
        if (one := live.every[name]).column is None and kind_of(one).family is not None
    ]
    if homeless:
        raise NeedSlots(homeless)


def _claimed(live: LiveType, every: Sequence[Prepared]) -> dict[Key, list[int]]:
    """The unique keys that are given, and the places of the items that give them."""
    unique = [one for one in live.attributes.values() if one.unique]
    found: dict[Key, list[int]] = {}
    for place, one in enumerate(every):
        for attribute in unique:
            value = one.given.values.get(attribute.name)
            if value is not None:
                found.setdefault(key_of(attribute, value), []).append(place)
    return found
