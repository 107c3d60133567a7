"""Nothing committed is missed, nothing comes twice, and an entity's versions come in order."""

from __future__ import annotations

import random
import threading
import time
from contextlib import ExitStack

import psycopg
import pytest

from shared.bus import outbox
from shared.bus.feed import Feed
from shared.bus.ticks import Ticker, run_ticker, tick
from shared.contracts.event import encode
from shared.kernel.db import Database
from tests.integration.bus.conftest import event, keys, walk, write


class RememberedId:
    """The reader that everybody writes first: it remembers the highest id it has seen."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.highest = 0
        self.seen: list[int] = []

    def read(self) -> None:
        with self.database.connect() as connection:
            rows = connection.rows("select id, entity_id from outbox where id > %s order by id", (self.highest,))
        self.seen += [entity_id for _, entity_id in rows]
        self.highest = max([self.highest, *(number for number, _ in rows)])


def test_a_transaction_that_commits_late_is_not_missed(database):
    feed, naive = Feed(database), RememberedId(database)
    with database.connect() as slow, slow.transaction():
        write(slow, event(1))
        write(database, event(2))
        naive.read()
        first, after = walk(feed)
    naive.read()
    second, _ = walk(feed, after)
    assert keys(first) == [(2, 1)]
    assert keys(second) == [(1, 1)]
    assert naive.seen == [2], "a remembered id was expected to miss event 1: the test has no teeth"


def test_versions_come_in_order_although_transaction_ids_do_not(database):
    with database.connect() as late, late.transaction():
        late.row("select pg_current_xact_id()")
        write(database, event(1, version=1))
        write(late, event(1, version=2))
    with database.connect() as connection:
        by_transaction = connection.rows("select version from outbox order by xid, id")
    assert by_transaction == [(2,), (1,)], "the inversion was not forced: the test has no teeth"
    events, _ = walk(Feed(database))
    assert keys(events) == [(1, 1), (1, 2)]


def test_an_open_transaction_delays_only_its_own_events(database, make_database):
    other = make_database()
    feed = Feed(database)
    with ExitStack() as stack:
        here = stack.enter_context(database.transaction())
        elsewhere = stack.enter_context(other.transaction())
        write(here, event(100))
        write(elsewhere, event(100))
        after = None
        for number in range(1, 6):
            write(database, event(number))
            events, after = walk(feed, after)
            assert keys(events) == [(number, 1)]
        assert tick(database) is None
    events, _ = walk(feed, after)
    assert keys(events) == [(100, 1)]


def test_events_of_one_statement_keep_their_order(database):
    numbers = random.sample(range(1, 2000), 1200)
    write(database, *(event(number) for number in numbers))
    events, _ = walk(Feed(database), limit=77)
    assert [one.entity_id for one in events] == numbers
    assert [one.id for one in events] == sorted(one.id for one in events)


def test_nothing_is_written_when_the_transaction_fails(database):
    def fail():
        with database.transaction() as connection:
            write(connection, event(1))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert tick(database) is None
    assert walk(Feed(database))[0] == []


def test_no_tick_without_news(database):
    ticker = Ticker(database)
    assert ticker.tick() is None
    write(database, event(1))
    number = ticker.tick()
    assert number is not None
    assert ticker.head().quiet
    assert ticker.tick() is None
    write(database, event(2))
    assert ticker.tick() == number + 1


def becomes_quiet(ticker: Ticker) -> bool:
    """Transactions of other databases of the server look like news until a tick says otherwise."""
    for _ in range(1000):
        if ticker.head().quiet:
            return True
        ticker.tick()
    return False


def test_the_cheap_look_is_quiet_but_not_blind(database):
    ticker = Ticker(database)
    with database.connect() as slow, slow.transaction():
        write(slow, event(1))
        ticker.tick()
        assert becomes_quiet(ticker)
        write(database, event(2))
        assert not ticker.head().quiet
        assert ticker.tick() is not None
        assert becomes_quiet(ticker)
    assert not ticker.head().quiet
    assert ticker.tick() is not None


def test_eight_writers_with_savepoints_and_rollbacks(database):
    """Readers of every kind run beside the writers; what was committed is known from the writers themselves."""
    stop, committed, lock = threading.Event(), set(), threading.Lock()
    feed, naive = Feed(database), RememberedId(database)

    def writer(seed: int) -> None:
        chance = random.Random(seed)
        for turn in range(40):
            mine, number = [], seed * 100_000 + turn * 100
            try:
                with database.transaction() as connection:
                    for step in range(chance.randint(1, 4)):
                        try:
                            with connection.transaction():
                                write(connection, *(event(number + step * 10 + part) for part in range(3)))
                                time.sleep(chance.random() * 0.004)
                                if chance.random() < 0.2:
                                    raise LookupError
                                mine += [number + step * 10 + part for part in range(3)]
                        except LookupError:
                            continue
                    if chance.random() < 0.2:
                        raise KeyError
            except KeyError:
                continue
            with lock:
                committed.update(mine)

    threads = [threading.Thread(target=writer, args=(seed,)) for seed in range(1, 9)]
    ticking = threading.Thread(target=run_ticker, args=(Ticker(database), stop, 0.005))
    for thread in (ticking, *threads):
        thread.start()
    seen, after = [], None
    while any(thread.is_alive() for thread in threads):
        page = feed.read(after, limit=random.randint(1, 50))
        seen += page.page().events
        after = str(page.next)
        naive.read()
    for thread in threads:
        thread.join()
    seen += walk(feed, after)[0]
    naive.read()
    stop.set()
    ticking.join()
    delivered = [one.entity_id for one in seen]
    assert len(delivered) == len(set(delivered)), "something came twice"
    assert set(delivered) == committed
    assert keys(walk(feed, limit=1000)[0]) == keys(seen), "a second walk differs from the first"
    assert set(naive.seen) < committed, "a remembered id was expected to miss some: the test has no teeth"


def test_the_ticker_outlives_a_lost_connection(database):
    stop = threading.Event()
    ticking = threading.Thread(target=run_ticker, args=(Ticker(database), stop, 0.005))
    ticking.start()
    try:
        with psycopg.connect(database.url, autocommit=True) as admin:
            admin.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()"
                " and datname = current_database() and query like '%%from outbox_id%%'"
            )
            admin.execute("insert into outbox (kind, entity_type, version, body) values ('x', '', 1, '{\"v\": 1}')")
            deadline = time.monotonic() + 120
            while admin.execute("select max(id) > (select origin from feed_epoch) from tick").fetchone() != (True,):
                assert time.monotonic() < deadline
                time.sleep(0.02)
    finally:
        stop.set()
        ticking.join()


def test_events_that_are_copied_are_as_those_that_are_appended(database):
    told = [event(n, version=n, changed={"1": (None, 'a\tb\n\\N "ü" \r')}) for n in range(1, 600)]
    write(database, *told)
    with database.transaction() as connection:
        outbox.copy(connection, ((one.kind, "contact", one.entity_id, one.version, encode(one)) for one in told))
    with database.connect() as connection:
        rows = connection.rows(
            "select kind, entity_type, entity_id, version, body from outbox order by id desc limit 1198"
        )
    assert rows[:599] == rows[599:]
    assert [row[2] for row in rows[:599]] == list(range(599, 0, -1))
