"""What the system itself says to who asked: whoever lets it speak (triggers, surveys) makes an entry by this author.

It is an entry of the ticket like any other: shown with it, moving no clock, sent by the same outbox. The message says
of itself that a machine wrote it, and is held back where that could make a loop (`sending`); then its `delivery` says
so. Not for what an agent says, be it a macro's words.
"""

from __future__ import annotations

SYSTEM = "SYSTEM"
_MOST = 190


def author(because: str) -> dict[str, object]:
    """The values that make an entry the system's, once for each `because` (say, `trigger/7/42/event`): another entry
    for the same is a Conflict."""
    return {"author": SYSTEM, "said_for": because[:_MOST]}
