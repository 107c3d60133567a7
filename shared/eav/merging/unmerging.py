"""Taking a merge back: the absorbed are entities of their own again, with their values, unique keys and links.

The latest merge of an entity is undone, so that undoing all of them, one after the other, leads back to the beginning.
What somebody changed since stays as it is, and is listed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import psycopg

from shared.eav.attempts import Attempts, Overtaken, Publish, unique_clashes
from shared.eav.catalog import LiveType
from shared.eav.entity import Entity, View
from shared.eav.merging import store
from shared.eav.merging.linked import LinkMoves, Moving
from shared.eav.merging.locking import lock_meant
from shared.eav.merging.merging import SOURCE
from shared.eav.merging.plan import Reverted, reverted
from shared.eav.merging.rules import NOTHING_GATHERED, Gathering
from shared.eav.presenting import present
from shared.eav.store.archive import restore, unique_keys
from shared.eav.store.state import State, Written, applied
from shared.eav.store.write import Pending
from shared.eav.store.write import update as rewrite
from shared.eav.types import kind_of
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.kernel.errors import Conflict, NotFound

UNMERGED, RELEASED = "unmerged", "released"
Key = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Kept:
    """A value that undoing did not touch, because it is another one by now or somebody else has it."""

    id: int
    attribute: str
    reason: str


@dataclass(frozen=True, slots=True)
class Unmerged:
    """What undoing a merge came to."""

    merge_id: int
    entity: Entity
    restored: tuple[Entity, ...]
    kept: tuple[Kept, ...]
    links: tuple[Moving, ...]


class Unmerges:
    """Undoes merges of one database."""

    def __init__(
        self, attempts: Attempts, publish: Publish, moves: LinkMoves, gatherings: Mapping[str, Gathering]
    ) -> None:
        self._attempts = attempts
        self._publish = publish
        self._moves = moves
        self._gatherings = gatherings

    def unmerge(
        self, type_name: str, ident: int, context: Context, view: View, *, merge_id: int | None = None
    ) -> Unmerged:
        """Undo the latest merge into the entity that the id means. Raises NotFound when there is none, Conflict when
        `merge_id` is another one than the latest."""
        told = replace(context, source=SOURCE, source_id=str(ident))

        def once(live: LiveType, _refused: object) -> Unmerged:
            self._moves.ready()
            with self._attempts.transaction(live) as connection:
                meant, states = lock_meant(connection, live, [ident])
                if meant[0] not in states:
                    raise NotFound(live.name, [str(ident)])
                survivor = states[meant[0]]
                merge = _latest(store.past(connection, live, survivor.id)[1], live, ident, merge_id)
                return self._undo(connection, live, survivor, merge, told, view)

        return self._attempts.run(type_name, False, (), once)

    def free(self, type_name: str, ids: Collection[int], context: Context) -> None:
        """Undo merges between these entities and others, as far as that can be: they are about to be erased alone."""

        tried: set[int] = set()

        def once(live: LiveType, _refused: object) -> int | None:
            with self._attempts.transaction(live) as connection:
                return store.mixed(connection, live, ids, tried)

        while (found := self._attempts.run(type_name, False, (), once)) is not None:
            try:
                self.unmerge(type_name, found, context, View("json", ()))
            except NotFound:
                tried.add(found)  # archived: it keeps what it got

    def _undo(
        self,
        connection: Connection,
        live: LiveType,
        survivor: State,
        merge: store.Merge,
        context: Context,
        view: View,
    ) -> Unmerged:
        states = store.absorbed_states(connection, live, merge.absorbed)
        merged = store.merged_changes(connection, merge)
        back = reverted(live, survivor, merged, self._gatherings.get(live.name, NOTHING_GATHERED))
        back, taken = _freed(connection, live, back, states)
        kept = [Kept(survivor.id, live.by_id[int(key)].name, "changed since") for key in back.kept]
        store.drop_aliases(connection, survivor.id, [one[:2] for one in merge.aliases])
        try:
            (written,) = rewrite(connection, live, [back.pending], context, UNMERGED)
            aliases = [(a, key, who) for a, key, who, alias in merge.aliases if alias]
            released = restore(connection, live, states, context, without=taken, kind=RELEASED)
            released = [replace(one, state=replace(one.state)) for one in released]
            store.add_aliases(connection, aliases)
        except psycopg.errors.UniqueViolation as error:
            raise Overtaken from error
        cleared, lost = _cleared(connection, live, states, taken, context)
        store.undo(connection, merge, survivor.version)
        links, clock = self._moves.give_back(connection, live, merge.id, survivor.id)
        kept += lost
        written.detail = {
            "merge": str(merge.id),
            "restored": [{"id": str(one.state.id), "version": one.state.version} for one in released],
            "kept": [{"id": str(one.id), "attribute": one.attribute} for one in kept],
            "links": [one.told() for one in links],
            "clock": str(clock),
        }
        for one in released:
            one.detail = {"merge": str(merge.id), "survivor": str(survivor.id)}
        self._publish(connection, live, [written, *released, *cleared], context)
        entities = tuple(present(live, one, view) for one in states)
        return Unmerged(merge.id, present(live, survivor, view), entities, tuple(kept), tuple(links))


def _latest(merges: Sequence[store.Merge], live: LiveType, ident: int, merge_id: int | None) -> store.Merge:
    if not merges:
        raise NotFound(live.name, [str(ident)], f"nothing was merged into {live.name} {ident}")
    if merge_id is not None and merge_id != merges[-1].id:
        known = merge_id in {one.id for one in merges}
        why = f"merge {merges[-1].id} came later: undo that one first" if known else "it was undone, or never made"
        raise Conflict(f"merge {merge_id} of {live.name} {ident} cannot be undone: {why}")
    return merges[-1]


def _freed(
    connection: Connection, live: LiveType, back: Reverted, states: Sequence[State]
) -> tuple[Reverted, set[Key]]:
    """What the survivor can go back to, and unique values of the absorbed that they cannot have back: others have
    them by now, or the survivor keeps them."""
    survivor, changed = back.pending.state, dict(back.pending.changed)
    wanted = {key: found for key, (_, new) in changed.items() if (found := _key(live, key, new)) is not None}
    theirs = {key for state in states for key in unique_keys(live, state)}
    clashes = unique_clashes(connection, {*wanted.values(), *theirs})
    others = {key for key, one in clashes.items() if one.owner != survivor.id}
    stuck = [key for key, found in wanted.items() if found in others]
    for key in stuck:
        del changed[key]
    names = {live.by_id[int(key)].name for key in changed}
    values = {name: value for name, value in back.pending.values.items() if name in names}
    after = replace(survivor, values=applied(survivor.values, changed))
    own = set(unique_keys(live, after))
    return Reverted(Pending(survivor, values, changed), (*back.kept, *stuck)), theirs & (others | own)


def _key(live: LiveType, attribute: str, value: Any) -> Key | None:
    """The unique key of a canonical JSON value; None for no value, and for attributes that are not unique."""
    defn = live.by_id[int(attribute)]
    if value is None or not defn.unique:
        return None
    kind = kind_of(defn)
    return defn.id, kind.unique_key(kind.from_json(value, defn), defn)


def _cleared(
    connection: Connection, live: LiveType, states: Sequence[State], taken: set[Key], context: Context
) -> tuple[list[Written], list[Kept]]:
    """Restored entities lose the unique values that somebody else has."""
    pending, kept = [], []
    for state in states:
        lost = [live.by_id[attribute] for attribute, key in unique_keys(live, state) if (attribute, key) in taken]
        if lost:
            changed = {one.key: (state.values[one.key], None) for one in lost}
            pending.append(Pending(state, dict.fromkeys((one.name for one in lost), None), changed))
            kept += [Kept(state.id, one.name, "somebody else has it") for one in lost]
    return (rewrite(connection, live, pending, context) if pending else []), kept
