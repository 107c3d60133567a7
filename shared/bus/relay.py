"""The relay: makes ticks when there is news and sends each new page of the log to whoever listens.

It keeps no place of its own that would have to survive: it begins at the head, and what was not sent, or got lost, the
followers pull (shared/bus/following.py). Several relays of one log do no harm. When a follower's queue is long, it
gets no more messages until it has caught up by pulling. A page with nothing for a listener costs it nothing: its next
message, at most a second later, begins where the last one ended. Silence for a second: a pulse (shared/bus/pulses.py).

Messages hold events as the feed answers them, tokens left out: these are told only to who may ask the feed for them.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import psycopg

from shared.bus.bodies import MANY, Keeping
from shared.bus.broker import Broker, Listener
from shared.bus.cursor import Cursor
from shared.bus.feed import NOW, Feed, FeedPage
from shared.bus.page import encode_body, encode_message
from shared.bus.ticks import Ticker
from shared.contracts.event import TOKEN
from shared.kernel.clock import monotonic
from shared.kernel.db import Database
from shared.kernel.errors import CrmError, Unavailable
from shared.kernel.telemetry import logger

TICK_SECONDS = 0.02
IDLE_SECONDS = 0.1
"""How far the pause between looks grows while nothing happens, a twentieth each time."""
AWAY_PAUSE = 0.5
PULSE_SECONDS = 1.0
LONG_QUEUE = 100
PAGE_EVENTS = 1000
"""As long as a chunk of an import: what a follower does once for a page, it then does once for a chunk."""

_log = logger("bus.relay")


@dataclass(slots=True)
class Relay:
    """Sends one service's log. `step` does what is due and says whether there may be more at once."""

    source: str
    database: Database
    broker: Broker
    _ticker: Ticker = field(init=False)
    _feed: Feed = field(init=False)
    _place: Cursor | None = None
    _listeners: list[Listener] = field(default_factory=list)
    _pulse: float = float("-inf")
    _bodies: Keeping = field(default_factory=Keeping)
    _skipped: dict[str, FeedPage] = field(default_factory=dict)
    """The first of the pages since its last message that had nothing for a listener, by queue."""
    _last: FeedPage | None = None
    quiet: bool = False
    """Whether the last step found no news."""
    _more: bool = False
    """Whether the last page was not the end of the log: the next one is due although nothing new was committed."""
    many: int = MANY
    """Events that make a page too long to stand in messages."""
    most: int = PAGE_EVENTS
    """Events of a page."""

    def __post_init__(self) -> None:
        self._ticker = Ticker(self.database)
        self._feed = Feed(self.database, self._ticker)

    def step(self) -> bool:
        """Tick, and send the next page. Raises Unavailable (the log's or Redis' fault); begin anew then."""
        made = self._ticker.tick()
        self.quiet = made is None
        due = monotonic() - self._pulse >= PULSE_SECONDS
        if made is None and not due and not self._more and self._place is not None:
            return False
        if due:
            # On the whole second: the pulses of all logs come together, and who follows several notes them at once.
            self._pulse = monotonic() // PULSE_SECONDS * PULSE_SECONDS
            self._listeners = self._who_keep_up(self.broker.listeners(self.source))
        if self._place is None or not self._listeners:
            self._begin(self._feed.read(NOW, limit=1).next)
            return False
        moved = due and self._move_on()
        page = self._feed.read(str(self._place), limit=self.most)
        if page.next == page.start:
            self._more = False
            if not moved:  # or they would take the pulse for the news of a message that was lost
                self.broker.pulse(self.source, encode_message(page, (), withheld=False))
            return False
        self._send(page)
        self._last, self._place, self._more = replace(page, rows=()), page.next, not page.up_to_date
        return self._more

    def _send(self, page: FeedPage) -> None:
        """To each listener what it wants, with the places between which that is all there is: in its message, or, of
        long pages, by the name of what all get."""
        kinds = {(row.kind, row.entity_type) for row in page.rows}
        told = [row for row in page.rows if row.kind != TOKEN]
        name: str | None = None
        for listener in self._listeners:
            asked = {one for one in kinds if listener.wants(*one)}
            if not asked:
                self._skipped.setdefault(listener.queue, replace(page, rows=()))
                continue
            wanted = told if asked == kinds else [row for row in told if (row.kind, row.entity_type) in asked]
            withheld = any(kind == TOKEN for kind, _ in asked)
            if len(wanted) >= self.many and name is None:
                name = self._bodies.put(self.broker, self.source, page.start, page.next, encode_body(told))
            body = name if len(wanted) >= self.many else None
            since = self._since(listener, page)
            self.broker.publish(listener.queue, encode_message(since, wanted, withheld=withheld, body=body))

    def _since(self, listener: Listener, page: FeedPage) -> FeedPage:
        """A page, begun where the listener's last message ended."""
        first = self._skipped.pop(listener.queue, page)
        return replace(page, start=first.start, events_before=first.events_before)

    def _move_on(self) -> bool:
        """Tell those who were told nothing lately how far there was nothing for them; whether there were any."""
        behind = [one for one in self._listeners if one.queue in self._skipped]
        for one in behind:
            assert self._last is not None
            self.broker.publish(one.queue, encode_message(self._since(one, self._last), (), withheld=False))
        self._skipped.clear()
        return bool(behind)

    def hurry(self) -> None:
        """Somebody waits for a pulse: it is due at the next look. From any thread."""
        self._pulse = float("-inf")

    def forget(self) -> None:
        """Begin at the head again, after a failure or a lost place."""
        self._begin(None)
        self._pulse = float("-inf")

    def _begin(self, place: Cursor | None) -> None:
        self._place, self._more, self._last = place, False, None
        self._skipped.clear()

    def _who_keep_up(self, listeners: Sequence[Listener]) -> list[Listener]:
        waiting = dict(zip(listeners, self.broker.waiting([one.queue for one in listeners]), strict=True))
        self._bodies.tidy(self.broker, list(waiting.values()))
        for one in listeners:
            if waiting[one] > LONG_QUEUE:
                _log.warning("too many messages wait; the follower pulls", queue=one.queue, waiting=waiting[one])
        return [one for one in listeners if waiting[one] <= LONG_QUEUE]


def run_relay(relay: Relay, stop: threading.Event) -> None:
    """Relay until `stop` is set. Outlives a database or a Redis that goes away; ticks go on without Redis."""
    pause = TICK_SECONDS
    while not stop.wait(pause):
        try:
            while relay.step() and not stop.is_set():
                pass
            pause = min(IDLE_SECONDS, pause * 1.05) if relay.quiet else TICK_SECONDS
        except (CrmError, psycopg.Error) as error:
            relay.forget()
            pause = (
                min(AWAY_PAUSE, max(0.1, pause * 2)) if isinstance(error, psycopg.Error | Unavailable) else TICK_SECONDS
            )
            _log.warning("not relayed", source=relay.source, error=type(error).__name__)
