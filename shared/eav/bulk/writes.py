"""Create, update and upsert up to 100,000 entities in one transaction: `engine.bulk`.

For imports and mass changes. Not for requests: it answers no entities, and a handful of items goes faster through
`writes`, which takes fewer statements.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from shared.eav.attempts import Attempts, NeedSlots, Overtaken
from shared.eav.batches import NOTHING_FURTHER, Further, KeptOut, Refused, listed_keys, named, nothing_kept_out
from shared.eav.bulk.finding import Found, Key, sought
from shared.eav.bulk.items import MAX_ITEMS, BulkItem, BulkOutcome
from shared.eav.bulk.judging import Items, Pass
from shared.eav.bulk.linking import Linking
from shared.eav.bulk.plan import Plan, Prepared
from shared.eav.bulk.shapes import Shapes
from shared.eav.bulk.storing import Publish, changed_by, store
from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef
from shared.eav.guard import guard
from shared.eav.links.links import Links
from shared.eav.store import statements
from shared.eav.types import kind_of
from shared.eav.validation import Judge
from shared.kernel.context import Context
from shared.kernel.db import Connection, Database
from shared.kernel.errors import Invalid
from shared.kernel.garbage import uncollected

Also = Callable[[Connection, Sequence[BulkOutcome]], None]


class Bulk:
    """The bulk half of the engine's writing."""

    def __init__(
        self,
        database: Database,
        attempts: Attempts,
        judge: Judge,
        publish: Publish,
        links: Links,
        kept_out: KeptOut = nothing_kept_out,
        further: Further = NOTHING_FURTHER,
    ) -> None:
        self._database = database
        self._attempts = attempts
        self._judge = judge
        self._publish = publish
        self._links = links
        self._kept_out = kept_out
        self._further = further
        self._shapes: dict[str, Shapes] = {}

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
            call = _Call(Found(live), self._shapes_of(live), items, context, refused, self._kept_out, self._further)
            # Nothing is locked while items are judged: in a repeated import most of them change nothing.
            with self._database.connect() as connection:
                plan = call.first(connection)
            if not dry:
                _need_slots(live, plan)
            with self._attempts.transaction(live) as connection:
                plan = self._carried_out(connection, call, plan, dry=dry)
                if view_changes:
                    _show_changes(plan)
                if also is not None:
                    also(connection, plan.outcomes)
            return plan.outcomes

        if any(one.links for one in items):
            self._links.relations.ready()
        with uncollected():
            return self._attempts.run(type_name, True, _names(items), once)

    def _shapes_of(self, live: LiveType) -> Shapes:
        """What is remembered of a type as it is."""
        kept = self._shapes.get(live.name)
        if kept is None or kept.live is not live:
            kept = self._shapes[live.name] = Shapes(self._judge, live)
        return kept

    def _carried_out(self, connection: Connection, call: _Call, plan: Plan, *, dry: bool) -> Plan:
        """Lock what the plan rests on and write it, links included; the plan as it became."""
        live = call.found.live
        guard(connection, live)
        linking = Linking(self._links, live, call.context)
        plan = self._held(connection, call, plan, linking, dry=dry)
        linking.tell(plan)
        if not dry:
            store(connection, call.shapes, plan, call.context, self._publish)
            linking.write(connection, plan, call.every)
        return plan

    def _held(self, connection: Connection, call: _Call, plan: Plan, linking: Linking, *, dry: bool) -> Plan:
        """The plan, or the one it became, once all that it rests on is locked and as it was read."""
        locked: set[int] = set()
        while True:
            if not dry and not _locked(connection, call.found, plan, locked):
                call.found.verify(connection, call.asked)
            elif refused := call.barred(connection, plan) or linking.prepare(connection, plan, call.every):
                call.refused |= refused
            else:
                break
            plan = call.again(connection)
        if not dry:
            _need_slots(call.live, plan)
        return plan


@dataclass
class _Call:
    """One attempt at a call. `refused`: what earlier passes and attempts refused, by place."""

    found: Found
    shapes: Shapes
    items: Sequence[BulkItem]
    context: Context
    refused: Refused
    kept_out: KeptOut
    further: Further

    def __post_init__(self) -> None:
        shapes, live = self.shapes, self.found.live
        self.live = live
        self._let_in: set[Key] = set()
        self.every = [Prepared(one, shapes.of(one.values), sought(shapes, live, one.ref)) for one in self.items]
        self.asked = [one.sought for one in self.every]
        self._judged = Items(live, shapes, self.context)

    def first(self, connection: Connection) -> Plan:
        """The plan by what the database says now."""
        self.found.look(connection, self.asked)
        return self.again(connection)

    def again(self, connection: Connection) -> Plan:
        """A plan that needs no more to be known. Raises Overtaken."""
        while True:
            plan = Pass(self.live, self._judged, self.found, self.refused).run(self.every)
            if plan.missing:
                self.found.read(connection, plan.missing)
                if not plan.missing <= self.found.states.keys():
                    raise Overtaken
            elif self.found.ask(connection, plan.taken):
                continue
            elif plan.unpaid:
                self.refused |= plan.unpaid
            else:
                return plan

    def barred(self, connection: Connection, plan: Plan) -> Refused:
        """Items that take values which may not be written, or list them; a value that somebody has is written
        already."""
        listed = self._listed(plan)
        new = (plan.taken.keys() | listed.keys()) - self.found.owners.keys() - self._let_in
        self._let_in |= new
        errors = self.kept_out(connection, self.live, new) if new else {}
        refused = {
            place: named(error, beside) for key, error in errors.items() for place, beside in listed.get(key, ())
        }
        return refused | {place: error for key, error in errors.items() for place in plan.taken.get(key, ())}

    def _listed(self, plan: Plan) -> dict[Key, list[tuple[int, AttributeDef]]]:
        """Keys of further values that items bring, with their places and the attribute that lists them."""
        found: dict[Key, list[tuple[int, AttributeDef]]] = {}
        lists = [self.live.attributes[one] for one in self.further.get(self.live.name, {}).values()]
        for step in (step for entry in plan.entries for step in entry.steps) if lists else ():
            before, after = step.judged.before or {}, step.judged.after
            brought = {one.name: after.get(one.key) for one in lists if after.get(one.key) != before.get(one.key)}
            for key, beside in listed_keys(self.live, brought, self.further).items():
                found.setdefault(key, []).append((step.place, beside))
        return found


def _locked(connection: Connection, found: Found, plan: Plan, locked: set[int]) -> bool:
    """Lock what the plan changes, in id order; whether all of it is still as it was when it was read."""
    wanted = {one.id for one in plan.entries if one.id is not None} - locked
    if not wanted:
        return True
    versions = dict(connection.rows(statements.lock_versions(found.live.table), {"ids": sorted(wanted)}))
    locked |= wanted
    moved = {ident for ident in wanted if versions.get(ident) != found.states[ident].version}
    if moved - versions.keys():
        raise Overtaken
    found.read(connection, moved)
    return not moved


def _show_changes(plan: Plan) -> None:
    for entry in plan.entries:
        for step in entry.steps:
            plan.outcomes[step.place].changed = changed_by(step)


def _names(items: Sequence[BulkItem]) -> set[str]:
    """Every name the items use."""
    names: set[str] = set()
    for item in items:
        names.update(item.values)
        if item.ref is not None and item.ref.attribute is not None:
            names.add(item.ref.attribute)
    return names


def _need_slots(live: LiveType, plan: Plan) -> None:
    """Raise NeedSlots when a value has nowhere to go yet."""
    written: set[str] = set()
    for entry in plan.entries:
        written.update(entry.values)
    attributes = (live.by_id[int(key)] for key in sorted(written))
    homeless = [one for one in attributes if one.column is None and kind_of(one).family is not None]
    if homeless:
        raise NeedSlots(homeless)
