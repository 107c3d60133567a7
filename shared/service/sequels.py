"""What a write of some entities brings about in others, in its transaction: judged like any write, and told like one.

For steps of a service (`shared.service.steps`) that change entities of another type than the one that is written. Not
for merges, whose rules are their own (`parts`), nor for what may happen later, which a consumer of the event does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shared.eav.attempts import Publish
from shared.eav.merging.plan import need_slots
from shared.eav.store.erase import states
from shared.eav.store.state import Before, changes
from shared.eav.store.write import Pending, lock
from shared.eav.store.write import update as rewrite
from shared.eav.validation import Judge
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.kernel.errors import FieldError
from shared.service.steps import LiveType


def shown(
    connection: Connection, live: LiveType, ids: Sequence[int], names: tuple[str, ...]
) -> dict[int, dict[str, Any]]:
    """Some values of live entities as canonical JSON by internal name; one statement, nothing is held."""
    keys = {name: live.attributes[name].key for name in names}
    found = states(connection, live, ids, archived=False, lock=False, attributes=names)
    return {one.id: {name: one.values.get(key) for name, key in keys.items()} for one, _ in found}


def hold(connection: Connection, live: LiveType, ids: Sequence[int]) -> None:
    """Lock entities that are about to be changed."""
    lock(connection, live, ids, staying=True)


def bring_about(
    connection: Connection,
    live: LiveType,
    values: Mapping[int, Mapping[str, Any]],
    context: Context,
    judge: Judge,
    tell: Publish,
) -> dict[int, Sequence[FieldError]]:
    """Give live entities these canonical values, with what follows from them by the rules; answers what the rules
    refuse, by id, and leaves those as they were. Raises NeedSlots where a value has no place yet: the write begins
    again."""
    refused: dict[int, Sequence[FieldError]] = {}
    pending = []
    for state in lock(connection, live, sorted(values), staying=True).values():
        given, errors = judge.judged(live, Before(live, state), values[state.id], context)
        told = [one for one in errors if not one.warning]
        if told:
            refused[state.id] = told
            continue
        need_slots(live, given)
        one = Pending(state, given, changes(live, state.values, given))
        pending += [one] if one.changed else []
    if pending:
        tell(connection, live, rewrite(connection, live, pending, context), context)
    return refused
