"""What is missing in answers though their `as_of` says that nothing committed before it is: events put aside.

They are told by the log they came from, whatever they are about: what an event that nobody could take would have
changed is not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from shared.kernel.clock import iso
from shared.kernel.db import Connection

_LYING = "select count(*), min(at), max(id) from dead_letter where subscription = any(%(names)s)"


@dataclass(frozen=True, slots=True)
class Missing:
    """How many changes of some sources lie aside, and since when any does. last: the newest of their letters."""

    put_aside: int = 0
    since: datetime | None = None
    last: int | None = None

    @property
    def document(self) -> dict[str, Any]:
        """What an answer says of it; nothing when nothing is missing."""
        if self.since is None:
            return {}
        return {"incomplete": {"put_aside": self.put_aside, "since": iso(self.since)}}

    @property
    def mark(self) -> str:
        """What tells answers apart that are the same but for this."""
        return f"aside{self.put_aside}.{self.last}" if self.put_aside else ""


def missing(connection: Connection, sources: Sequence[str]) -> Missing:
    """What lies aside now. Ask before an answer is worked out, and after its `as_of` is known: what is applied between
    is then said to be missing though it is not, never the other way round."""
    row = connection.row(_LYING, {"names": [f"reporting.{one}" for one in sources]}, prepare=True)
    if row is None or row[1] is None:
        return Missing()
    return Missing(row[0], row[1].replace(tzinfo=UTC), row[2])
