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


def read_instant(text: object) -> datetime:
    """The aware UTC instant of ISO 8601 text from outside; without an offset it is UTC. Raises ValueError for anything
    else, and for what is in no year from 1 to 9999 of UTC."""
    instant = datetime.fromisoformat(text if isinstance(text, str) else "")
    try:
        return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)
    except OverflowError as error:
        raise ValueError(str(error)) from error


def iso(instant: datetime) -> str:
    """`YYYY-MM-DDThh:mm:ss.sssZ` of an aware or naive-UTC datetime."""
    if instant.tzinfo is UTC:
        return instant.isoformat(timespec="milliseconds")[:-6] + "Z"
    if instant.tzinfo is not None:
        instant = instant.astimezone(UTC).replace(tzinfo=None)
    return instant.isoformat(timespec="milliseconds") + "Z"
