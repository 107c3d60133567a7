"""Whom the id of an absorbed entity means: its survivor, in one look-up however long the chain of merges.

Ask after an id was not found among the live ones, never before: nearly all ids are found.
"""

from __future__ import annotations

from collections.abc import Collection

from shared.eav.catalog import LiveType
from shared.eav.references import MAX_BIGINT
from shared.kernel.db import Connection

_HEIRS = "select id, survivor from eav_absorbed where id = any(%(ids)s::bigint[]) and type_id = %(type)s"


def heirs(connection: Connection, live: LiveType, ids: Collection[int]) -> dict[int, int]:
    """{absorbed id: survivor} of those among `ids` that were absorbed; one statement, none without ids.

    The survivor may be archived by now: then nothing live is found under the absorbed id either.
    """
    asked = sorted(one for one in set(ids) if 0 < one <= MAX_BIGINT)
    if not asked:
        return {}
    params = {"ids": asked, "type": live.id}
    return dict(connection.rows(_HEIRS, params, prepare=True))
