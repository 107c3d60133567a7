"""What several messages refer to, in Redis once: a long page of a log, which all who follow it get.

Each process fetches and reads it once for all its followers: events are values. The relay takes it away when all have
had their messages; whoever finds it gone asks the feed, as with any message that got lost. Short pages are not worth
it: they stand in the messages themselves.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.bus.broker import Broker, Listener
from shared.bus.cursor import Cursor
from shared.bus.page import Body, decode_body
from shared.kernel.clock import monotonic

MANY = 100
"""Events that make a page a long one."""
KEPT_SECONDS = 60
_FORGET_SECONDS = 5.0
_READ = 4
_LATE = 4
"""Messages that were taken out of a queue by somebody who may not have fetched their body yet, with ample room."""


class Bodies:
    """What a process has read last, for all its followers. Thread-safe; those who want the same wait for the first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read: OrderedDict[str, Body] = OrderedDict()
        self._at = 0.0

    def told(self, broker: Broker, name: str, listener: Listener) -> Body:
        """What of a body is for a listener. Raises KeyError when it is gone, Unavailable."""
        ticks, events = self._body(broker, name)
        kinds = {(one.kind, one.entity_type) for one in events}
        wanted = {one for one in kinds if listener.wants(*one)}
        if wanted == kinds:
            return ticks, events
        kept = [n for n, one in enumerate(events) if (one.kind, one.entity_type) in wanted]
        return [ticks[n] for n in kept], [events[n] for n in kept]

    def tidy(self) -> None:
        """Nothing that was told stays in memory for much longer than there is a lot to tell."""
        if self._read and monotonic() - self._at > _FORGET_SECONDS:
            with self._lock:
                self._read.clear()

    def _body(self, broker: Broker, name: str) -> Body:
        with self._lock:
            found = self._read.get(name)
            self._at = monotonic()
            if found is None:
                text = broker.kept(name)
                if text is None:
                    raise KeyError(name)
                found = self._read[name] = decode_body(text)
                while len(self._read) > _READ:
                    self._read.popitem(last=False)
            return found


BODIES = Bodies()
"""Those of this process."""


@dataclass(slots=True)
class Keeping:
    """What one relay keeps in Redis for its listeners."""

    _names: deque[str] = field(default_factory=deque)
    _sent: int = 0

    def put(self, broker: Broker, source: str, start: Cursor, end: Cursor, text: str) -> str:
        """Keep a page; its name, which is the same for whoever else relays this page."""
        name = f"bus.page.{source}.{start}.{end}"
        broker.keep(name, text, KEPT_SECONDS)
        self._names.append(name)
        self._sent += 1
        return name

    def tidy(self, broker: Broker, waiting: Sequence[int]) -> None:
        """Once a second: take away what nobody waits for any more. waiting: messages in each listener's queue."""
        recent, self._sent = self._sent, 0
        kept = max(waiting, default=0) + max(_LATE, recent)
        gone = [self._names.popleft() for _ in range(len(self._names) - kept)]
        if gone:
            broker.drop(gone)
