"""A page of a feed as a reader gets it, and its JSON.

`GET /api/v1/{service}/changes?after=&types=&limit=&wait=&reader=` answers

    {"results": [event...],   change events (shared.contracts.event), each with its place as "id"
     "after": cursor,         where this page begins: `after` of the request, resolved
     "next": cursor,          where the next one begins; give it as `after`. It moves even when nothing matched
     "epoch": uuid,           of the log; another one than before means: rebuild
     "up_to_date": bool,      nothing more was committed when the page was made
     "behind": n,             at most so many events follow
     "events": n,             so many were ever told up to the tick of `next`
     "events_before": n,      so many up to the tick of `after`
     "as_of": instant}        everything committed before it lies before `next`

Not for storing: pages are never cached, since erasure blanks values in place.

A page also travels as a message (`encode_message`): the same and then a line per event, so that whoever has them all
need not read them, and followers in one process read each of many but once; with `"ticks"`, the tick of each event, so
that a reader that stands between the two places can cut off what it has; and `"withheld"`: true when the page held more
for this reader than may be sent, so that it has to ask the feed itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from shared.bus.cursor import Cursor
from shared.contracts.event import Event, from_document
from shared.kernel.clock import iso
from shared.kernel.json import dumps, loads

if TYPE_CHECKING:
    from shared.bus.feed import FeedPage, Row


@dataclass(frozen=True, slots=True)
class Page:
    """Decoded events from `start` up to `next`, both places in one epoch."""

    start: Cursor
    next: Cursor
    events: tuple[Event, ...]
    up_to_date: bool
    behind: int
    as_of: datetime
    events_told: int = 0
    events_before: int = 0
    ticks: tuple[int, ...] = ()
    withheld: bool = False

    def from_place(self, place: Cursor) -> Page | None:
        """What is left for a reader who has come to `place`; None when this page cannot take it further from there."""
        if self.withheld or place.epoch != self.start.epoch:
            return None
        if place == self.start:
            return self
        if not self.start.place < place.place < self.next.place or len(self.ticks) != len(self.events):
            return None
        kept = [n for n, one in enumerate(self.events) if (self.ticks[n], one.id or 0) > place.place]
        events, ticks = tuple(self.events[n] for n in kept), tuple(self.ticks[n] for n in kept)
        return replace(self, start=place, events=events, ticks=ticks)


Body = tuple[Sequence[int], Sequence[Event]]
"""Ticks of events, and the events."""
Told = Callable[[str], Body]


def encode_body(rows: Sequence[Row]) -> str:
    """Rows of a page as a text that several messages refer to."""
    return "\n".join([dumps([row.tick for row in rows]).decode(), *(row.body for row in rows)])


def decode_body(text: bytes) -> Body:
    """Reads it; raises ValueError, KeyError or UnknownVersion on what is none."""
    ticks, _, rows = text.partition(b"\n")
    return loads(ticks), tuple(map(from_document, loads(b"[" + rows.replace(b"\n", b",") + b"]")))


def encode_message(page: FeedPage, rows: Sequence[Row], *, withheld: bool, body: str | None = None) -> str:
    """A page with these of its rows as the text of a message. body: the name of the text that holds them instead."""
    head: dict[str, Any] = {
        "after": str(page.start),
        "next": str(page.next),
        "up_to_date": page.up_to_date,
        "behind": page.behind,
        "events": page.events,
        "events_before": page.events_before,
        "as_of": iso(page.as_of),
        "withheld": withheld,
    }
    if body is not None:
        return dumps({**head, "body": body}).decode()
    head["ticks"] = [row.tick for row in rows]
    return "\n".join([dumps(head).decode(), *(row.body for row in rows)])


def decode_message(body: bytes | str, reached: Cursor | None = None, told: Told | None = None) -> Page:
    """The page of a message; raises ValueError, KeyError or UnknownVersion on what is none.

    reached: where the reader stands. Events that lie behind it are not read, and the page comes without them. told:
    finds what a message refers to instead of holding it; raises KeyError when that is gone.
    """
    text = body.decode() if isinstance(body, bytes) else body
    head, *rows = text.split("\n")
    document = loads(head)
    if reached is not None:
        end = Cursor.parse(document["next"])
        if end.epoch == reached.epoch and end.place <= reached.place:
            return _page(document, ())
    if "body" not in document:
        return _page(document, tuple(map(_event, rows)))
    if told is None:
        raise KeyError(document["body"])
    ticks, events = told(document["body"])
    return _page({**document, "ticks": ticks}, tuple(events))


def decode_page(document: Mapping[str, Any]) -> Page:
    """The page of a feed's JSON answer; raises KeyError, ValueError or UnknownVersion on what is none."""
    return _page(document, tuple(from_document(one) for one in document["results"]))


def _event(text: str) -> Event:
    return from_document(loads(text))


def _page(document: Mapping[str, Any], events: tuple[Event, ...]) -> Page:
    return Page(
        start=Cursor.parse(document["after"]),
        next=Cursor.parse(document["next"]),
        events=events,
        up_to_date=bool(document["up_to_date"]),
        behind=int(document["behind"]),
        as_of=datetime.fromisoformat(document["as_of"]).astimezone(UTC),
        events_told=int(document.get("events", 0)),
        events_before=int(document.get("events_before", 0)),
        ticks=tuple(document.get("ticks", ())),
        withheld=bool(document.get("withheld", False)),
    )
