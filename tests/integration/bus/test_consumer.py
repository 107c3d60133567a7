"""A consumer applies each event exactly once, whatever happens in between."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

import pytest

from shared.bus.client import DirectSource
from shared.bus.consumer import apply, passed, pull_once, watermark
from shared.bus.cursor import FeedGone
from shared.bus.epoch import renew_epoch
from shared.bus.feed import Feed
from shared.bus.following import run_consumer
from shared.bus.state import FAILING, FOLLOWING, GONE, states
from tests.integration.bus.conftest import event, following, note, seen, write


@pytest.fixture
def source(database):
    """The feed of the source's database."""
    return DirectSource({"contacts": Feed(database)})


def test_pages_are_applied_once_and_remembered(database, here, source):
    subscription = following(limit=2)
    write(database, event(1), event(2), event(3))
    assert pull_once(here, source, subscription) == 2
    assert pull_once(here, source, subscription) == 1
    assert pull_once(here, source, subscription) == 0
    assert seen(here) == [1, 2, 3]


def test_a_crash_between_handler_and_commit_repeats_the_page(database, here, source):
    def crash(connection, events):
        note(connection, events)
        raise RuntimeError("crash")

    write(database, event(1), event(2))
    with pytest.raises(RuntimeError):
        pull_once(here, source, following(handler=crash))
    assert seen(here) == []
    assert pull_once(here, source, following()) == 2
    assert seen(here) == [1, 2]


def test_a_crash_in_the_middle_of_the_log_keeps_the_watermark(database, here, source):
    write(database, event(1))
    pull_once(here, source, following())
    with here.connect() as connection:
        before = watermark(connection, "test.contacts")
    write(database, event(2))

    def crash(connection, events):
        raise RuntimeError("crash")

    with pytest.raises(RuntimeError):
        pull_once(here, source, following(handler=crash))
    with here.connect() as connection:
        assert watermark(connection, "test.contacts") == before
    pull_once(here, source, following())
    assert seen(here) == [1, 2]


def test_duplicates_and_pages_out_of_turn_are_dropped(database, here, source):
    subscription, feed = following(), Feed(database)
    write(database, event(1))
    first = feed.read("origin").page()
    write(database, event(2))
    second = feed.read(str(first.next)).page()
    assert apply(here, subscription, first, first=True)
    assert not apply(here, subscription, first)
    assert not apply(here, subscription, first, first=True)
    write(database, event(3))
    third = feed.read(str(second.next)).page()
    assert not apply(here, subscription, third)
    assert apply(here, subscription, second)
    assert apply(here, subscription, third)
    assert seen(here) == [1, 2, 3]


def test_consumers_in_competition_apply_once(database, here, source):
    for number in range(1, 201):
        write(database, event(number))
    subscription, errors = following(limit=7), []

    def follow():
        try:
            deadline = time.monotonic() + 60
            while len(seen(here)) < 200 and time.monotonic() < deadline:
                pull_once(here, source, subscription)
        except Exception as error:  # noqa: BLE001 (handed to the test)
            errors.append(error)

    threads = [threading.Thread(target=follow) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert seen(here) == list(range(1, 201))


def test_types_and_beginnings(database, here, source):
    write(database, event(1), event(2, entity_type="deal"))
    assert pull_once(here, source, following(name="test.deals", types=frozenset({"deal"}))) == 1
    assert pull_once(here, source, following(name="test.later", begin="now")) == 0
    write(database, event(3))
    assert pull_once(here, source, following(name="test.later", begin="now")) == 1
    assert pull_once(here, source, following(name="test.deals", types=frozenset({"deal"}))) == 0
    assert seen(here) == [2, 3]


def test_a_lost_log_without_a_way_back_is_reported(database, here, source):
    pull_once(here, source, following())
    with database.connect() as connection:
        renew_epoch(connection)
    with pytest.raises(FeedGone):
        pull_once(here, source, following())


def test_a_lost_log_is_rebuilt_and_followed_on(database, here, source):
    write(database, event(1))
    pull_once(here, source, following())
    with database.connect() as connection:
        renew_epoch(connection)
    rebuilt = []

    def rebuild(target):
        rebuilt.append(target)
        write(database, event(2))

    subscription = following(rebuild=rebuild)
    for _ in range(3):
        pull_once(here, source, subscription)
    assert rebuilt == [here]
    assert seen(here) == [1, 2]


def test_as_of_moves_without_events(database, here, source):
    with here.connect() as connection:
        assert passed(connection, "test.contacts") is None
    before = datetime.now(UTC)
    pull_once(here, source, following())
    with here.connect() as connection:
        assert passed(connection, "test.contacts") >= before.replace(microsecond=0)
    instant = datetime.now(UTC)
    pull_once(here, source, following())
    with here.connect() as connection:
        assert passed(connection, "test.contacts") >= instant.replace(microsecond=0)


def test_readers_are_registered_where_they_read(database, here, source):
    write(database, event(1))
    pull_once(here, source, following())
    with database.connect() as connection:
        assert connection.rows("select name from feed_reader") == [("test.contacts",)]


def wait_for(condition) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def state_of(database):
    with database.connect() as connection:
        return {one.subscription: one for one in states(connection)}.get("test.contacts")


def test_the_loop_outlives_failures_and_tells(database, here, source):
    broken, stop = threading.Event(), threading.Event()
    broken.set()

    def sometimes(connection, events):
        if broken.is_set():
            raise ValueError("secret@example.org")
        note(connection, events)

    write(database, event(1))
    loop = threading.Thread(target=run_consumer, args=(here, source, following(handler=sometimes), stop, 0.2))
    loop.start()
    try:
        wait_for(lambda: (state := state_of(here)) is not None and state.state == FAILING)
        assert state_of(here).error == "ValueError"
        broken.clear()
        wait_for(lambda: seen(here) == [1])
        wait_for(lambda: state_of(here).state == FOLLOWING)
        assert state_of(here).error is None
        with database.connect() as connection:
            renew_epoch(connection)
        wait_for(lambda: state_of(here).state == GONE)
    finally:
        stop.set()
        loop.join()
