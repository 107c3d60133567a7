"""Making one entity of several: one transaction, one new version of the survivor, one event.

The absorbed move to the archive and stay there; their ids, unique values and links are the survivor's from then on.
Not for permissions, which the corridor asks, nor for finding out who should be merged (match rules do).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from shared.eav.absorbed import heirs
from shared.eav.attempts import Attempts, Publish, Taken
from shared.eav.catalog import LiveType
from shared.eav.entity import Entity, View
from shared.eav.merging import store
from shared.eav.merging.linked import LinkMoves, Moving
from shared.eav.merging.locking import lock_meant
from shared.eav.merging.plan import MergePlan, plan
from shared.eav.merging.rules import DEFAULT_RULES, NEWEST, NOTHING_GATHERED, Gathering, MergeRules, check
from shared.eav.presenting import present
from shared.eav.store.archive import put_away, unique_keys
from shared.eav.store.state import State
from shared.eav.store.write import Pending
from shared.eav.store.write import update as rewrite
from shared.eav.validation import Judge
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.kernel.errors import Invalid, NotFound

MERGED, ABSORBED = "merged", "absorbed"
SOURCE = "MERGE_OBJECTS"
MOST = 100


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge came to, or would come to (then `merge_id` is None). `sources`: internal name -> the id whose value
    it is, None for what was gathered or completed; names without a value are not in it."""

    entity: Entity
    merge_id: int | None
    absorbed: tuple[int, ...]
    sources: Mapping[str, int | None]
    links: tuple[Moving, ...]
    keys: tuple[tuple[str, str, int], ...]
    """Unique values that lead to the survivor besides its own: (internal name, key, whose it was)."""


class Merges:
    """Merges entities of one database."""

    def __init__(
        self,
        attempts: Attempts,
        judge: Judge,
        publish: Publish,
        moves: LinkMoves,
        gatherings: Mapping[str, Gathering],
    ) -> None:
        self._attempts = attempts
        self._judge = judge
        self._publish = publish
        self._moves = moves
        self._gatherings = gatherings

    def merge(
        self,
        type_name: str,
        survivor: int,
        absorbed: Sequence[int],
        context: Context,
        view: View,
        *,
        rules: MergeRules = DEFAULT_RULES,
        preview: bool = False,
    ) -> Merged:
        """Merge entities into one; `preview` only says what that would come to. Ids that mean the survivor already
        are passed over. Raises Invalid, InvalidValues (the domain refuses the outcome), NotFound."""
        _check_ids(survivor, absorbed)
        told = replace(context, source=SOURCE, source_id=str(survivor))

        def once(live: LiveType, _refused: object) -> Merged:
            self._moves.ready()
            gathering = self._gatherings.get(live.name, NOTHING_GATHERED)
            try:
                check(live, rules, (survivor, *absorbed), gathering)
            except Invalid:
                self._attempts.confirm(live)
                raise
            with self._attempts.transaction(live) as connection:
                states = _states(connection, live, survivor, absorbed)
                if len(states) == 1:
                    return _outcome(live, states[0], MergePlan(Pending(states[0], {}, {}), {}, {}), (), (), view)
                planned = self._planned(connection, live, states, rules, gathering, told)
                moving = self._moves.planned(connection, live, states[0].id, [one.id for one in states[1:]])
                if preview:
                    return _preview(live, states, planned, moving, view)
                return self._carry_out(connection, live, states, planned, moving, told, view)

        return self._attempts.run(type_name, False, list(rules.by_attribute), once)

    def listed(self, type_name: str, ident: int) -> list[store.Merge]:
        """All merges into the entity an id means, the latest first, undone ones included."""

        def once(live: LiveType, _refused: object) -> list[store.Merge]:
            with self._attempts.transaction(live) as connection:
                return store.merges_of(connection, live, heirs(connection, live, [ident]).get(ident, ident))

        return self._attempts.run(type_name, False, (), once)

    def _planned(
        self,
        connection: Connection,
        live: LiveType,
        states: Sequence[State],
        rules: MergeRules,
        gathering: Gathering,
        context: Context,
    ) -> MergePlan:
        keys = [one.key for one in rules.attributes_by(live, NEWEST)]
        since = store.since(connection, [one.id for one in states], keys) if keys else {}
        return plan(live, states, _by_meant(rules, states), since, gathering, self._judge, context)

    def _carry_out(
        self,
        connection: Connection,
        live: LiveType,
        states: Sequence[State],
        planned: MergePlan,
        moving: Sequence[Moving],
        context: Context,
        view: View,
    ) -> Merged:
        survivor, absorbed = states[0], [one.id for one in states[1:]]
        lost = planned.lost_keys(live)
        aliases = store.take_keys(connection, absorbed, survivor.id)
        away = put_away(connection, live, absorbed, context, ABSORBED)
        with Taken.watching(live, {}, {0: planned.pending}):
            (written,) = rewrite(connection, live, [planned.pending], context, MERGED)
        store.add_aliases(connection, [(attribute, key, survivor.id) for attribute, key in lost])
        aliases += [(attribute, key, survivor.id, False) for attribute, key in lost]
        merge_id = store.record(connection, live, survivor, absorbed, dict(planned.sources), aliases)
        clock = self._moves.move(connection, merge_id, survivor.id, moving)
        detail = {
            "merge": str(merge_id),
            "absorbed": [{"id": str(one.state.id), "version": one.state.version} for one in away],
            "sources": {key: None if one is None else str(one) for key, one in planned.sources.items()},
            "links": [one.told() for one in moving],
            "clock": str(clock),
        }
        written.detail = detail
        for one in away:
            one.detail = {"merge": str(merge_id), "survivor": str(survivor.id)}
        self._publish(connection, live, [written, *away], context)
        return _outcome(live, survivor, planned, moving, aliases, view, merge_id, absorbed)


def _check_ids(survivor: int, absorbed: Sequence[int]) -> None:
    if not absorbed:
        raise Invalid.one("absorb", "REQUIRED_FIELD", "absorb must name at least one other id")
    if len(absorbed) > MOST:
        raise Invalid.one("absorb", "LIMIT_EXCEEDED", f"one merge takes at most {MOST} ids, {len(absorbed)} were given")
    twice = {one for one in absorbed if one == survivor or absorbed.count(one) > 1}
    if twice:
        named = ", ".join(map(str, sorted(twice)))
        raise Invalid.one("absorb", "DUPLICATE_ID", f"an entity cannot be merged into itself: {named} is named twice")


def _states(connection: Connection, live: LiveType, survivor: int, absorbed: Sequence[int]) -> list[State]:
    """The locked states, the survivor's first, each once. Raises NotFound naming all ids that mean nothing."""
    meant, states = lock_meant(connection, live, [survivor, *absorbed])
    missing = [str(asked) for asked, one in zip((survivor, *absorbed), meant, strict=True) if one not in states]
    if missing:
        raise NotFound(live.name, missing)
    return [states[one] for one in dict.fromkeys(meant) if one is not None]


def _by_meant(rules: MergeRules, states: Sequence[State]) -> MergeRules:
    """Rules by id hold for whom the id means: an id that was absorbed before has no values of its own."""
    known = {one.id for one in states}

    def meant(rule: str | int) -> str | int:
        return rule if not isinstance(rule, int) or rule in known else states[0].id

    return MergeRules(meant(rules.default), {name: meant(rule) for name, rule in rules.by_attribute.items()})


def _preview(
    live: LiveType, states: Sequence[State], planned: MergePlan, moving: Sequence[Moving], view: View
) -> Merged:
    survivor = replace(states[0], values=dict(planned.values))
    aliases: list[store.Alias] = [(a, key, states[0].id, False) for a, key in planned.lost_keys(live)]
    for one in states[1:]:
        aliases += [(a, key, one.id, False) for a, key in unique_keys(live, one)]
    absorbed = [one.id for one in states[1:]]
    return _outcome(live, survivor, planned, moving, aliases, view, absorbed=absorbed)


def _outcome(
    live: LiveType,
    survivor: State,
    planned: MergePlan,
    moving: Sequence[Moving],
    aliases: Sequence[store.Alias],
    view: View,
    merge_id: int | None = None,
    absorbed: Sequence[int] = (),
) -> Merged:
    shown: dict[str, Any] = {live.by_id[int(key)].name: one for key, one in planned.sources.items()}
    own = set(unique_keys(live, survivor))
    keys = tuple((live.by_id[a].name, key, who) for a, key, who, _ in aliases if (a, key) not in own)
    return Merged(present(live, survivor, view, shown), merge_id, tuple(absorbed), shown, tuple(moving), keys)
