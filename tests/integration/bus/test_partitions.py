"""Partitions come and go beside open writers; nobody waits, nothing unread is lost."""

from __future__ import annotations

import threading
import time
from datetime import date, timedelta

import psycopg
import pytest

from shared.bus import schema
from shared.bus.cursor import FeedGone
from shared.bus.feed import Feed, forget_reader
from shared.bus.retention import drop_old_partitions
from shared.bus.schema import OUTBOX, days_ahead, ensure_partitions
from shared.bus.ticks import tick
from shared.kernel.db import Database
from shared.kernel.partitions import PartitionedBy, is_missing_partition, utc_day
from tests.integration.bus.conftest import event, keys, walk, write


@pytest.fixture
def log(make_database) -> Database:
    """A database of its own: these tests change its tables."""
    return make_database()


def today(database: Database) -> date:
    with database.connect() as connection:
        return utc_day(connection)


def names(database: Database) -> list[str]:
    with database.connect() as connection:
        return [one.name for one in OUTBOX.listed(connection)]


@pytest.mark.parametrize(
    ("period", "day", "name", "following"),
    [
        ("day", date(2026, 2, 28), "x_20260228", date(2026, 3, 1)),
        ("day", date(2026, 12, 31), "x_20261231", date(2027, 1, 1)),
        ("month", date(2026, 1, 31), "x_202601", date(2026, 2, 1)),
        ("month", date(2026, 12, 9), "x_202612", date(2027, 1, 1)),
    ],
)
def test_names_and_ends_of_periods(period, day, name, following):
    cut = PartitionedBy("x", period, 3, "x")
    start = cut.start_of(day)
    assert cut.name(start) == name
    assert cut.following(start) == following


def test_a_month_is_kept_ready(log):
    day = today(log)
    assert names(log) == [OUTBOX.name(day + timedelta(days=shift)) for shift in range(-1, 31)]
    with log.connect() as connection:
        assert days_ahead(connection) == 30
        assert days_ahead(connection, day + timedelta(days=25)) == 5
        assert days_ahead(connection, day + timedelta(days=31)) == -1
        assert ensure_partitions(connection) == []
        assert ensure_partitions(connection, day + timedelta(days=1)) == [OUTBOX.name(day + timedelta(days=31))]


def test_by_month(log):
    with log.connect() as connection:
        connection.run("create table past (at timestamp not null, x int) partition by range (at)")
        months = PartitionedBy("past", "month", 3, "past")
        made = months.ensure(connection, date(2026, 11, 15))
        assert made == ["past_202610", "past_202611", "past_202612", "past_202701", "past_202702"]
        assert months.periods_ahead(connection, date(2026, 11, 30)) == 3
        connection.run("insert into past values ('2026-12-31 23:59:59.999', 1), ('2027-01-01', 2)")
        assert connection.row("select x from past_202612") == (1,)
        assert connection.row("select x from past_202701") == (2,)


def test_made_beside_an_open_writer(log):
    with log.transaction() as writer, log.connect() as maker:
        write(writer, event(1))
        maker.run("set lock_timeout = '2s'")
        assert ensure_partitions(maker, today(log) + timedelta(days=2)) != []
        with pytest.raises(psycopg.errors.LockNotAvailable):
            maker.run("create table late partition of outbox for values from ('2099-01-01') to ('2099-01-02')")
        maker.run("reset lock_timeout")
    assert keys(walk(Feed(log))[0]) == [(1, 1)]


def test_made_by_several_at_once(log):
    day, errors = today(log) + timedelta(days=20), []

    def make() -> None:
        try:
            with log.connect() as connection:
                ensure_partitions(connection, day)
        except Exception as error:  # noqa: BLE001 (handed to the test)
            errors.append(error)

    threads = [threading.Thread(target=make) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with log.connect() as connection:
        assert days_ahead(connection, day) == 30


def test_a_write_that_meets_a_missing_partition_makes_it_and_tries_again(log):
    with log.connect() as connection:
        for one in OUTBOX.listed(connection):
            connection.run(f"drop table {one.name}")
        assert days_ahead(connection) == -1
    with pytest.raises(psycopg.errors.CheckViolation) as caught:
        write(log, event(1))
    assert is_missing_partition(caught.value)
    with log.connect() as connection:
        ensure_partitions(connection)
    write(log, event(1))
    assert keys(walk(Feed(log))[0]) == [(1, 1)]


def test_other_violations_are_no_missing_partition(log):
    with log.connect() as connection:
        connection.run("create table checked (x int check (x > 0))")
        with pytest.raises(psycopg.errors.CheckViolation) as caught:
            connection.run("insert into checked values (0)")
    assert not is_missing_partition(caught.value)
    assert not is_missing_partition(ValueError())


def test_the_past_goes(log):
    write(log, event(1))
    tick(log)
    old = names(log)
    day = today(log)
    gone = drop_old_partitions(log, today=day + timedelta(days=9))
    assert gone == old[:3]
    assert names(log) == old[3:]
    assert drop_old_partitions(log, today=day + timedelta(days=9)) == []
    with log.connect() as connection:
        ensure_partitions(connection, day)
    write(log, event(2))
    assert keys(walk(Feed(log))[0]) == [(2, 1)]


def test_a_reader_that_came_too_late_is_told(log):
    feed = Feed(log)
    beginning = str(feed.read().next)
    write(log, event(1))
    tick(log)
    assert drop_old_partitions(log, today=today(log) + timedelta(days=9)) != []
    with pytest.raises(FeedGone):
        feed.read(beginning)
    with pytest.raises(FeedGone):
        feed.read("origin")
    assert feed.read("start").up_to_date


def test_nothing_goes_in_front_of_a_registered_reader(log):
    feed = Feed(log)
    beginning = str(feed.read(reader="slow").next)
    write(log, event(1))
    tick(log)
    day = today(log)
    gone = drop_old_partitions(log, today=day + timedelta(days=9))
    assert OUTBOX.name(day) not in gone
    assert OUTBOX.name(day) in names(log)
    assert keys(feed.read(beginning, reader="slow").page().events) == [(1, 1)]
    assert forget_reader(log, "slow")
    assert not forget_reader(log, "slow")
    assert OUTBOX.name(day) in drop_old_partitions(log, today=day + timedelta(days=9))


def test_what_was_never_ticked_does_not_go(log):
    write(log, event(1))
    with log.transaction() as writer:
        write(writer, event(2))
        tick(log)
    day = today(log)
    assert OUTBOX.name(day) not in drop_old_partitions(log, today=day + timedelta(days=9))
    assert (2, 1) in keys(walk(Feed(log))[0])


def test_dropping_waits_for_writers_and_holds_up_none(log):
    write(log, event(1))
    tick(log)
    dropped: list[str] = []
    day = today(log) + timedelta(days=9)
    with log.transaction() as writer:
        writer.run(
            "insert into outbox (at, kind, entity_type, version, body) values (%s, 'x', '', 1, '{\"v\": 1}')",
            (day + timedelta(days=1),),
        )
        dropping = threading.Thread(target=lambda: dropped.extend(drop_old_partitions(log, today=day)))
        dropping.start()
        deadline = time.monotonic() + 120
        while not _detaching(log):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        with log.transaction() as other:
            other.run("set local lock_timeout = '60s'")
            other.run(
                "insert into outbox (at, kind, entity_type, version, body) values (%s, 'x', '', 1, '{\"v\": 1}')",
                (day + timedelta(days=1),),
            )
        assert dropping.is_alive()
    dropping.join(120)
    assert not dropping.is_alive()
    assert len(dropped) == 3


def test_a_detach_that_was_broken_off_is_finished(log):
    write(log, event(1))
    tick(log)
    day = today(log)
    with log.transaction() as writer:
        write(writer, event(2))
        with log.connect() as connection:
            connection.run("set statement_timeout = '300ms'")
            with pytest.raises(psycopg.errors.QueryCanceled):
                connection.run(
                    f"alter table outbox detach partition {OUTBOX.name(day - timedelta(days=1))} concurrently"
                )
            connection.run("reset statement_timeout")
    with log.connect() as connection:
        assert [one.leaving for one in OUTBOX.listed(connection)][:2] == [True, False]
        connection.run("create table outbox_20200101 (like outbox)")
        connection.run("create table outbox_20200101_notes (x int)")
    gone = drop_old_partitions(log, today=day + timedelta(days=7))
    assert gone == [OUTBOX.name(day - timedelta(days=1)), "outbox_20200101"]
    with log.connect() as connection:
        assert connection.row("select to_regclass('outbox_20200101_notes')") != (None,)


def test_statements_go_both_ways(log):
    with log.transaction() as connection:
        for statement in schema.drop_statements() + schema.create_statements():
            assert "%" not in statement
            connection.run(statement)


def _detaching(database: Database) -> bool:
    with database.connect() as connection:
        return any(one.leaving for one in OUTBOX.listed(connection))
