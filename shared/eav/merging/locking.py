"""Locking entities by references that merges may have moved: what is meant is locked, and still meant then.

An absorbed id means its survivor, and so does a unique value that the survivor has as an alias. Not for reads, which
lock nothing: see `absorbed.heirs`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shared.eav.absorbed import heirs
from shared.eav.attempts import Overtaken
from shared.eav.catalog import LiveType
from shared.eav.guard import guard
from shared.eav.references import resolve_refs, unique_key
from shared.eav.requests import Ref, Upsert
from shared.eav.store.keys import Key, owners
from shared.eav.store.state import State, Typed
from shared.eav.store.write import lock
from shared.eav.types import kind_of
from shared.eav.validation import Judge
from shared.kernel.db import Connection
from shared.kernel.errors import Invalid

States = dict[int, State]


def lock_meant(
    connection: Connection, live: LiveType, ids: Sequence[int | None], *, staying: bool = False
) -> tuple[list[int | None], States]:
    """Whom each id means, and the locked states of those that are there; one statement when no id is unknown.

    staying: they will change, not go (see `store.write.lock`).
    Raises StaleCatalog, and Overtaken when a merge or its undoing came between: the attempt begins again.
    """
    wanted = [one for one in ids if one is not None]
    states = lock(connection, live, wanted, staying=staying)
    missing = [one for one in wanted if one not in states]
    found = heirs(connection, live, missing)
    if found:
        states |= lock(connection, live, [one for one in found.values() if one not in states], staying=staying)
        if heirs(connection, live, missing) != found:
            raise Overtaken
    return [one if one is None else found.get(one, one) for one in ids], states


def lock_refs(
    connection: Connection, live: LiveType, refs: Sequence[Ref], judge: Judge
) -> tuple[list[int | None], States]:
    """What references mean, and the states locked for changes. Raises Overtaken when a value went elsewhere since."""
    ids, states = lock_meant(connection, live, resolved(connection, live, refs, judge), staying=True)
    doubtful: dict[Key, int] = {}
    for ref, ident in zip(refs, ids, strict=True):
        if ref.id is None and ident is not None:
            key = unique_key(live, ref, judge)
            if key is not None and (ident not in states or own_key(live, states[ident], key[0]) != key):
                doubtful[key] = ident
    if doubtful and (owners(connection, doubtful) != doubtful or not states.keys() >= set(doubtful.values())):
        raise Overtaken
    return ids, states


def resolved(connection: Connection, live: LiveType, refs: Sequence[Ref], judge: Judge) -> list[int | None]:
    """What references mean. They are judged ahead of the statement that carries the guard: before one is refused
    for what the catalog at hand says, the guard is asked on its own."""
    try:
        return resolve_refs(connection, live, refs, judge)
    except Invalid:
        guard(connection, live)
        raise


def own_key(live: LiveType, state: State, attribute_id: int) -> Key | None:
    """The key of an entity's own value of a unique attribute, which is not one of its aliases."""
    attribute = live.by_id[attribute_id]
    value = Typed(live, state.values).get(attribute.name)
    return None if value is None else (attribute_id, kind_of(attribute).unique_key(value, attribute))


def values_without_alias(live: LiveType, state: State, upsert: Upsert, judge: Judge) -> Mapping[str, object]:
    """What an upsert writes to the entity it found. The value it went by is left out where that is an alias: whoever
    says which entity is meant by an address that a merge brought along does not change the address."""
    if upsert.ref.attribute is None:
        return upsert.values
    sought = unique_key(live, upsert.ref, judge)
    if sought is None or own_key(live, state, sought[0]) == sought:
        return upsert.values
    attribute = live.by_id[sought[0]]

    def names_it(name: str, raw: object) -> bool:
        if live.find(name) is not attribute or raw is None:
            return False
        return unique_key(live, Ref(attribute=name, value=str(raw)), judge) == sought

    return {name: raw for name, raw in upsert.values.items() if not names_it(name, raw)}
