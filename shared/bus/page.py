"""A page of a feed as a reader gets it, and its JSON.

`GET /api/v1/{service}/changes?after=&types=&limit=&wait=&reader=` answers

    {"results": [event...],   change events (shared.contracts.event), each with its place as "id"
     "after": cursor,         where this page begins: `after` of the request, resolved
     "next": cursor,          where the next one begins; give it as `after`. It moves even when nothing matched
     "epoch": uuid,           of the log; another one than before means: rebuild
     "up_to_date": bool,      nothing more was committed when the page was made
     "behind": n,             at most so many events follow
     "as_of": instant}        everything committed before it lies before `next`

Not for storing: pages are never cached, since erasure blanks values in place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from shared.bus.cursor import Cursor
from shared.contracts.event import Event, from_document


@dataclass(frozen=True, slots=True)
class Page:
    """Decoded events from `start` up to `next`, both places in one epoch."""

    start: Cursor
    next: Cursor
    events: tuple[Event, ...]
    up_to_date: bool
    behind: int
    as_of: datetime


def decode_page(document: Mapping[str, Any]) -> Page:
    """The page of a feed's JSON answer; raises KeyError, ValueError or UnknownVersion on what is none."""
    return Page(
        start=Cursor.parse(document["after"]),
        next=Cursor.parse(document["next"]),
        events=tuple(from_document(one) for one in document["results"]),
        up_to_date=bool(document["up_to_date"]),
        behind=int(document["behind"]),
        as_of=datetime.fromisoformat(document["as_of"]).astimezone(UTC),
    )
