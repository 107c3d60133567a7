"""How often somebody may try links: so many times a minute by address, counted in Redis, else in this process.

Not a defence against many addresses: a signature is that. It keeps one from making us busy.
"""

from __future__ import annotations

from collections import Counter
from threading import Lock

import redis

from shared.kernel.clock import now
from shared.kernel.errors import RateLimited

A_MINUTE = 30
_KEY = "service_desk:satisfaction:{place}:{who}:{minute}"


class Limit:
    """Counts tries. place: which installation's, since several may share one Redis."""

    def __init__(self, client: redis.Redis | None, most: int = A_MINUTE, place: str = "") -> None:
        self._client = client
        self._place = place
        self._most = most
        self._lock = Lock()
        self._counts: Counter[str] = Counter()
        self._minute = 0

    def count(self, who: str) -> None:
        """One more try. Raises RateLimited."""
        moment = now()
        minute = int(moment.timestamp()) // 60
        if self._tries(who, minute) > self._most:
            raise RateLimited("Too many tries: please come back in a minute", 60 - moment.second)

    def _tries(self, who: str, minute: int) -> int:
        if self._client is not None:
            try:
                key = _KEY.format(place=self._place, who=who, minute=minute)
                with self._client.pipeline() as pipeline:
                    pipeline.incr(key)
                    pipeline.expire(key, 120)
                    return int(pipeline.execute()[0])
            except redis.RedisError:
                pass  # counted here, while it is away
        with self._lock:
            if minute != self._minute:
                self._minute = minute
                self._counts.clear()
            self._counts[who] += 1
            return self._counts[who]
