"""Entities as they were at an instant: all of a type, by chosen attributes. For reports that compare two days.

What there is now is walked back: of every attribute the first change after the instant tells what it was before. By
effective time, so that what an import tells of last year counts for last year. For one entity's history there is
`View.history`; for numbers that are kept, reporting.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from shared.eav.catalog import LiveType
from shared.eav.engine import Engine
from shared.eav.entity import View
from shared.eav.history import text_of_json
from shared.eav.merging.merging import ABSORBED
from shared.eav.merging.unmerging import RELEASED
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.service.permissions import require

Texts = dict[str, str | None]
_PAGE = 2000
_AWAY, _BACK = ("archived", ABSORBED), ("restored", RELEASED)
_OLD = """
select distinct on (h.entity_id, k.key) h.entity_id, k.key, k.value -> 0
from eav_history h cross join lateral jsonb_each(h.changed) k
where h.type_id = %(type)s and h.at > %(at)s and h.effective_at > %(at)s and k.key = any(%(keys)s)
order by h.entity_id, k.key, h.version
"""
_LIVES = """
select distinct on (entity_id) entity_id, kind from eav_history
where type_id = %(type)s and at > %(at)s and effective_at > %(at)s and kind = any(%(kinds)s)
order by entity_id, version
"""


class Past:
    """Reads the past of one service's entities."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def states(self, ctx: Context, type: str, at: datetime, names: Sequence[str]) -> dict[int, Texts]:
        """{id: {attribute: its value as text}} of everything that was there at the instant. Raises UnknownAttribute.

        What there is now is read first: a change that comes between is then among those that are walked back.
        """
        live = self._engine.catalog.type(type)
        require(ctx.actor, "objects", live.defn, "read")
        attributes = [live.attribute(name) for name in names]
        since = at.astimezone(UTC).replace(tzinfo=None)
        found, there = self._now(live, [one.name for one in attributes], at)
        by_key = {one.key: one for one in attributes}
        with self._engine.database.connect() as connection:
            rows = connection.rows(_OLD, {"type": live.id, "at": since, "keys": list(by_key)})
            there |= _lives(connection, live, since)
        for ident, key, old in rows:
            if ident in found:
                found[ident][by_key[key].name] = text_of_json(by_key[key], old) or None
        return {ident: values for ident, values in found.items() if there[ident]}

    def _now(self, live: LiveType, names: Sequence[str], at: datetime) -> tuple[dict[int, Texts], dict[int, bool]]:
        """What there is by now of what was made by then, archived ones too, and which of it is not archived."""
        found: dict[int, Texts] = {}
        there: dict[int, bool] = {}
        wires = {live.attributes[name].wire: name for name in names}
        view = View("text", tuple(names))
        for archived in (False, True):
            after: int | None = 0
            while after is not None:
                page, after = self._engine.reads.list(live.name, view, limit=_PAGE, after=after, archived=archived)
                for one in page:
                    if datetime.fromisoformat(one.created_at) <= at:
                        found[one.id] = {name: one.values.get(wire) for wire, name in wires.items()}
                        there[one.id] = not archived
        return found, there


def _lives(connection: Connection, live: LiveType, since: datetime) -> dict[int, bool]:
    """Of what was archived or brought back since: whether it was there before the first of that."""
    rows = connection.rows(_LIVES, {"type": live.id, "at": since, "kinds": [*_AWAY, *_BACK]})
    return {ident: kind in _AWAY for ident, kind in rows}
