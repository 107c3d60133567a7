"""Pages: limits, filters, waiting, and places that are lost."""

from __future__ import annotations

import json
import threading
import time
import uuid
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from shared.bus.cursor import Cursor, FeedGone
from shared.bus.epoch import current_epoch, renew_epoch, settle_epoch
from shared.bus.feed import Feed, read
from shared.bus.page import decode_page
from shared.bus.ticks import tick
from shared.contracts.event import CATALOG_ATTRIBUTE, CREATED, TOKEN, Event
from shared.kernel.errors import Invalid
from shared.kernel.json import dumps
from tests.integration.bus.conftest import event, keys, walk, write

AT = datetime(2026, 5, 1, tzinfo=UTC)


def test_an_empty_log(database):
    page = read(database)
    assert page.bodies == ()
    assert page.up_to_date
    assert page.behind == 0
    assert page.start == page.next


def test_an_event_comes_back_as_it_was_written(database):
    written = Event(
        CREATED,
        "contact",
        AT,
        42,
        1,
        AT,
        "tok_1",
        "API",
        "tok_1",
        "cause",
        "corr",
        {"7": [None, "Zoë 预计 🎈"]},
        {"a": [1]},
    )
    write(database, written)
    (back,) = read(database).page().events
    assert back.id is not None
    assert Event(**{name: getattr(back, name) for name in Event.__slots__ if name != "id"}) == written


def test_the_answer_is_json_that_decodes_to_the_page(database):
    write(database, event(1), event(2))
    page = read(database, limit=1)
    document = json.loads(dumps(page.document()))
    account = {"events", "events_before"}
    assert set(document) == {"results", "after", "next", "epoch", "up_to_date", "behind", "as_of"} | account
    assert document["epoch"] == page.next.epoch
    assert decode_page(document) == page.page()


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 500])
def test_every_limit_walks_the_same_log(database, limit):
    for number in range(1, 8):
        write(database, *(event(number, version) for version in range(1, number + 1)))
        tick(database)
    expected = [(number, version) for number in range(1, 8) for version in range(1, number + 1)]
    feed = Feed(database)
    assert keys(walk(feed, limit=limit)[0]) == expected
    page = feed.read(limit=limit)
    assert len(page.bodies) == min(limit, len(expected))
    assert page.behind >= len(expected) - len(page.bodies)


def test_types_choose_by_entity_type_kind_and_first_word(database):
    write(
        database,
        event(1),
        event(2, entity_type="deal"),
        Event(CATALOG_ATTRIBUTE, "deal", AT, version=3),
        Event(CATALOG_ATTRIBUTE, "contact", AT, version=4),
        Event(TOKEN, "", AT, version=5),
    )
    feed = Feed(database)

    def chosen(*types: str) -> list[int]:
        return [one.version if one.entity_id is None else one.entity_id for one in walk(feed, types=types)[0]]

    assert chosen("contact") == [1, 4]
    assert chosen("deal", "token") == [2, 3, 5]
    assert chosen("catalog") == [3, 4]
    assert chosen("catalog.attribute", "entity.updated") == [1, 2, 3, 4]
    assert chosen("nothing") == []


def test_a_filter_moves_on_even_when_nothing_matches(database):
    for number in range(1, 30):
        write(database, event(number))
        tick(database)
    write(database, event(99, entity_type="deal"))
    feed = Feed(database)
    page = feed.read(types=["deal"], limit=1)
    assert keys(page.page().events) == [(99, 1)]
    assert page.up_to_date
    nothing = feed.read(types=["ticket"], limit=1)
    assert nothing.up_to_date
    assert nothing.next == page.next


def test_what_a_reader_may_not_see_is_left_out_but_passed(database):
    write(database, event(1), event(2, entity_type="deal"), event(3))
    feed = Feed(database)
    events, head = walk(feed, may=lambda kind, entity_type: entity_type != "contact", limit=1)
    assert keys(events) == [(2, 1)]
    assert head == walk(feed)[1]


def test_now_gives_only_what_comes(database):
    write(database, event(1))
    feed = Feed(database)
    page = feed.read("now")
    assert page.bodies == ()
    write(database, event(2))
    assert keys(walk(feed, str(page.next))[0]) == [(2, 1)]


def test_waiting_ends_with_the_first_news(database):
    feed = Feed(database)
    after = str(feed.read("now").next)
    writer = threading.Timer(0.3, write, (database, event(7)))
    writer.start()
    began = time.monotonic()
    page = feed.read(after, wait=120)
    assert keys(page.page().events) == [(7, 1)]
    assert str(page.start) == after
    assert time.monotonic() - began < 100
    writer.join()


def test_waiting_ends_with_time(database):
    feed = Feed(database)
    page = feed.read("now", wait=0.2)
    assert page.bodies == ()
    assert page.up_to_date
    assert page.start == page.next


def test_waiting_passes_over_what_does_not_match(database):
    feed = Feed(database)
    after = str(feed.read("now").next)
    writers = [
        threading.Timer(0.1, write, (database, event(7))),
        threading.Timer(0.4, write, (database, event(8, entity_type="deal"))),
    ]
    for writer in writers:
        writer.start()
    page = feed.read(after, types=["deal"], wait=30)
    assert keys(page.page().events) == [(8, 1)]
    for writer in writers:
        writer.join()


def test_as_of_is_an_instant_that_the_page_has_passed(database):
    feed = Feed(database)
    write(database, event(1))
    before = datetime.now(UTC)
    page = feed.read()
    assert page.up_to_date
    assert before <= page.as_of <= datetime.now(UTC)


def test_a_place_of_another_epoch_is_gone(database):
    write(database, event(1))
    after = str(read(database).next)
    with database.connect() as connection:
        renew_epoch(connection)
    with pytest.raises(FeedGone):
        read(database, after)
    assert read(database).bodies == ()
    assert read(database, "origin").up_to_date


def test_a_place_ahead_of_the_log_is_gone(database):
    with database.connect() as connection:
        epoch, origin = current_epoch(connection)
    with pytest.raises(FeedGone):
        read(database, str(Cursor(epoch, origin + 1000)))
    with pytest.raises(FeedGone):
        read(database, str(Cursor(str(uuid.uuid4()), origin + 1)))


@pytest.mark.parametrize("after", ["", "x", "1.2", "then"])
def test_what_is_no_cursor_is_refused(database, after):
    with pytest.raises(Invalid):
        read(database, after)


def test_an_epoch_stays_while_the_database_does(database):
    with database.connect() as connection:
        epoch = current_epoch(connection)[0]
        assert settle_epoch(connection) == epoch
        connection.run("update feed_epoch set home = 'another cluster'")
        assert settle_epoch(connection) != epoch


def test_a_page_costs_a_constant_number_of_statements(database):
    for number in range(1, 100):
        write(database, event(number))
        tick(database)
    # Whether there is news depends on everybody's transactions in the cluster; finding out is bounded.
    still = SimpleNamespace(tick=lambda: None)
    pages = [_statements(database, Feed(database, still), limit) for limit in (1, 99)]
    assert pages[0] == pages[1] <= 5
    assert _statements(database, Feed(database), 99) <= pages[0] + 6


def _statements(database, feed: Feed, limit: int) -> int:
    with database.counted() as statements:
        feed.read(limit=limit)
    return len(statements)


def test_appending_is_one_statement(database):
    with database.counted() as statements:
        write(database, *(event(number) for number in range(500)))
    assert len(statements) == 1
