"""Who has which unique value. One statement for any number of keys, a point read for one."""

from __future__ import annotations

from collections.abc import Collection

from shared.kernel import arrays
from shared.kernel.db import Connection

Key = tuple[int, str]

# Apart, because PostgreSQL plans a statement over an array anew each time (it cannot know its length), which for a
# single key costs several times what the look-up does.
_ONE = "select entity_id from eav_unique where attribute_id = %(a)s::int and key = %(k)s::text"
_MANY = (
    "select u.attribute_id, u.key, u.entity_id from eav_unique u"
    " join unnest(%(a)s::int[], %(k)s::text[]) g(a, k) on u.attribute_id = g.a and u.key = g.k"
)


def owners(connection: Connection, keys: Collection[Key]) -> dict[Key, int]:
    """The entity of each (attribute id, key) that somebody has, in the order of keys."""
    wanted = sorted(set(keys))
    if not wanted:
        return {}
    if len(wanted) == 1:
        row = connection.row(_ONE, {"a": wanted[0][0], "k": wanted[0][1]}, prepare=True)
        return {} if row is None else {wanted[0]: row[0]}
    params = {"a": arrays.numbers(a for a, _ in wanted), "k": arrays.texts(k for _, k in wanted)}
    found = {(a, k): owner for a, k, owner in connection.rows(_MANY, params, prepare=True)}
    return {key: found[key] for key in wanted if key in found}
