"""The step in every write of a ticket that is a part of another: that one is there, and no part of this one.

Two statements where a parent is named, none otherwise. Rows of a file were looked at one by one before (the manifest's
`trees`): one of them does not hold up the others.
"""

from __future__ import annotations

from collections.abc import Sequence

from services.service_desk.promises.keeping import TICKET
from services.service_desk.rules.entries import IMPORT
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.kernel.errors import ErrorList
from shared.service.parts import joined, left, parts_of, refer, where_from
from shared.service.steps import LiveType, Written
from shared.service.trees import DEEPEST, misplaced

PARENT = "parent_id"
_PLAIN = frozenset({"created", "updated"})


def keep(connection: Connection, live: LiveType, written: Sequence[Written], context: Context) -> None:
    """Refuse parents that cannot be; children of absorbed tickets are the survivor's while they are merged."""
    if live.name != TICKET:
        return
    key = live.attributes[PARENT].key
    if all(one.kind in _PLAIN and key not in one.changed for one in written):
        return
    _merged(connection, live, key, written, context)
    plain = (one for one in written if one.kind in _PLAIN and context.source != IMPORT)
    named = {one.state.id: one.state.values.get(key) for one in plain if key in one.changed}
    parents = {ident: int(parent) for ident, parent in named.items() if parent is not None}
    missing, circles = misplaced(connection, live, PARENT, parents)
    errors = ErrorList()
    for ident in sorted(missing):
        why = f"there is no ticket {parents[ident]}: name a live one, or none"
        errors.add(PARENT, "INVALID_OPTION", why)
    for ident in sorted(circles - missing):
        why = f"ticket {parents[ident]} is a part of this one, or would be the parent of more than {DEEPEST} levels"
        errors.add(PARENT, "INVALID_OPTION", f"{why}: name another ticket, or none")
    errors.raise_if_any()


def _merged(connection: Connection, live: LiveType, key: str, written: Sequence[Written], context: Context) -> None:
    absorbed, released = joined(written), left(written)
    if released:
        children = parts_of(connection, live, PARENT, set(released.values()))
        refer(connection, live, PARENT, where_from(connection, live, PARENT, children, list(released)), context)
    if not absorbed:
        return
    (survivor,) = set(absorbed.values())
    found = dict.fromkeys(parts_of(connection, live, PARENT, absorbed), survivor)
    own = next((one for one in written if one.state.id == survivor), None)
    refer(connection, live, PARENT, {one: to for one, to in found.items() if one != survivor}, context)
    parent = None if own is None else own.state.values.get(key)
    if own is None or parent is None:
        return
    above = survivor if int(parent) in absorbed else int(parent)
    if above == survivor or misplaced(connection, live, PARENT, {survivor: above})[1]:
        now, state = refer(connection, live, PARENT, {survivor: None}, context)[survivor], own.state
        state.values, state.version, state.updated_at = now.values, now.version, now.updated_at
