"""Where the pages of offset walks begin, remembered in Redis for ten minutes. Losing it costs time, never answers."""

from __future__ import annotations

import redis

_KEEP_SECONDS = 600


class RedisWalk:
    """The engine's Walk over Redis; without Redis, or while it is away, nothing is remembered."""

    def __init__(self, client: redis.Redis | None, service: str) -> None:
        self._client = client
        self._prefix = f"crm:walk:{service}:"

    def get(self, key: str) -> bytes | None:
        """A remembered boundary."""
        if self._client is None:
            return None
        try:
            found = self._client.get(self._prefix + key)
        except redis.RedisError:
            return None
        return found if isinstance(found, bytes) else None

    def put(self, key: str, value: bytes) -> None:
        """Remember a boundary."""
        if self._client is None:
            return
        try:
            self._client.set(self._prefix + key, value, ex=_KEEP_SECONDS)
        except redis.RedisError:
            return

    def forget(self) -> None:
        """Forget every boundary: they hold values that entities were sorted by."""
        if self._client is None:
            return
        try:
            for key in self._client.scan_iter(f"{self._prefix}*", count=1000):
                self._client.unlink(key)
        except redis.RedisError:
            return  # what is left is gone in ten minutes
