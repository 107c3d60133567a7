"""Following another service's feed: pull a page, apply it exactly once, remember how far.

The page's effects and the watermark move in ONE transaction, under the watermark's row lock, and only if the page
begins where the watermark stands: a crash repeats the page, a duplicate or a second consumer is dropped. Handlers
therefore write to this database only, through the connection they are given, and neither commit nor call out.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from shared.bus.client import Source
from shared.bus.cursor import Cursor, FeedGone
from shared.bus.dead_letters import Handler, Renew, apply_around, isolate
from shared.bus.feed import NOW
from shared.bus.page import Page
from shared.kernel.db import Connection, Database
from shared.kernel.telemetry import logger

_READ = "select epoch::text, tick, part, parked from watermark where subscription = %s"
# The account: `taken` events came since the place where this began, `told` of them the source had told by then.
_MOVE = """update watermark set tick = %(tick)s, part = %(part)s, as_of = %(as_of)s, taken = taken + %(events)s,
    told = case when %(part)s = 0 then %(told)s - begun else told end,
    settled = case when %(part)s = 0 then taken + %(events)s else settled end
where subscription = %(subscription)s"""
_FIRST = """insert into watermark (subscription, source, epoch, tick, part, as_of, begun)
values (%(subscription)s, %(source)s, %(epoch)s::uuid, %(tick)s, %(part)s, %(as_of)s, %(told)s)
on conflict (subscription) """
_ELSE_KEEP = "do nothing"
_ELSE_SET = """do update set epoch = excluded.epoch, tick = excluded.tick, part = excluded.part, as_of = excluded.as_of,
    begun = excluded.begun, taken = 0, told = 0, settled = 0,
    skipped = 0"""

LONG = 100
"""Events that make a page a long one."""
LONGEST_TURN = 1.0
_LONG_PAGES = threading.Lock()
_log = logger("bus.consumer")


@dataclass(frozen=True, slots=True)
class Subscription:
    """What is followed and what it does.

    name: `<service>.<purpose>`, unique among all readers of the source. types: entity types, kinds or first words of
    kinds; None is everything. begin: "origin" insists on the whole log, "start" takes what is kept, "now" what comes.
    rebuild: brings this side's copy up to the source's present state when the log cannot (begun too late, retention,
    restore); events since then follow, so that handlers must let an older version pass without effect.
    renew: takes over one entity from the source, for who keeps versions: behind an event that was given up, nothing of
    that entity would fit any more.
    applied: told, after each page, the instant before which everything the source committed is applied.
    """

    name: str
    source: str
    handler: Handler
    types: frozenset[str] | None = None
    begin: Literal["origin", "start", "now"] = "origin"
    rebuild: Callable[[Database], None] | None = None
    renew: Renew | None = None
    applied: Callable[[datetime], None] | None = None
    limit: int = 500


@dataclass(frozen=True, slots=True)
class Pulled:
    """What one pull came to; `behind`: at most so many events are left; `reached`: None when another was faster."""

    applied: int
    behind: int
    reached: Cursor | None


def pull_once(database: Database, source: Source, subscription: Subscription, wait: float = 0.0) -> int:
    """Fetch and apply one page; the number of events applied (0 also when another consumer was faster).

    Raises FeedGone when the log is lost and there is no `rebuild`, Unavailable, and whatever the handler raises.
    """
    return pull(database, source, subscription, wait).applied


def pull(
    database: Database, source: Source, subscription: Subscription, wait: float = 0.0, *, one_by_one: bool = False
) -> Pulled:
    """`pull_once`, telling also how far behind this leaves us."""
    with database.connect() as connection:
        reached = watermark(connection, subscription.name)
    after = subscription.begin if reached is None else str(reached)
    try:
        page = _fetch(source, subscription, after, wait)
    except FeedGone:
        if subscription.rebuild is None:
            raise
        page = _rebuild(database, source, subscription)
    done = apply(database, subscription, page, first=reached is None, one_by_one=one_by_one)
    return Pulled(len(page.events) if done else 0, page.behind, page.next if done else None)


def apply(
    database: Database, subscription: Subscription, page: Page, *, first: bool = False, one_by_one: bool = False
) -> bool:
    """Apply a page if it begins at the watermark, in one transaction; whether it did.

    first: with no watermark yet, the page's beginning is taken for one. one_by_one: events that fail are put aside as
    dead letters. False otherwise means: applied before, or something in between is missing; pull from the watermark.
    """
    name, handler = subscription.name, subscription.handler
    with _turn(len(page.events)), database.transaction() as connection:
        if first:
            first_values = _values(subscription, page.start, page.as_of, page.events_before)
            connection.run(_FIRST + _ELSE_KEEP, first_values)
        row = connection.row(_READ + " for update", (name,), prepare=True)
        if row is None or Cursor(*row[:3]) != page.start:
            return False
        if one_by_one:
            isolate(connection, name, handler, page.events)
        elif page.events and row[3]:
            apply_around(connection, name, handler, page.events)
        elif page.events:
            handler(connection, page.events)
        moved = _values(subscription, page.next, page.as_of, page.events_told)
        connection.run(_MOVE, {**moved, "events": len(page.events)}, prepare=True)
    if subscription.applied is not None:
        subscription.applied(page.as_of)
    return True


@contextmanager
def _turn(events: int) -> Iterator[None]:
    """One long page at a time in this process: side by side they would keep one another, and whoever waits for an
    answer, from the processors. Nobody waits long for somebody who hangs."""
    mine = events >= LONG and _LONG_PAGES.acquire(timeout=LONGEST_TURN)
    try:
        yield
    finally:
        if mine:
            _LONG_PAGES.release()


def watermark(connection: Connection, subscription: str) -> Cursor | None:
    """How far a subscription has come, None before its first page."""
    row = connection.row(_READ, (subscription,), prepare=True)
    return None if row is None else Cursor(*row[:3])


def passed(connection: Connection, subscription: str) -> datetime | None:
    """The instant before which everything the source committed has been applied here, None before the first page."""
    row = connection.row("select as_of from watermark where subscription = %s", (subscription,), prepare=True)
    return None if row is None else row[0].replace(tzinfo=UTC)


def _fetch(source: Source, subscription: Subscription, after: str, wait: float) -> Page:
    return source.fetch(
        subscription.source,
        after,
        types=subscription.types,
        limit=subscription.limit,
        wait=wait,
        reader=subscription.name,
    )


def _rebuild(database: Database, source: Source, subscription: Subscription) -> Page:
    """Note the head, take over the present state, stand at that head: what was written meanwhile comes again."""
    assert subscription.rebuild is not None
    _log.warning("rebuilding", subscription=subscription.name)
    head = _fetch(source, subscription, NOW, 0.0)
    subscription.rebuild(database)
    with database.transaction() as connection:
        connection.run(_FIRST + _ELSE_SET, _values(subscription, head.start, head.as_of, head.events_before))
    return head


def _values(subscription: Subscription, reached: Cursor, as_of: datetime, told: int) -> dict[str, object]:
    return {
        "subscription": subscription.name,
        "source": subscription.source,
        "epoch": reached.epoch,
        "tick": reached.tick,
        "part": reached.part,
        "as_of": as_of.astimezone(UTC).replace(tzinfo=None),
        "told": told,
    }
