"""Messages between the bus processes of services: kombu over Redis, by the default exchange, without acknowledgement.

A message makes news arrive sooner and is allowed to get lost: the log is the truth, and whoever misses a message pulls
what it held. So nothing here is declared, bound or acknowledged (bindings vanish with FLUSHALL, acknowledgements have
a window in which kill -9 loses messages anyway). Not for tasks: those are Celery's (docs/adr/0014).

Followers announce themselves for a few seconds at a time; what nobody listens to is not sent.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import redis
from kombu import Connection, Consumer, Producer, Queue
from kombu.exceptions import OperationalError

from shared.bus.pulses import pulse
from shared.kernel.clock import now
from shared.kernel.errors import Unavailable
from shared.kernel.json import dumps, loads

PREFIX = "crm:"
ANNOUNCED_SECONDS = 10.0
_LISTENERS = f"{PREFIX}bus.listeners."
_OPTIONS: dict[str, Any] = {
    "global_keyprefix": PREFIX,
    "body_encoding": None,
    "socket_timeout": 2,
    "socket_connect_timeout": 1,
    "health_check_interval": 5,
}
# What kombu lets through of a connection that broke: its own, the client's and the system's errors.
BROKEN = (OperationalError, redis.exceptions.RedisError, OSError)


@dataclass(frozen=True, slots=True)
class Listener:
    """Somebody who wants messages about a source. types: as in a subscription, None for everything."""

    queue: str
    types: frozenset[str] | None

    def wants(self, kind: str, entity_type: str) -> bool:
        """Whether an event of this kind and entity type is for them."""
        types = self.types
        return types is None or entity_type in types or kind in types or kind.partition(".")[0] in types


class Broker:
    """One connection to Redis for messages; not to be shared between threads. Raises Unavailable; then try again."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client: redis.Redis = redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=1)
        self._connection: Connection | None = None
        self._producer: Producer | None = None

    def announce(self, source: str, listener: Listener) -> None:
        """Ask for messages about `source` for the next seconds; repeat it, since it also outlives a FLUSHALL so."""
        member = dumps({"queue": listener.queue, "types": None if listener.types is None else sorted(listener.types)})
        with self._reaching():
            self._client.zadd(_LISTENERS + source, {member: now().timestamp() + ANNOUNCED_SECONDS})

    def listeners(self, source: str) -> list[Listener]:
        """Who wants messages now. Queues of those who no longer do are deleted with what lies in them."""
        key, moment = _LISTENERS + source, now().timestamp()
        with self._reaching():
            gone = [_listener(one) for one in self._members(key, "-inf", moment)]
            here = [_listener(one) for one in self._members(key, f"({moment}", "+inf")]
            if gone:
                self._client.zremrangebyscore(key, "-inf", moment)
                silent = {one.queue for one in gone} - {one.queue for one in here}
                if silent:
                    self._client.delete(*(PREFIX + name for name in silent))
        return here

    def _members(self, key: str, low: str | float, high: str | float) -> Sequence[bytes]:
        found: Any = self._client.zrangebyscore(key, low, high)
        return list(found)

    def waiting(self, queues: Sequence[str]) -> list[int]:
        """How many messages lie in each queue."""
        if not queues:
            return []
        with self._reaching(), self._client.pipeline(transaction=False) as several:
            for one in queues:
                several.llen(PREFIX + one)
            return [int(one) for one in several.execute()]

    def pulse(self, source: str, body: str) -> None:
        """Tell everybody, listener or not, of a page without events (shared/bus/pulses.py)."""
        with self._reaching():
            pulse(self._client, source, body)

    def publish(self, queue: str, body: str) -> None:
        """Send one message."""
        with self._reaching():
            if self._producer is None:
                self._producer = Producer(self._connected().default_channel, auto_declare=False)
            self._producer.publish(
                body, exchange="", routing_key=queue, content_type="application/json", content_encoding="utf-8"
            )

    def keep(self, name: str, body: str, seconds: int) -> None:
        """Keep what several messages refer to."""
        with self._reaching():
            self._client.set(PREFIX + name, body, ex=seconds)

    def kept(self, name: str) -> bytes | None:
        """What was kept under a name; None when it is gone."""
        with self._reaching():
            found: Any = self._client.get(PREFIX + name)
        return found

    def drop(self, names: Sequence[str]) -> None:
        """Keep these no longer."""
        with self._reaching():
            self._client.delete(*(PREFIX + one for one in names))

    @contextmanager
    def listening(self, queue: str) -> Iterator[Listening]:
        """Receive from a queue inside the block."""
        with self._reaching():
            found = Listening(self._connected(), queue)
        try:
            yield found
        finally:
            self.close()

    def close(self) -> None:
        """Give the connections up; the next call opens new ones."""
        connection, self._connection, self._producer = self._connection, None, None
        if connection is not None:
            connection.release()
        self._client.connection_pool.disconnect()

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = Connection(self._url, transport_options=_OPTIONS)
        return self._connection

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            yield
        except BROKEN as error:
            self.close()
            raise Unavailable(f"Redis does not answer: {type(error).__name__}") from error


class Listening:
    """What arrives in one queue."""

    def __init__(self, connection: Connection, queue: str) -> None:
        self._connection = connection
        self._arrived: deque[bytes] = deque()
        self._consumer = Consumer(
            connection.default_channel,
            [Queue(queue, no_declare=True)],
            no_ack=True,
            auto_declare=False,
            on_message=lambda message: self._arrived.append(message.body),
        )
        self._consumer.consume()

    def next(self, timeout: float) -> bytes | None:
        """The next message's body, None when nothing came in time. Raises Unavailable."""
        if not self._arrived:
            try:
                self._connection.drain_events(timeout=timeout)
            except TimeoutError:
                return None
            except BROKEN as error:
                raise Unavailable(f"Redis does not answer: {type(error).__name__}") from error
        return self._arrived.popleft() if self._arrived else None


def _listener(member: bytes) -> Listener:
    found = loads(member)
    return Listener(found["queue"], None if found["types"] is None else frozenset(found["types"]))
