"""A consumer applies each event exactly once, whatever happens in between."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime

import httpx
import pytest

from shared.bus.client import DirectSource, HttpSource
from shared.bus.consumer import Subscription, apply, passed, pull_once, run_consumer, watermark
from shared.bus.cursor import FeedGone
from shared.bus.epoch import renew_epoch
from shared.bus.feed import Feed
from shared.bus.state import FAILING, FOLLOWING, GONE, states
from shared.kernel.errors import Unavailable
from shared.kernel.json import dumps
from tests.integration.bus.conftest import event, write


@pytest.fixture(scope="module")
def _consuming(make_database):
    database = make_database()
    with database.connect() as connection:
        connection.run("create table seen (place bigint, entity_id bigint)")
    return database


@pytest.fixture
def here(_consuming):
    """The consumer's database: `seen` has one row for each application of an event."""
    with _consuming.connect() as connection:
        connection.run("truncate seen, watermark, consumer_state")
    return _consuming


@pytest.fixture
def source(database):
    """The feed of the source's database."""
    return DirectSource({"contacts": Feed(database)})


def note(connection, events):
    """A handler that shows how often it was applied."""
    for one in events:
        connection.run("insert into seen values (%s, %s)", (one.id, one.entity_id))


def seen(database):
    with database.connect() as connection:
        return [entity_id for (entity_id,) in connection.rows("select entity_id from seen order by place")]


def following(**more) -> Subscription:
    return Subscription(**{"name": "test.contacts", "source": "contacts", "handler": note, **more})


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


class Door:
    """The feed's HTTP door, without HTTP."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        query = dict(request.url.params)
        types = query["types"].split(",") if "types" in query else None
        try:
            page = self.feed.read(
                query["after"],
                types=types,
                limit=int(query["limit"]),
                wait=float(query["wait"]),
                reader=query["reader"],
            )
        except FeedGone as gone:
            return httpx.Response(410, content=dumps({"category": gone.category}))
        return httpx.Response(200, content=dumps(page.document()))


def over_http(handler) -> HttpSource:
    return HttpSource(lambda service: "http://crm.test/", "t0ken", httpx.Client(transport=httpx.MockTransport(handler)))


def test_over_http(database, here):
    door = Door(Feed(database))
    source = over_http(door)
    write(database, event(1, changed={"7": [None, "Zoë"]}), event(2, entity_type="deal"))
    assert pull_once(here, source, following(types=frozenset({"contact"}))) == 1
    assert pull_once(here, source, following(types=frozenset({"contact"}))) == 0
    assert seen(here) == [1]
    first = door.requests[0]
    assert first.url.path == "/api/v1/contacts/changes"
    assert dict(first.url.params) == {
        "after": "origin",
        "limit": "500",
        "wait": "0",
        "types": "contact",
        "reader": "test.contacts",
    }
    assert first.headers["Authorization"] == "Bearer t0ken"
    with database.connect() as connection:
        renew_epoch(connection)
    with pytest.raises(FeedGone):
        pull_once(here, source, following())
    source.close()


def _unreachable(request):
    raise httpx.ConnectError("no")


@pytest.mark.parametrize(
    "handler",
    [
        _unreachable,
        lambda request: httpx.Response(500),
        lambda request: httpx.Response(401, content=json.dumps({})),
        lambda request: httpx.Response(200, text="<html>"),
    ],
)
def test_a_feed_that_does_not_answer_well_is_unavailable(here, handler):
    with pytest.raises(Unavailable):
        pull_once(here, over_http(handler), following())
    assert seen(here) == []


def test_a_process_without_that_feed_says_so(here):
    with pytest.raises(Unavailable):
        pull_once(here, DirectSource({}), following())
