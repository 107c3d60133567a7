"""What entities consist of when they are merged: parts that refer to the absorbed refer to the survivor, and back.

In the transaction of the merge, by a step of the service: a version of each part with history and an event. Not for
what is linked, which merging moves itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from shared.eav.absorbed import heirs
from shared.eav.filters import check, parse
from shared.eav.guard import guard
from shared.eav.merging.merging import ABSORBED, SOURCE
from shared.eav.merging.plan import need_slots
from shared.eav.merging.unmerging import RELEASED
from shared.eav.query.picking import fitting
from shared.eav.store.state import State, Written, changes
from shared.eav.store.write import Pending, lock
from shared.eav.store.write import update as rewrite
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.service.publishing import publish
from shared.service.steps import LiveType

__all__ = ["MERGING", "amend", "heirs", "joined", "left", "parts_of", "refer", "states_of", "where_from"]
_CHANGES = """
select entity_id, source, (changed -> %(key)s ->> 0)::bigint, (changed -> %(key)s ->> 1)::bigint from eav_history
where type_id = %(type)s and entity_id = any(%(ids)s::bigint[]) and changed -> %(key)s is not null
order by entity_id, version
"""
MERGING = SOURCE
"""The source of what is written because of a merge, or its undoing: nobody has said or done it to that entity."""
Moved = tuple[str, int | None, int | None]
"""Who moved a part, from where, to where."""
_MEANT = "select id, survivor from eav_absorbed where survivor = any(%(ids)s::bigint[])"


def joined(written: Sequence[Written]) -> dict[int, int]:
    """{absorbed: survivor} of what a write merged."""
    return {one.state.id: int(one.detail["survivor"]) for one in written if one.kind == ABSORBED}


def left(written: Sequence[Written]) -> dict[int, int]:
    """{released: survivor} of the merge that a write undid."""
    return {one.state.id: int(one.detail["survivor"]) for one in written if one.kind == RELEASED}


def parts_of(connection: Connection, live: LiveType, name: str, wholes: Collection[int]) -> list[int]:
    """Live parts that refer to one of these by the attribute `name`. Raises StaleCatalog: the write begins again."""
    if not wholes:
        return []
    if live.attributes[name].column is None:  # unless another process has put a value since
        guard(connection, live)
        return []
    values = [str(one) for one in sorted(wholes)]
    return fitting(connection, live, check(parse({"attribute": name, "operator": "IN", "values": values}), live))


def where_from(
    connection: Connection, live: LiveType, name: str, ids: Sequence[int], wholes: Collection[int]
) -> dict[int, int]:
    """{part: which of these it belongs to but for merges}; what those absorbed themselves counts as theirs."""
    if not ids:
        return {}
    params = {"type": live.id, "key": live.attributes[name].key, "ids": list(ids)}
    steps: dict[int, list[Moved]] = {}
    for ident, source, before, after in connection.rows(_CHANGES, params):
        steps.setdefault(ident, []).append((source, before, after))
    meant = {**dict(connection.rows(_MEANT, {"ids": list(wholes)})), **{one: one for one in wholes}}
    origins = {ident: origin(several) for ident, several in steps.items()}
    return {ident: meant[began] for ident, began in origins.items() if began in meant}


def origin(steps: Iterable[Moved]) -> int | None:
    """To what a part would refer had nothing ever been merged: where it was put last by something else."""
    began: list[int | None] = []
    for source, before, after in steps:
        if source != SOURCE:
            began = [after]
        elif not began:
            began = [before]
    return began[0] if began else None


def refer(
    connection: Connection, live: LiveType, name: str, wholes: Mapping[int, int | None], context: Context
) -> dict[int, State]:
    """Have parts (id -> whole) refer to others or none, because of a merge; how they are then, without those gone."""
    return amend(connection, live, {one: {name: whole} for one, whole in wholes.items()}, context)


def amend(
    connection: Connection, live: LiveType, values: Mapping[int, Mapping[str, Any]], context: Context
) -> dict[int, State]:
    """Give live entities these canonical values, read-only ones too, because of a merge; how they are then, without
    those gone. Raises NeedSlots where an attribute has no place yet: the merge begins again."""
    if not values:
        return {}
    states = lock(connection, live, sorted(values), staying=True)
    given = ((one, values[one.id]) for one in states.values())
    pending = [Pending(one, new, changes(live, one.values, new)) for one, new in given]
    differing = [one for one in pending if one.changed]
    for one in differing:
        need_slots(live, one.values)
    told = replace(context, source=SOURCE)
    publish(connection, live, rewrite(connection, live, differing, told), told)
    return {one.state.id: one.state for one in pending}


def states_of(connection: Connection, live: LiveType, ids: Collection[int]) -> list[State]:
    """Live entities as they are, by id; they stay so until the transaction ends."""
    return list(lock(connection, live, sorted(ids), staying=True).values()) if ids else []
