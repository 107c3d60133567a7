"""Following a feed for good: messages when they come, the feed itself for all that is missing.

A message that continues where the watermark stands is applied; one that lies behind it is dropped; any other means
that something was missed, and the feed is pulled until nothing is behind. Silence is suspicious as well: the relay
sends a pulse every second (shared/bus/pulses.py). So a lost message costs a moment, never data, and without Redis
everything is pulled.

A page whose handler keeps failing is applied event by event, and what fails is put aside (shared/bus/dead_letters.py).
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from shared.bus.bodies import BODIES
from shared.bus.broker import Broker, Listener, Listening
from shared.bus.client import Source
from shared.bus.consumer import Subscription, apply, pull
from shared.bus.cursor import Cursor, FeedGone
from shared.bus.dead_letters import passes_by_itself, told
from shared.bus.page import Page, Told, decode_message
from shared.bus.pulses import Pulses
from shared.bus.state import FAILING, FOLLOWING, GONE, StateNote
from shared.kernel.clock import monotonic
from shared.kernel.db import Database
from shared.kernel.errors import Unavailable
from shared.kernel.telemetry import logger

LISTEN_SECONDS = 1.0
ANNOUNCE_SECONDS = 2.0
SILENCE_SECONDS = 2.0
REGISTER_SECONDS, RENEW_SECONDS = 5.0, 60.0
"""How often the source is told how far we have come, for retention: when we have moved, and when we have not."""
LONGEST_PAUSE, AWAY_PAUSE = 2.0, 0.5
"""Seconds between attempts at most: when something fails again and again; when a neighbour or a server is away, which
costs next to nothing to ask for and is waited for by everybody."""
ATTEMPTS = 3
"""How often a page may fail before its events are tried one by one."""

_log = logger("bus.following")


def run_consumer(
    database: Database,
    source: Source,
    subscription: Subscription,
    stop: threading.Event,
    wait: float = 5.0,
    *,
    broker: Callable[[], Broker] | None = None,
    pulses: Pulses | None = None,
) -> None:
    """Follow until `stop` is set. Any failure is noted in consumer_state and tried again with growing pauses.

    broker: makes this thread's way to Redis; without one, or while Redis is away, the feed's long poll is all.
    pulses: hears for the whole process; without them a silent feed is asked every other second.
    """
    follower = Follower(database, source, subscription)
    if pulses is not None:
        pulses.join(follower)
    messages = broker() if broker else None
    while not stop.is_set():
        try:
            if messages is None:
                follower.pull(wait)
            else:
                follower.listen(messages, stop)
        except Exception as error:  # noqa: BLE001 (a handler may raise anything; the loop must outlive it and tell)
            stop.wait(follower.failed(error))
            if messages is not None and isinstance(error, Unavailable) and not stop.is_set():
                follower.pull_quietly()


@dataclass(slots=True)
class Follower:
    """One subscription on its way."""

    database: Database
    source: Source
    subscription: Subscription
    failures: int = 0
    _refused: int = 0
    _reached: Cursor | None = None
    _registered: Cursor | None = None
    _heard: float = float("-inf")
    _waiting: bool = False
    _missed: bool = False
    _note: StateNote = field(init=False)

    def __post_init__(self) -> None:
        self._note = StateNote(self.database, self.subscription.name, self.subscription.source)

    def listen(self, broker: Broker, stop: threading.Event) -> None:
        """Take messages, pulling what they miss, until `stop` is set. Raises Unavailable, and what handlers raise."""
        listener = Listener(queue_of(self.subscription), self.subscription.types)
        with broker.listening(listener.queue) as messages:
            announced = pulled = self._heard = float("-inf")
            while not stop.is_set():
                moment = monotonic()
                if moment - announced >= ANNOUNCE_SECONDS:
                    broker.announce(self.subscription.source, listener)
                    announced = moment
                if self._missed or moment - self._heard >= SILENCE_SECONDS:
                    self._missed = False
                    self.catch_up(stop)
                    pulled = self._heard = monotonic()
                elif moment - pulled >= (RENEW_SECONDS if self._reached == self._registered else REGISTER_SECONDS):
                    # Pulling also tells the source how far we have come, for retention. One event does: what follows
                    # it lies in the queue, and would be fetched for nothing while a lot is being written.
                    self.pull(0.0, most=1)
                    pulled = monotonic()
                if self._taken(messages, stop, partial(BODIES.told, broker, listener=listener)):
                    self._heard = monotonic()

    def hear(self, page: Page) -> bool:
        """A pulse, told by another thread: whether nothing is missing here up to its moment.

        One that tells of more than has come, while nothing lies in the queue, means that a message was lost.
        """
        reached = self._reached
        if reached is None:
            return False
        if reached == page.start:
            self._heard = monotonic()
            return True
        if self._waiting and (reached.epoch != page.start.epoch or reached.place < page.start.place):
            self._missed = True
        return False

    def _taken(self, messages: Listening, stop: threading.Event, told: Told) -> bool:
        """Wait for a message; whether one came."""
        self._waiting = True
        body = messages.next(LISTEN_SECONDS)
        self._waiting = False
        if body is None:
            BODIES.tidy()
            return False
        try:
            page = decode_message(body, self._reached, told)
        except (ValueError, KeyError):  # not from a relay of this version, or gone: the feed has it in any case
            page = None
        if page is None or not self.take(page):
            self.catch_up(stop)
        return True

    def take(self, page: Page) -> bool:
        """Apply what a message brings; False when the feed has to be asked."""
        reached = self._reached
        if reached is None or reached.epoch != page.next.epoch:
            return False
        if page.next.place <= reached.place:
            # A pulse at our very place: nothing is missing up to its moment.
            return page.start != reached or apply(self.database, self.subscription, page)
        rest = page.from_place(reached)
        if rest is None or not apply(self.database, self.subscription, rest):
            return False
        self._succeeded(rest.next, rest.behind)
        return True

    def catch_up(self, stop: threading.Event) -> None:
        """Pull until nothing is behind."""
        while self.pull(0.0) and not stop.is_set():
            pass

    def pull(self, wait: float, most: int | None = None) -> bool:
        """Pull one page, of so many events at most; whether more is behind. After a failure the first answer is not
        waited for."""
        suspicious, before = self._refused >= ATTEMPTS, self._reached
        asked = self.subscription if most is None else replace(self.subscription, limit=most)
        done = pull(self.database, self.source, asked, 0.0 if self.failures else wait, one_by_one=suspicious)
        self._succeeded(done.reached, done.behind)
        self._registered = done.reached if done.reached == before else None  # the source notes where the page begins
        return done.behind > 0 or done.reached is None

    def pull_quietly(self) -> None:
        """One pull while Redis is away; its own failure is noted like any other."""
        try:
            self.pull(0.0)
        except Exception as error:  # noqa: BLE001 (as in run_consumer)
            self.failed(error)

    def failed(self, error: Exception) -> float:
        """Note a failure; the seconds to pause."""
        self._reached = None
        self.failures += 1
        self._refused = 0 if passes_by_itself(error) else self._refused + 1
        name = self.subscription.name
        _log.warning("not applied", subscription=name, error=type(error).__name__, failures=self.failures)
        self._note.write(GONE if isinstance(error, FeedGone) else FAILING, error=told(error), failures=self.failures)
        longest = AWAY_PAUSE if passes_by_itself(error) else LONGEST_PAUSE
        return min(longest, 0.05 * 2 ** min(self.failures, 8))

    def _succeeded(self, reached: Cursor | None, behind: int) -> None:
        self.failures = self._refused = 0
        self._reached = reached
        self._note.write(FOLLOWING, behind=behind)


def queue_of(subscription: Subscription) -> str:
    """Where messages for a subscription wait. The types belong to the name: a message holds what was asked for then."""
    types = "" if subscription.types is None else ",".join(sorted(subscription.types))
    return f"bus.{subscription.name}.{zlib.crc32(types.encode()):08x}"
