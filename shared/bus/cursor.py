"""A place in a log: epoch, tick, and how far inside that tick's batch. Clients treat its text as opaque.

Everything of earlier ticks lies behind the place, and of tick `tick` every event with an id up to `part`; the head of
the log is (newest tick + 1, 0). Places of one epoch are ordered; across epochs they mean nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from shared.kernel.errors import CrmError, Invalid

_TEXT = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([0-9]{1,18})\.([0-9]{1,18})")


class FeedGone(CrmError):
    """The place is not, or no longer, in the log (retention, restore): the reader rebuilds from the source's state."""

    category = "FEED_GONE"


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place; `part` is the id of the last event of tick `tick` that lies behind it, 0 at the tick's beginning."""

    epoch: str
    tick: int
    part: int = 0

    def __str__(self) -> str:
        return f"{self.epoch}.{self.tick}.{self.part}"

    @property
    def place(self) -> tuple[int, int]:
        """What orders cursors of one epoch."""
        return self.tick, self.part

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """The cursor of a text; raises Invalid."""
        match = _TEXT.fullmatch(text)
        if match is None:
            raise Invalid.one("after", "INVALID_CURSOR", "after must be a cursor from this feed, start or now")
        return cls(match[1], int(match[2]), int(match[3]))
