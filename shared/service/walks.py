"""Where the pages of offset walks begin, remembered in Redis for ten minutes. Losing it costs time, never answers."""

from __future__ import annotations

import time

import redis

from shared.kernel.telemetry import logger

_KEEP_SECONDS = 600
_ATTEMPTS, _PAUSE = 20, 0.1
_log = logger("walks")


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
        """Forget every boundary: they hold values that entities were sorted by. Redis' file is written anew, which
        also has what was deleted, and messages that were taken long ago."""
        if self._client is None:
            return
        try:
            for key in self._client.scan_iter(f"{self._prefix}*", count=1000):
                self._client.unlink(key)
            _write_anew(self._client)
        except redis.RedisError as error:
            # What is left is gone in ten minutes, and from the file when Redis next writes it anew.
            _log.warning("Redis could not be made to forget", error=type(error).__name__)


def _write_anew(client: redis.Redis) -> None:
    """One that is under way began before: it is waited for, for a moment. Without a file there is nothing to do."""
    persistence = client.info("persistence")
    if not persistence.get("aof_enabled"):
        return
    for attempt in range(_ATTEMPTS):
        try:
            client.bgrewriteaof()
            return
        except redis.ResponseError:
            if attempt == _ATTEMPTS - 1:
                raise
            time.sleep(_PAUSE)
