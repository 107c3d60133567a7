"""Tables of answers, kept in Redis under the number of changes that they were made after.

The number lives in PostgreSQL and moves with the cells, so that a flush revives nothing old: it only costs computing
once more. Of many that miss at once, one computes and the others wait for it a moment. Without Redis all compute.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any

import redis

from services.reporting.domain.questions import Question, Row, Table, Value
from services.reporting.metrics.store import Metric
from shared.kernel import json
from shared.kernel.clock import monotonic
from shared.service.following import hurry

SECONDS = 60
LOCK_SECONDS = 5
WAIT_SECONDS = 2.0
LOOK_EVERY = 0.005
_PREFIX = "crm:report:"


class Cache:
    """Tables by metric, version and question."""

    def __init__(self, client: redis.Redis | None) -> None:
        self._client = client

    def hurry(self, sources: Sequence[str]) -> None:
        """Let these logs tell how far they reach, now instead of within a second."""
        if self._client is not None:
            hurry(self._client, sources)

    def table(
        self, metric: Metric, versions: Mapping[int, int], question: Question, mark: str, compute: Callable[[], Table]
    ) -> tuple[str, Table]:
        """The etag and the table, from the cache or computed and put there. mark: of what it is made of besides the
        metric's cells, "" for nothing."""
        etag = etag_of(metric, versions, question) + (f"-{mark}" if mark else "")
        if self._client is None:
            return etag, compute()
        try:
            return etag, self._shared(self._client, _PREFIX + etag, compute)
        except redis.exceptions.RedisError:
            return etag, compute()

    def _shared(self, client: redis.Redis, key: str, compute: Callable[[], Table]) -> Table:
        kept: Any = client.get(key)
        if kept is not None:
            return _decode(kept)
        if not client.set(f"{key}:lock", b"1", nx=True, ex=LOCK_SECONDS):
            deadline = monotonic() + WAIT_SECONDS
            while monotonic() < deadline:
                time.sleep(LOOK_EVERY)
                kept = client.get(key)
                if kept is not None:
                    return _decode(kept)
        table = compute()
        client.set(key, _encode(table), ex=SECONDS)
        client.delete(f"{key}:lock")
        return table


def etag_of(metric: Metric, versions: Mapping[int, int], question: Question) -> str:
    """A name for the rows: metric, generation, changes so far, and the question. The instant at which the generation
    was made tells it from one of the same number in another installation, or from before everything was made anew."""
    told = [metric.created_at.isoformat(), _plain(asdict(question))]
    asked = hashlib.blake2b(json.canonical(told), digest_size=12).hexdigest()
    changes = ".".join(f"{one}:{versions[one]}" for one in sorted(versions))
    return f"{metric.name}-{metric.version}-{changes}-{asked}"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, str | int | bool) else str(value)


def _encode(table: Table) -> bytes:
    lines = [None if one is None else _line(one) for one in (table.total, table.others)]
    unconverted = [[code, n, str(amount)] for code, n, amount in table.unconverted]
    return json.dumps([[_line(one) for one in table.rows], table.columns, *lines, table.hidden, unconverted])


def _line(one: Row) -> list[Any]:
    return [one.group, _told(one.value), one.n, _told(one.previous), [_told(cell) for cell in one.cells]]


def _told(value: Value) -> Any:
    return {"number": str(value)} if isinstance(value, Decimal) else value


def _decode(kept: bytes) -> Table:
    rows, columns, total, others, hidden, unconverted = json.loads(kept)
    left_out = tuple((code, n, Decimal(amount)) for code, n, amount in unconverted)
    return Table(
        tuple(map(_row, rows)), tuple(columns), total and _row(total), others and _row(others), hidden, left_out
    )


def _row(line: list[Any]) -> Row:
    group, value, n, previous, cells = line
    return Row(tuple(group), _value(value), n, _value(previous), tuple(map(_value, cells)))


def _value(told: Any) -> Value:
    return Decimal(told["number"]) if isinstance(told, dict) else told
