"""Entities as they were at an instant, by chosen attributes: those that may have fitted a filter. For reports that
compare two days.

What there is now is walked back: of every attribute the first change after the instant tells what it was before. By
effective time, so that what an import tells of last year counts for last year. What fitted then fits now, or has
changed since, so that nothing else is read: what fits now by the filter's index, what changed from the history since.
For one entity's history there is `View.history`; for numbers that are kept, reporting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from shared.eav import filters
from shared.eav.catalog import LiveType
from shared.eav.engine import Engine
from shared.eav.entity import View
from shared.eav.extract import Extract
from shared.eav.history import text_of_json
from shared.eav.merging.merging import ABSORBED
from shared.eav.merging.unmerging import RELEASED
from shared.eav.requests import Ref
from shared.kernel.context import Context
from shared.service.permissions import require

Texts = dict[str, str | None]
_AWAY, _BACK = ("archived", ABSORBED), ("restored", RELEASED)
_CREATED = "created_at"
_CHANGED = """
select distinct entity_id from eav_history
where type_id = %(type)s and at > %(at)s and effective_at > %(at)s and (kind = any(%(kinds)s) or changed ?| %(keys)s)
"""
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

    def present(self, ctx: Context, type: str, names: Sequence[str], filter: Mapping[str, Any]) -> dict[int, Texts]:
        """{id: {attribute: its value as text}} of what fits a filter of the native door now. Raises UnknownAttribute,
        Invalid."""
        live = self._permitted(ctx, type)
        wanted = tuple(live.attribute(name).name for name in names)
        return {ident: values for ident, (_, values) in self._fitting(live, wanted, filter).items()}

    def states(
        self,
        ctx: Context,
        type: str,
        at: datetime,
        names: Sequence[str],
        filter: Mapping[str, Any],
        since: datetime | None = None,
    ) -> dict[int, Texts]:
        """{id: {attribute: its value as text}} of all that were there at the instant and fitted a filter of the native
        door at any time from then on, or from `since` on where that is earlier; others may be among them. The filter
        asks for nothing but these attributes. Raises UnknownAttribute, Invalid.

        What changes meanwhile does no harm: what is read is walked back by a history that is read last.
        """
        live = self._permitted(ctx, type)
        attributes = {live.attribute(name).key: live.attribute(name) for name in names}
        wanted = tuple(one.name for one in attributes.values())
        instant, kinds = _naive(at), [*_AWAY, *_BACK]
        params = {"type": live.id, "at": instant, "keys": list(attributes), "kinds": kinds}
        found = self._fitting(live, wanted, filter)
        there = dict.fromkeys(found, True)
        with self._engine.database.connect() as connection:
            changed = connection.rows(_CHANGED, params | {"at": min(instant, _naive(since or at))})
        others = [ident for (ident,) in changed if ident not in found]
        view, reads = View("text", wanted), self._engine.reads
        standing = [one for one in reads.read(live.name, [*map(Ref, others)], view) if one is not None]
        for one in (*standing, *reads.gone(live.name, others, view)):
            if one.id not in found:
                texts = {name: one.values.get(live.attributes[name].wire) for name in wanted}
                found[one.id] = (datetime.fromisoformat(one.created_at), texts)
                there[one.id] = one.archived_at is None
        with self._engine.database.connect() as connection:
            rows = connection.rows(_OLD, params)
            there |= {ident: kind in _AWAY for ident, kind in connection.rows(_LIVES, params)}
        for ident, key, old in rows:
            if ident in found:
                found[ident][1][attributes[key].name] = text_of_json(attributes[key], old) or None
        return {ident: values for ident, (made, values) in found.items() if there[ident] and made <= at}

    def _permitted(self, ctx: Context, type: str) -> LiveType:
        live = self._engine.catalog.type(type)
        require(ctx.actor, "objects", live.defn, "read")
        return live

    def _fitting(
        self, live: LiveType, names: tuple[str, ...], filter: Mapping[str, Any]
    ) -> dict[int, tuple[datetime, Texts]]:
        """What fits now: when it was made, and its values. One snapshot, and the filter's own index."""
        asked = Extract(filters.parse(dict(filter)), attributes=(_CREATED, *names))
        found: dict[int, tuple[datetime, Texts]] = {}
        with self._engine.reads.stream(live.name, asked) as blocks:
            for ids, made, *columns in blocks:
                for ident, begun, *values in zip(ids, made, *columns, strict=True):
                    found[int(ident)] = (datetime.fromisoformat(begun), dict(zip(names, values, strict=True)))
        return found


def _naive(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(tzinfo=None)
