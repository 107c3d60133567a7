"""Pulses: once a second the relay of a log that is silent tells how far it reaches, to everybody at once.

One thread per process hears them for all its followers, and moves what those are sure of in one statement per database:
a silent system costs little, however many follow. A pulse may be lost: a follower that hears nothing asks the feed. Who
waits for the present moment asks for a pulse (`hurry`) instead of waiting for the next one.
Not for events, which come by messages (shared/bus/broker.py).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, Protocol

import psycopg
import redis

from shared.bus.consumer import Subscription
from shared.bus.cursor import Cursor
from shared.bus.page import Page, decode_message
from shared.kernel.clock import monotonic
from shared.kernel.db import Connection, Database
from shared.kernel.errors import CrmError
from shared.kernel.telemetry import logger

_CHANNEL = "crm:bus.pulses"
_HURRY = "crm:bus.hurry"
_LISTEN, _GATHER, _PAUSE = 1.0, 0.05, 0.25
"""Seconds: how soon a change of mind about stopping is noticed; how long the pulses of other logs are waited for, which
come at the same time; the pause after the connection was lost."""
_BROKEN = (redis.RedisError, OSError)

# A follower that just applies something keeps its row: it moves by itself. After a pulse nothing is behind.
_MOVE = """with told as (
    select * from unnest(%(names)s::text[], %(epochs)s::uuid[], %(ticks)s::bigint[], %(parts)s::bigint[],
        %(moments)s::timestamp[]) as told(name, epoch, tick, part, as_of)
), free as (
    select subscription from watermark where subscription = any(%(names)s) for update skip locked
), moved as (
    update watermark w set as_of = told.as_of from told, free
    where w.subscription = told.name and free.subscription = told.name
        and w.epoch = told.epoch and w.tick = told.tick and w.part = told.part and w.as_of < told.as_of
    returning w.subscription
), noted as (
    update consumer_state s set seen_at = clock_timestamp() at time zone 'UTC', behind = 0 from moved
    where s.subscription = moved.subscription and s.state = 'following'
)
select subscription from moved"""

_log = logger("bus.pulses")


class Follows(Protocol):
    """Who wants to hear pulses; see `shared.bus.following.Follower`."""

    database: Database
    subscription: Subscription

    def hear(self, page: Page) -> bool:
        """A pulse of the subscription's source; whether this one stands at the very place that it tells of."""


@dataclass(slots=True)
class Pulses:
    """Hears pulses for the followers of one process. `join` before or after `run_pulses` has begun."""

    client: redis.Redis
    relays: dict[str, Callable[[], None]] = field(default_factory=dict)
    """By source: lets the relay of this process send a pulse at its next look."""
    _followers: list[Follows] = field(default_factory=list)
    _heard: dict[str, Page] = field(default_factory=dict)

    def join(self, follower: Follows) -> None:
        """Hear for one more."""
        self._followers.append(follower)

    def hurried(self, source: bytes) -> None:
        """Somebody waits for a pulse of a log that may be relayed here."""
        relay = self.relays.get(source.decode(errors="replace"))
        if relay is not None:
            relay()

    def take(self, told: bytes) -> None:
        """Note a pulse, until `pass_on`; what is none is passed over."""
        source, _, body = told.partition(b"\n")
        try:
            self._heard[source.decode()] = decode_message(body)
        except (ValueError, KeyError):
            _log.warning("no pulse", bytes=len(told))

    @property
    def gathered(self) -> bool:
        """Whether there is something to pass on."""
        return bool(self._heard)

    def pass_on(self) -> None:
        """Tell the followers, and move what they are sure of. Outlives a database that goes away."""
        heard, self._heard = self._heard, {}
        sure: dict[int, list[tuple[Follows, Page]]] = {}
        for one in self._followers:
            page = heard.get(one.subscription.source)
            if page is not None and one.hear(page):
                sure.setdefault(id(one.database), []).append((one, page))
        for several in sure.values():
            self._move(several)

    def _move(self, sure: Sequence[tuple[Follows, Page]]) -> None:
        try:
            with sure[0][0].database.connect() as connection:
                moved = move(connection, [(one.subscription.name, page) for one, page in sure])
        except (CrmError, psycopg.Error) as error:
            _log.warning("no moment noted", error=type(error).__name__)
            return
        for one, page in sure:
            if one.subscription.name in moved and one.subscription.applied is not None:
                one.subscription.applied(page.as_of)


def move(connection: Connection, sure: Sequence[tuple[str, Page]]) -> set[str]:
    """Note up to which moment nothing is missing, for subscriptions that stand where a page without events begins.

    The names of those that were free, and stood there. Raises psycopg's errors.
    """
    places: list[Cursor] = [page.start for _, page in sure]
    values: dict[str, Any] = {
        "names": [name for name, _ in sure],
        "epochs": [one.epoch for one in places],
        "ticks": [one.tick for one in places],
        "parts": [one.part for one in places],
        "moments": [page.as_of.astimezone(UTC).replace(tzinfo=None) for _, page in sure],
    }
    return {name for (name,) in connection.rows(_MOVE, values, prepare=True)}


def pulse(client: redis.Redis, source: str, body: str) -> None:
    """Tell everybody of a page without events. Raises what redis does."""
    client.publish(channel_of(client), f"{source}\n{body}")


def hurry(client: redis.Redis, sources: Sequence[str]) -> None:
    """Ask for a pulse of these logs. Never raises: without it the next one comes within a second."""
    try:
        for one in sources:
            client.publish(channel_of(client, _HURRY), one)
    except redis.RedisError as error:
        _log.info("not hurried", error=type(error).__name__)


def channel_of(client: redis.Redis, name: str = _CHANNEL) -> str:
    """Channels are the whole server's: its numbered databases, which keep installations apart, do not part them."""
    return f"{name}.{client.connection_pool.connection_kwargs.get('db', 0)}"


def run_pulses(pulses: Pulses, stop: threading.Event) -> None:
    """Hear until `stop` is set. Outlives a Redis that goes away: nobody hears anything then, and all ask the feeds."""
    while not stop.is_set():
        try:
            with pulses.client.pubsub(ignore_subscribe_messages=True) as channel:
                channel.subscribe(channel_of(pulses.client), channel_of(pulses.client, _HURRY))
                _hear(channel.get_message, pulses, stop)
        except _BROKEN as error:
            _log.info("pulses not heard", error=type(error).__name__)
            stop.wait(_PAUSE)


def _hear(get_message: Callable[..., Any], pulses: Pulses, stop: threading.Event) -> None:
    until = 0.0
    while not stop.is_set():
        message = get_message(timeout=max(0.001, until - monotonic()) if pulses.gathered else _LISTEN)
        if message is not None and bytes(message["channel"]).startswith(_HURRY.encode()):
            pulses.hurried(bytes(message["data"]))
        elif message is not None:
            until = until if pulses.gathered else monotonic() + _GATHER
            pulses.take(bytes(message["data"]))
        if pulses.gathered and monotonic() >= until:
            pulses.pass_on()
