"""How far services have come in following each other, told in Redis: so that a link written here can be read there.

Whoever writes a link to another service's entity waits a little for that service to have heard of it, and answers then
in any case. Nobody is called. Without Redis, or where the other does not follow at this time, nobody waits.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import redis

from shared.eav.links.asked import LinkChange
from shared.eav.links.links import PublishLinks
from shared.kernel.clock import monotonic
from shared.kernel.config import Settings
from shared.kernel.context import Context
from shared.kernel.db import Connection, Database
from shared.service.mirrors.declare import Mirror, subscription_name

T = TypeVar("T")

SECONDS = 0.3
"""How long a write waits at most."""
STALE = timedelta(seconds=30)
"""A follower that told of nothing for so long does not follow at this time: the relay sends a pulse every second."""
_PAUSE = 0.004
_KEY = "crm:applied"
_NOW = "select clock_timestamp() at time zone 'UTC'"


_written: ContextVar[frozenset[str]] = ContextVar("services to be heard by", default=frozenset())


def noting(publish: PublishLinks, mirrors: Iterable[Mirror]) -> PublishLinks:
    """Publish links, and note for `Waiting.settle` whose entities this thread has linked to."""
    homes = {one.type: one.source for one in mirrors}

    def published(connection: Connection, changes: Sequence[LinkChange], context: Context) -> None:
        publish(connection, changes, context)
        theirs = {homes[name] for one in changes for name in (one.from_type, one.to_type) if name in homes}
        if theirs:
            _written.set(_written.get() | theirs)

    return published


def announcing(settings: Settings, subscription: str) -> Callable[[datetime], None] | None:
    """Tells up to which instant of its source a subscription has applied everything; None without Redis."""
    if settings.redis_url is None:
        return None
    client = redis.Redis.from_url(settings.redis_url.get_secret_value(), socket_timeout=1, socket_connect_timeout=1)

    def tell(as_of: datetime) -> None:
        try:
            client.hset(_KEY, subscription, as_of.astimezone(UTC).isoformat())
        except redis.RedisError:
            return  # nobody waits then

    return tell


class Waiting:
    """Waits, in one service, until others have heard of what it wrote."""

    def __init__(self, client: redis.Redis | None, database: Database, service: str) -> None:
        self._client = client
        self._database = database
        self._service = service

    def settle(self, answer: T) -> T:
        """Wait for the services whose entities this thread has linked to since the last time; the answer as it is."""
        others = _written.get()
        if others:
            _written.set(frozenset())
            self.wait(others)
        return answer

    def wait(self, others: Collection[str]) -> bool:
        """Wait until these services have applied everything that was committed here by now; whether they have.

        At most SECONDS; not for one that does not follow at this time.
        """
        names = [subscription_name(one, self._service) for one in sorted(others)]
        if self._client is None or not names:
            return not names
        with self._database.connect() as connection:
            row = connection.row(_NOW, prepare=True)
        assert row is not None
        written = row[0].replace(tzinfo=UTC)
        until = monotonic() + SECONDS
        while True:
            reached = self._reached(names)
            late = [one for one in reached if one is None or one < written]
            if not late:
                return True
            if monotonic() >= until or any(one is None or one < written - STALE for one in late):
                return False
            time.sleep(_PAUSE)

    def _reached(self, names: list[str]) -> list[datetime | None]:
        assert self._client is not None
        try:
            found = self._client.hmget(_KEY, names)
        except redis.RedisError:
            return [None] * len(names)
        return [None if one is None else datetime.fromisoformat(one.decode()) for one in found]  # type: ignore[union-attr]
