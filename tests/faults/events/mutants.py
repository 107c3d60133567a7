"""The guards of the event path, each taken away. Whoever runs with one of these must be caught being wrong.

Each mutant is handed a way to set attributes: `setattr` in a process of its own, a monkeypatch in a test.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from shared.bus import consumer, feed, following, ticks
from shared.bus.consumer import Subscription
from shared.bus.page import Page
from shared.kernel.db import Database
from shared.service.replica import fold
from shared.service.replica.facts import Step, advance, new_fact

Set = Callable[[Any, str, Any], None]
_HORIZON = "pg_snapshot_xmin(pg_current_snapshot())"


def no_chain_check(put: Set) -> None:
    """A page is applied wherever the watermark stands."""

    def apply(database: Database, subscription: Subscription, page: Page, **more: Any) -> bool:
        return _unchained(database, subscription, page, together=True, **more)

    put(consumer, "apply", apply)
    put(following, "apply", apply)


def no_chain_check_of_messages(put: Set) -> None:
    """The follower takes every message for the next one, and says so to `apply`."""

    def take(self: following.Follower, page: Page) -> bool:
        if self._reached is None:
            return False
        _unchained(self.database, self.subscription, page, together=True)
        self._succeeded(page.next, page.behind)
        return True

    put(following.Follower, "take", take)


def watermark_moved_before(put: Set) -> None:
    """The watermark moves in a transaction of its own, before the effects."""

    def apply(database: Database, subscription: Subscription, page: Page, **more: Any) -> bool:
        return _unchained(database, subscription, page, together=False, chained=True, **more)

    put(consumer, "apply", apply)
    put(following, "apply", apply)


def _unchained(
    database: Database,
    subscription: Subscription,
    page: Page,
    *,
    together: bool,
    chained: bool = False,
    first: bool = False,
    one_by_one: bool = False,
) -> bool:
    """`consumer.apply` without its comparison, or without its one transaction."""
    name = subscription.name
    values = consumer._values(subscription, page.next, page.as_of, page.events_told) | {"events": len(page.events)}
    with database.transaction() as connection:
        if first:
            told = consumer._values(subscription, page.start, page.as_of, page.events_before)
            connection.run(consumer._FIRST + consumer._ELSE_KEEP, told)
        row = connection.row(consumer._READ + " for update", (name,))
        if row is None or (chained and consumer.Cursor(*row[:3]) != page.start):
            return False
        if together and page.events:
            _handled(connection, subscription, page, one_by_one)
        connection.run(consumer._MOVE, values)
    if not together and page.events:
        with database.transaction() as connection:
            _handled(connection, subscription, page, one_by_one)
    return True


def _handled(connection: Any, subscription: Subscription, page: Page, one_by_one: bool) -> None:
    if one_by_one:
        consumer.isolate(connection, subscription.name, subscription.handler, page.events)
    else:
        subscription.handler(connection, page.events)


def no_version_guard(put: Set) -> None:
    """The replica folds every event in, whatever version it has."""

    def folded(types: Any, facts: Any, event: Any) -> Any:
        key = fold._key(types, event)
        fact = facts.get(key)
        if fact is None:
            fact = facts[key] = new_fact()
        step = Step(key[1], event.version, event.kind, event.at, event.effective_at or event.at, event.changed)
        return advance(types.by_no[key[0]], fact, step)

    put(fold, "_folded", folded)


def ticks_without_snapshots(put: Set) -> None:
    """A batch is a range of transaction ids: whoever commits late is not in it, and in no other."""
    rows = feed._ROWS
    visible, late = "and pg_visible_in_snapshot(xid, t.snap)\n", rows.index("    union all")
    end = rows.index(") o\nwhere")
    put(feed, "_ROWS", rows[:late].replace(visible.strip(), "") + rows[end:])


def order_by_transaction(put: Set) -> None:
    """Inside a tick events come in the order of transaction ids."""
    rows = feed._ROWS.replace(
        "select id, kind, entity_type, body from outbox", "select xid, id, kind, entity_type, body from outbox"
    )
    rows = rows.replace(
        "select id, kind, entity_type, body from pg_snapshot_xip",
        "select xid, id, kind, entity_type, body from pg_snapshot_xip",
    )
    put(feed, "_ROWS", rows.replace("order by t.id, o.id", "order by t.id, o.xid, o.id"))


def horizon(put: Set) -> None:
    """A tick sees what is older than the oldest running transaction of the whole cluster. Safe; and it stands still."""
    seen = ticks.NEWS.replace("select 1", "select xid")
    news = f"select count(*) as n from (select * from ({seen}) seen where xid < {_HORIZON}) as rows"
    insert = ticks._INSERT.replace(f"select count(*) as n from ({ticks.NEWS}) as rows", news)
    made = f"({_HORIZON}::text || ':' || {_HORIZON}::text || ':')::pg_snapshot"
    put(ticks, "_INSERT", insert.replace("select %(id)s, pg_current_snapshot(), n", f"select %(id)s, {made}, n"))


MUTANTS: Mapping[str, Callable[[Set], None]] = {
    "chain": no_chain_check,
    "messages": no_chain_check_of_messages,
    "watermark": watermark_moved_before,
    "version": no_version_guard,
    "snapshots": ticks_without_snapshots,
    "order": order_by_transaction,
    "horizon": horizon,
}
