"""What a merge comes to: the survivor's new values, where each comes from, what cannot be. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.eav.attempts import NeedSlots
from shared.eav.catalog import LiveType
from shared.eav.merging.rules import (
    Gathering,
    MergeRules,
    Since,
    Winner,
    accompanied,
    gathered,
    taken_back,
    winners,
)
from shared.eav.store.state import Change, State, Typed, applied, changes
from shared.eav.store.write import Pending
from shared.eav.types import kind_of
from shared.eav.validation import Judge
from shared.kernel.context import Context
from shared.kernel.errors import InvalidValues

Key = tuple[int, str]


@dataclass(frozen=True, slots=True)
class MergePlan:
    """The survivor about to be written, and the source of every value it will have (None: from several or by rule)."""

    pending: Pending
    values: Mapping[str, Any]
    sources: Mapping[str, int | None]

    def lost_keys(self, live: LiveType) -> list[Key]:
        """(attribute id, key) of unique values that the survivor itself gives up."""
        lost = []
        for key, (old, _) in self.pending.changed.items():
            attribute = live.by_id[int(key)]
            if attribute.unique and old is not None:
                kind = kind_of(attribute)
                lost.append((attribute.id, kind.unique_key(kind.from_json(old, attribute), attribute)))
        return sorted(lost)


def plan(
    live: LiveType,
    states: Sequence[State],
    rules: MergeRules,
    since: Since,
    gathering: Gathering,
    judge: Judge,
    context: Context,
) -> MergePlan:
    """The plan for these states, the survivor's first. Raises InvalidValues when the domain refuses the result, and
    NeedSlots when a value has nowhere to go yet."""
    survivor = states[0]
    won = winners(live, states, rules, since)
    won |= accompanied(live, states, rules, won, gathering)
    found: dict[str, Winner] = {name: one for name, one in won.items() if name not in gathering.gathered}
    found |= gathered(live, states, won, gathering)
    new = {name: _typed(live, name, one.value) for name, one in found.items()}
    differing = {name: new[name] for name in _names(live, changes(live, survivor.values, new))}
    old = {**Typed(live, survivor.values), "id": survivor.id}
    completed, errors = judge.judged(live, old, differing, context)
    if errors:
        raise InvalidValues(errors)
    changed = changes(live, survivor.values, completed)
    need_slots(live, completed)
    after = applied(survivor.values, changed)
    return MergePlan(Pending(survivor, completed, changed), after, _sources(live, after, found, survivor))


def _sources(
    live: LiveType, after: Mapping[str, Any], found: Mapping[str, Winner], survivor: State
) -> dict[str, int | None]:
    """{attribute key: whose value it is}; what nobody merged stays the survivor's."""
    sources: dict[str, int | None] = {}
    for key, value in after.items():
        name = live.by_id[int(key)].name
        if name not in live.attributes:
            continue
        winner = found.get(name)
        if winner is not None and winner.value == value:
            sources[key] = winner.source
        else:
            sources[key] = survivor.id if survivor.values.get(key) == value else None
    return sources


@dataclass(frozen=True, slots=True)
class Reverted:
    """The survivor about to lose what a merge gave it, and the attributes (keys) that were changed since and stay."""

    pending: Pending
    kept: tuple[str, ...]


def reverted(live: LiveType, survivor: State, merged: Mapping[str, Change], gathering: Gathering) -> Reverted:
    """Take one merge's changes back, except where the value is another one by now."""
    values: dict[str, Any] = {}
    kept = []
    for key, (old, new) in merged.items():
        attribute = live.by_id.get(int(key))
        if attribute is None or attribute.name not in live.attributes:
            continue
        now = survivor.values.get(key)
        if now == new:
            values[attribute.name] = _typed(live, attribute.name, old)
        elif attribute.name in gathering.gathered:
            values[attribute.name] = _typed(live, attribute.name, taken_back(now, old, new))
        else:
            kept.append(key)
    need_slots(live, values)
    return Reverted(Pending(survivor, values, changes(live, survivor.values, values)), tuple(kept))


def need_slots(live: LiveType, values: Mapping[str, Any]) -> None:
    """Raise NeedSlots when a value has nowhere to go yet."""
    homeless = [
        one
        for name, value in sorted(values.items())
        if value is not None and (one := live.attributes[name]).column is None and kind_of(one).family is not None
    ]
    if homeless:
        raise NeedSlots(homeless, live)


def _names(live: LiveType, changed: Mapping[str, Change]) -> list[str]:
    return [live.by_id[int(key)].name for key in changed]


def _typed(live: LiveType, name: str, value: Any) -> Any:
    attribute = live.attributes[name]
    return None if value is None else kind_of(attribute).from_json(value, attribute)
