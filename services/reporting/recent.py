"""Answers that this process gave, given again while nothing that they were made of has changed: one statement tells.

The statement reads, as of one moment, which generation of the metric serves, how often its cells have changed, what
types are known, what is put aside, and up to when nothing is missing besides. Equal but for the last, the rows are the
same. Only for answers that are made of one metric's cells and nothing else; rights are asked each time, by the caller.

Doors may take what the statement told WINDOW seconds ago, of the metric that is asked most, for what it tells now: such
an answer says the `as_of` of then, to which it is exact. It is half a tick of the logs, so that nothing is told later
than it could have been by more than that; whoever asks for what is strictly fresh is not answered from it.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from shared.kernel import json
from shared.kernel.clock import monotonic
from shared.kernel.db import Connection

MOST = 256
WINDOW = 0.01
LONGEST = 4096
"""Bytes of a question that is known by its spelling; nobody asks longer ones often."""
T = TypeVar("T")
Stamp = tuple[Any, ...]
Key = tuple[str, bytes]
_STAND = """select m.id, m.version, m.verified_at, c.version, t.newest, t.n, aside.n, aside.last, w.as_of
from metric m left join metric_change c on c.metric_id = m.id
cross join (select max(version) as newest, count(*) as n from replica_type) t
cross join lateral (
    select min(w.as_of) as as_of from watermark w join replica_type r on r.source = w.source
    where r.name = m.entity_type) w
cross join lateral (
    select count(*) n, max(d.id) as last from replica_type r join dead_letter d
        on d.subscription = 'reporting.' || r.source
    where r.name = m.entity_type) aside
where m.name = %(name)s and m.state = 'ready'"""


@dataclass(frozen=True, slots=True)
class Stand:
    """What an answer is made of at one moment, and up to when nothing is missing in that."""

    stamp: Stamp
    as_of: datetime | None


@dataclass(slots=True)
class Kept(Generic[T]):
    """An answer with what it was made of, and the day or minute that its question was read in. text: its JSON without
    what tells how fresh it is, once a door has sent it."""

    stamp: Stamp
    mark: str
    answer: T
    text: bytes = b""


class Recent(Generic[T]):
    """The latest answers of a process, and what was told of the metrics they are about. Thread-safe.

    window: seconds for which doors may take that for what it is now."""

    def __init__(self, window: float = WINDOW) -> None:
        self.window = window
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, Kept[T]] = OrderedDict()
        self._spelled: dict[Key, Key] = {}
        self._stood: dict[str, tuple[float, Stand | None]] = {}

    def spelled(self, name: str, body: bytes) -> Key | None:
        """The question that these very bytes once were; None for bytes that nobody has sent."""
        return self._spelled.get((name, body))

    def spell(self, name: str, body: bytes, key: Key) -> None:
        """Note that these bytes are a question that was understood."""
        if len(body) <= LONGEST:
            if len(self._spelled) >= MOST:
                self._spelled.clear()
            self._spelled[name, body] = key

    def stood(self, name: str) -> Stand | None:
        """How things stood within the window; None when that has to be looked up."""
        at, found = self._stood.get(name, (0.0, None))
        return found if monotonic() - at < self.window else None

    def stand(self, name: str, since: float, found: Stand | None) -> None:
        """Note how things stand as of a moment (monotonic) before they were looked up."""
        if len(self._stood) >= MOST:
            self._stood.clear()
        self._stood[name] = (since, found)

    def settle(self) -> None:
        """Wait until no process answers by what was before. For whoever has changed what serves, after the commit."""
        if self.window:
            time.sleep(self.window)

    def find(self, key: Key, stand: Stand | None) -> Kept[T] | None:
        """What was kept, if that is what it would be now; the caller looks at the mark."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is None or stand is None or kept.stamp != stand.stamp:
                return None
            self._kept.move_to_end(key)
            return kept

    def keep(self, key: Key, stand: Stand, mark: str, answer: T) -> None:
        """Keep an answer that was worked out after `stand` was read: at worst it is newer, and not given again."""
        with self._lock:
            self._kept[key] = Kept(stand.stamp, mark, answer)
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)


def key_of(name: str, raw: Mapping[str, Any]) -> Key:
    """A question as it was asked."""
    try:
        return name, json.canonical(dict(raw))
    except TypeError:  # a number beyond what JSON is written with here: whoever reads the question refuses it
        return name, repr(sorted(raw.items(), key=repr)).encode("utf-8", "replace")


def stand(connection: Connection, name: str) -> Stand | None:
    """How things stand for a metric that serves; None when none does."""
    row = connection.row(_STAND, {"name": name}, prepare=True)
    if row is None:
        return None
    return Stand(row[:-1], None if row[-1] is None else row[-1].replace(tzinfo=UTC))
