"""The only source of time and of random ids, so that tests can hold them still."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime


def now() -> datetime:
    """The current instant, aware, UTC, cut to milliseconds (the precision of stored datetimes)."""
    instant = datetime.now(UTC)
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def monotonic() -> float:
    """Seconds for measuring durations; never for dates."""
    return time.perf_counter()


def new_id() -> str:
    """A random UUID text, for correlation ids; never for entities, whose ids are increasing numbers."""
    return str(uuid.uuid4())


def iso(instant: datetime) -> str:
    """`YYYY-MM-DDThh:mm:ss.sssZ` of an aware or naive-UTC datetime."""
    if instant.tzinfo is not None:
        instant = instant.astimezone(UTC).replace(tzinfo=None)
    return instant.isoformat(timespec="milliseconds") + "Z"
