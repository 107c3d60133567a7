"""What became of some attributes of entities, for whoever works something out of whole histories, many at once.

Not for showing history: that is the engine's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from shared.eav.catalog import LiveType
from shared.kernel.db import Connection
from shared.kernel.json import loads

_CHANGES = """
select entity_id, effective_at, {values} from eav_history
where type_id = %(type)s and entity_id = any(%(ids)s::bigint[]) and changed ?| %(keys)s order by entity_id, version
"""


class Life(NamedTuple):
    """What became of some attributes of an entity. values: canonical JSON by attribute key, as they are now; changes:
    (instant, {key: [old, new]}) in the order of versions."""

    id: int
    since: datetime
    values: Mapping[str, Any]
    changes: Sequence[tuple[datetime, Mapping[str, Sequence[Any]]]]

    def as_of(self, moment: datetime) -> dict[str, Any]:
        """The values as they were at an instant: of changes at that very one, after them. Before it began, as it
        began. What is said to have been earlier than the version before it came with that one."""
        found, since = dict(self.values), [_plain(self.since)]
        for at, _ in self.changes:
            since.append(max(_plain(at), since[-1]))
        for at, (_, changed) in zip(reversed(since), reversed(self.changes), strict=False):
            if at <= _plain(moment):
                break
            found.update({key: old for key, (old, _) in changed.items()})
        return found


def _plain(moment: datetime) -> datetime:
    """An instant as the database tells it."""
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


Changes = list[tuple[datetime, Mapping[str, Sequence[Any]]]]


def changes_of(connection: Connection, live: LiveType, ids: Sequence[int], keys: Sequence[str]) -> dict[int, Changes]:
    """What became of some attributes, by entity, in the order of versions. Few changes are unlike any other: each is
    read once."""
    values = ", ".join(f"changed ->> '{int(key)}'" for key in keys) or "null"
    params = {"type": live.id, "ids": list(ids), "keys": list(keys)}
    read: dict[str, Any] = {}
    found: dict[int, Changes] = {}
    for ident, at, *told in connection.rows(_CHANGES.format(values=values), params, prepare=True):
        changed = {}
        for key, text in zip(keys, told, strict=False):
            if text is not None:
                change = read.get(text)
                if change is None:
                    change = read[text] = loads(text)
                changed[key] = change
        found.setdefault(ident, []).append((at, changed))
    return found
