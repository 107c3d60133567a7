"""Reading the log page by page, for others: the feed of a service. Served from the primary only.

A reader gives the cursor where its last page ended and gets what follows, in tick order. It may wait for news; waiting
is cheap looks every 25 ms, no LISTEN and no open transaction. The feed ticks by itself when there is news, so that it
works without a ticker. The shape of an answer is described in shared/bus/page.py.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from shared.bus.cursor import Cursor, FeedGone
from shared.bus.epoch import current_epoch
from shared.bus.page import Page, decode_page
from shared.bus.ticks import Ticker, bounds
from shared.kernel.clock import iso, monotonic
from shared.kernel.db import Connection, Database
from shared.kernel.json import Raw, loads

START = "start"
ORIGIN = "origin"
NOW = "now"
MAX_LIMIT = 1000
MAX_WAIT = 30.0
LOOK_EVERY = 0.025
MAX_TICKS = 500
MAX_SCANNED = 5000

May = Callable[[str, str], bool]

_WINDOW = "select id, total, at, since from tick where id >= %s order by id limit %s"
_BEHIND = "select (select min(id) from tick), id, total from tick order by id desc limit 1"

# Index probes per tick and partition; the outer bounds prune partitions when the statement is planned. Not
# `xid = any(array(select pg_snapshot_xip(p.snap)))`: by a bitmap scan, PostgreSQL 15 and 18 compute that array for the
# first tick only (events doubled or missed). `offset 0` makes the planner probe the index instead of hashing it all.
_ROWS = """select t.id, o.id, o.kind, o.entity_type, o.body::text
from tick t join tick p on p.id = t.id - 1
cross join lateral (
    select id, kind, entity_type, body from outbox where at >= %(low)s and at < %(high)s
        and xid >= pg_snapshot_xmax(p.snap) and xid < pg_snapshot_xmax(t.snap)
        and pg_visible_in_snapshot(xid, t.snap)
    union all
    select id, kind, entity_type, body from pg_snapshot_xip(p.snap) as running(x) cross join lateral (
        select id, kind, entity_type, body from outbox where at >= %(low)s and at < %(high)s
            and xid = running.x and pg_visible_in_snapshot(xid, t.snap) offset 0
    ) late
) o
where t.id between %(first)s and %(last)s and (t.id > %(first)s or o.id > %(part)s){types}
order by t.id, o.id limit %(limit)s"""
_TYPES = (
    " and (o.entity_type = any(%(types)s) or o.kind = any(%(types)s) or split_part(o.kind, '.', 1) = any(%(types)s))"
)


_NOTE = """insert into feed_reader (name, epoch, tick, part, seen_at)
values (%(name)s, %(epoch)s::uuid, %(tick)s, %(part)s, clock_timestamp() at time zone 'UTC')
on conflict (name) do update
set epoch = excluded.epoch, tick = excluded.tick, part = excluded.part, seen_at = excluded.seen_at
where feed_reader.seen_at < excluded.seen_at - interval '1 second' or feed_reader.epoch <> excluded.epoch"""


class Row(NamedTuple):
    """One event as it is stored: the tick it lies in, its id, what it is about, its JSON."""

    tick: int
    id: int
    kind: str
    entity_type: str
    stored: str

    @property
    def body(self) -> str:
        """The JSON as it is told: with its place."""
        return f'{{"id":"{self.id}",{self.stored[1:]}'


@dataclass(frozen=True, slots=True)
class FeedPage:
    """One page: events as stored, `start` and `next` the places it lies between."""

    start: Cursor
    next: Cursor
    rows: tuple[Row, ...]
    up_to_date: bool
    behind: int
    as_of: datetime
    events: int
    """Events ever told up to the tick of `next`, as far as that has begun."""
    events_before: int
    """The same of `start`."""

    @property
    def bodies(self) -> tuple[str, ...]:
        """The events as JSON texts."""
        return tuple(row.body for row in self.rows)

    def document(self) -> dict[str, Any]:
        """The JSON answer, for `shared.kernel.json.dumps`."""
        return {
            "results": [Raw(body) for body in self.bodies],
            "after": str(self.start),
            "next": str(self.next),
            "epoch": self.next.epoch,
            "up_to_date": self.up_to_date,
            "behind": self.behind,
            "events": self.events,
            "events_before": self.events_before,
            "as_of": iso(self.as_of),
        }

    def page(self) -> Page:
        """The page decoded, for a reader in the same process."""
        return decode_page({**self.document(), "results": [loads(body) for body in self.bodies]})


@dataclass(frozen=True, slots=True)
class _Ask:
    """What a reader wants to see."""

    types: list[str] | None
    limit: int
    may: May | None


@dataclass(frozen=True, slots=True)
class _Window:
    """The ticks one statement looks at: first to last, with the bounds of their rows."""

    first: int
    last: int
    low: datetime
    high: datetime
    ends: dict[int, tuple[int, datetime]]
    """tick -> (events up to its end, when it was made), from the tick before the first on."""


class Feed:
    """The feed of one log. Keep one per process and database; threads may share it."""

    def __init__(self, database: Database, ticker: Ticker | None = None) -> None:
        self._database = database
        self._ticker = ticker or Ticker(database)

    def read(
        self,
        after: str | None = None,
        *,
        types: Iterable[str] | None = None,
        limit: int = 500,
        wait: float = 0.0,
        may: May | None = None,
        reader: str | None = None,
    ) -> FeedPage:
        """The events after a place, at most `limit`; waits up to `wait` seconds (at most 30) when there are none.

        after: a cursor, "start" or None (the oldest event kept), "origin" (the first ever), "now" (only what comes).
        types: entity types, kinds, or first words of kinds ("catalog"). may(kind, entity_type): what the reader is
        allowed to see; the rest is left out silently. reader: registers the place as reached, which holds back
        retention. Raises FeedGone when events after the place are no longer kept or the epoch is another one, Invalid
        on a malformed cursor, Unavailable.
        """
        ask = _Ask(None if types is None else sorted(types), min(max(limit, 1), MAX_LIMIT), may)
        deadline = monotonic() + min(max(wait, 0.0), MAX_WAIT)
        as_of = self._refresh()
        with self._database.connect() as connection:
            start = _resolve(connection, after)
            page = _page(connection, start, ask, as_of)
            before = page.events_before
            if reader is not None:
                note_reader(connection, reader, start)
        while not page.rows and monotonic() < deadline:
            page = self._further(page, ask)
        return replace(page, start=start, events_before=before)

    def _further(self, page: FeedPage, ask: _Ask) -> FeedPage:
        """What follows an empty page, after a pause when that was the head."""
        if page.up_to_date:
            time.sleep(LOOK_EVERY)
            now = _utc()
            head = self._ticker.head()
            if head.quiet and head.tick < page.next.tick:
                return replace(page, as_of=now)
        as_of = self._refresh()
        with self._database.connect() as connection:
            return _page(connection, page.next, ask, as_of)

    def _refresh(self) -> datetime:
        """Put everything committed by now into ticks; the instant before which nothing is missing."""
        before = _utc()
        self._ticker.tick()
        return before


def read(
    database: Database,
    after: str | None = None,
    types: Iterable[str] | None = None,
    limit: int = 500,
    wait: float = 0.0,
    *,
    may: May | None = None,
) -> FeedPage:
    """One page without memory, see `Feed.read`; for jobs and tests."""
    return Feed(database).read(after, types=types, limit=limit, wait=wait, may=may)


def note_reader(connection: Connection, name: str, reached: Cursor) -> None:
    """Register how far a reader has come; retention keeps what lies after it. Writes at most once a second."""
    connection.run(_NOTE, {"name": name, "epoch": reached.epoch, "tick": reached.tick, "part": reached.part})


def forget_reader(database: Database, name: str) -> bool:
    """Strike a reader off, so that it holds back retention no longer; whether it was there."""
    with database.connect() as connection:
        return connection.run("delete from feed_reader where name = %s", (name,)) > 0


def _resolve(connection: Connection, after: str | None) -> Cursor:
    epoch, origin = current_epoch(connection)
    if after not in (None, START, ORIGIN, NOW):
        cursor = Cursor.parse(after)
        if cursor.epoch != epoch:
            raise FeedGone("the cursor is of another epoch of this log")
        return cursor
    oldest, newest, _ = _ends(connection)
    if after == ORIGIN and oldest != origin:
        raise FeedGone("the log no longer reaches back to its origin")
    return Cursor(epoch, (newest if after == NOW else oldest) + 1)


def _page(connection: Connection, start: Cursor, ask: _Ask, as_of: datetime) -> FeedPage:
    """One page from `start`. Whether all of it was still there is checked last: retention drops ticks before rows."""
    window = _window(connection, start, ask)
    rows = _rows(connection, window, start, ask) if window else []
    oldest, newest, total = _ends(connection)
    if not oldest < start.tick <= newest + 1:
        raise FeedGone("the cursor's place is not, or no longer, in this log")
    after = start if window is None else _after(rows, window, start.epoch, ask.limit)
    counted, made = window.ends[after.tick - 1] if window else (total, as_of)
    up_to_date = after.tick > newest
    return FeedPage(
        start=start,
        next=after,
        rows=tuple(one for one in rows[: ask.limit] if ask.may is None or ask.may(one.kind, one.entity_type)),
        up_to_date=up_to_date,
        behind=max(0, total - counted),
        as_of=as_of if up_to_date else made,
        events=counted,
        events_before=window.ends[start.tick - 1][0] if window else total,
    )


def _window(connection: Connection, start: Cursor, ask: _Ask) -> _Window | None:
    """The ticks to look at: enough to fill the page, more when a filter leaves events out. None at the head."""
    ticks = connection.rows(_WINDOW, (start.tick - 1, MAX_TICKS + 1), prepare=True)
    if len(ticks) < 2 or ticks[0][0] != start.tick - 1:
        return None
    enough = ticks[0][1] + (ask.limit if ask.types is None else max(ask.limit, MAX_SCANNED))
    count = next((place for place, one in enumerate(ticks) if place and one[1] >= enough), len(ticks) - 1)
    used = ticks[: count + 1]
    low, high = bounds([one[2] for one in used], used[0][3])
    ends = {number: (total, at.replace(tzinfo=UTC)) for number, total, at, _ in used}
    return _Window(start.tick, used[-1][0], low, high, ends)


def _rows(connection: Connection, window: _Window, start: Cursor, ask: _Ask) -> list[Row]:
    """One row more than the limit, which tells where the next page begins."""
    params: dict[str, Any] = {"first": window.first, "last": window.last, "low": window.low, "high": window.high}
    params |= {"part": start.part, "limit": ask.limit + 1}
    if ask.types is None:
        found = connection.rows(_ROWS.format(types=""), params)
    else:
        found = connection.rows(_ROWS.format(types=_TYPES), {**params, "types": ask.types})
    return [Row(*one) for one in found]


def _after(rows: Sequence[Row], window: _Window, epoch: str, limit: int) -> Cursor:
    if len(rows) <= limit:
        return Cursor(epoch, window.last + 1)
    last, extra = rows[limit - 1], rows[limit]
    return Cursor(epoch, last.tick, last.id) if last.tick == extra.tick else Cursor(epoch, extra.tick)


def _ends(connection: Connection) -> tuple[int, int, int]:
    """The oldest tick kept, the newest, and the number of events up to it."""
    row = connection.row(_BEHIND, prepare=True)
    assert row is not None
    return row[0], row[1], row[2]


def _utc() -> datetime:
    return datetime.now(UTC)
