"""Answers that this process gave, given again while nothing that they were made of has changed: one statement tells.

The statement reads, as of one moment, which generation of the metric serves, how often its cells have changed, what
types are known, and up to when nothing is missing. Equal but for the last, the rows are the same. Only for answers that
are made of one metric's cells and nothing else; rights are asked each time, by the caller.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Generic, TypeVar

from shared.kernel import json
from shared.kernel.db import Connection

MOST = 256
T = TypeVar("T")
Stamp = tuple[Any, ...]
Key = tuple[str, bytes]
_STAND = """select m.id, m.version, m.verified_at, c.version, t.newest, t.n, w.as_of
from metric m left join metric_change c on c.metric_id = m.id
cross join (select max(version) as newest, count(*) as n from replica_type) t
cross join lateral (
    select min(w.as_of) as as_of from watermark w join replica_type r on r.source = w.source
    where r.name = m.entity_type) w
where m.name = %(name)s and m.state = 'ready'"""


@dataclass(frozen=True, slots=True)
class Stand:
    """What an answer is made of at one moment, and up to when nothing is missing in that."""

    stamp: Stamp
    as_of: datetime | None


@dataclass(frozen=True, slots=True)
class Kept(Generic[T]):
    """An answer with what it was made of, and the day that its question was read on."""

    stamp: Stamp
    day: date
    answer: T


class Recent(Generic[T]):
    """The latest answers of a process. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, Kept[T]] = OrderedDict()

    def find(self, key: Key, stand: Stand | None) -> Kept[T] | None:
        """What was kept, if that is what it would be now; the caller looks at the day."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is None or stand is None or kept.stamp != stand.stamp:
                return None
            self._kept.move_to_end(key)
            return kept

    def keep(self, key: Key, stand: Stand, day: date, answer: T) -> None:
        """Keep an answer that was worked out after `stand` was read: at worst it is newer, and not given again."""
        with self._lock:
            self._kept[key] = Kept(stand.stamp, day, answer)
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)


def key_of(name: str, raw: Mapping[str, Any]) -> Key:
    """A question as it was asked."""
    return name, json.canonical(dict(raw))


def stand(connection: Connection, name: str) -> Stand | None:
    """How things stand for a metric that serves; None when none does."""
    row = connection.row(_STAND, {"name": name}, prepare=True)
    if row is None:
        return None
    return Stand(row[:-1], None if row[-1] is None else row[-1].replace(tzinfo=UTC))
