"""Pulses: what a silent log tells reaches all followers of a process, in one statement for each database."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from functools import partial
from uuid import uuid4

import pytest
import redis

from shared.bus.broker import Broker, Listener
from shared.bus.client import DirectSource
from shared.bus.consumer import passed
from shared.bus.cursor import Cursor
from shared.bus.feed import NOW, Feed
from shared.bus.following import Follower, run_consumer
from shared.bus.page import encode_message
from shared.bus.pulses import Pulses, hurry, run_pulses
from shared.bus.relay import Relay, run_relay
from shared.bus.state import states
from tests.factories.racing import until
from tests.integration.bus.conftest import event, following, seen, write


@pytest.fixture
def pulses(redis_url):
    with redis.Redis.from_url(redis_url) as client:
        yield Pulses(client)


@pytest.fixture
def followers(database, here, pulses):
    """Three that stand at the head."""
    source = DirectSource({"contacts": Feed(database)})
    found = [Follower(here, source, following(name=f"test.{uuid4()}")) for _ in range(3)]
    for one in found:
        one.catch_up(threading.Event())
        pulses.join(one)
    return found


def told(database) -> bytes:
    page = Feed(database).read(NOW)
    assert page.start == page.next
    return f"contacts\n{encode_message(page, (), withheld=False)}".encode()


def moments(here, followers):
    with here.connect() as connection:
        return [passed(connection, one.subscription.name) for one in followers]


def test_all_who_stand_there_move_in_one_statement(database, here, pulses, followers):
    before = moments(here, followers)
    heard = []
    object.__setattr__(followers[0].subscription, "applied", heard.append)
    with here.connect() as connection:
        connection.run("update consumer_state set seen_at = seen_at - interval '1 hour', behind = 7")
    pulses.take(told(database))
    with here.counted() as statements:
        pulses.pass_on()
    assert len(statements) == 1
    after = moments(here, followers)
    assert all(new > old for new, old in zip(after, before, strict=True))
    assert heard == [after[0]]
    with here.connect() as connection:
        noted = [
            one for one in states(connection) if one.subscription in {each.subscription.name for each in followers}
        ]
    assert [(one.behind, one.seen_at > before[0]) for one in noted] == [(0, True)] * 3


def test_who_is_elsewhere_stays_and_asks_when_its_queue_is_empty(database, here, pulses, followers):
    ahead, busy, waiting = followers
    write(database, event(1))
    ahead.catch_up(threading.Event())
    waiting._waiting = True
    before = moments(here, followers)
    pulses.take(told(database))
    pulses.pass_on()
    after = moments(here, followers)
    assert (after[0] > before[0], after[1:]) == (True, before[1:])
    assert (busy._missed, waiting._missed) == (False, True)


def test_a_place_of_another_epoch_is_elsewhere(database, pulses, followers):
    one = followers[0]
    one._waiting, one._reached = True, Cursor(str(uuid4()), one._reached.tick)
    pulses.take(told(database))
    pulses.pass_on()
    assert one._missed


def test_who_applies_something_just_now_holds_up_nobody(database, here, pulses, followers):
    before = moments(here, followers)
    with here.transaction() as connection:
        connection.row("select 1 from watermark where subscription = %s for update", (followers[0].subscription.name,))
        pulses.take(told(database))
        pulses.pass_on()
        after = moments(here, followers)
    assert (after[0], after[1] > before[1], after[2] > before[2]) == (before[0], True, True)


def test_what_is_no_pulse_is_passed_over(pulses):
    pulses.take(b"contacts")
    assert not pulses.gathered


def test_nobody_asks_a_silent_feed_until_something_is_missed(database, here, redis_url, pulses):
    """All of it running: nobody asks a silent feed, and what they are sure of moves on."""
    asked = []
    feed = DirectSource({"contacts": Feed(database)})

    class Source:
        def fetch(self, service, after, **options):
            asked.append(after)
            return feed.fetch(service, after, **options)

    stop, mine = threading.Event(), following(name=f"test.{uuid4()}")
    threads = [
        threading.Thread(target=run_pulses, args=(pulses, stop)),
        threading.Thread(target=run_relay, args=(Relay("contacts", database, Broker(redis_url)), stop)),
        threading.Thread(
            target=run_consumer,
            args=(here, Source(), mine, stop),
            kwargs={"broker": lambda: Broker(redis_url), "pulses": pulses},
        ),
    ]
    for thread in threads:
        thread.start()

    def moment():
        with here.connect() as connection:
            return passed(connection, mine.name)

    since = {}

    def silent() -> bool:
        """Whether three seconds are known of during which nobody asked; without pulses that is every other second."""
        return (moment() - since.setdefault(len(asked), moment())).total_seconds() > 3

    try:
        write(database, event(1))
        until(lambda: seen(here) == [1])
        until(silent)
        pulses._followers[0]._missed = True
        questions = len(asked)
        until(lambda: len(asked) > questions)
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_who_waits_is_told_at_once(database, here, redis_url, pulses, followers, monkeypatch):
    monkeypatch.setattr("shared.bus.relay.PULSE_SECONDS", 1e9)  # nothing comes by itself
    relay, stop = Relay("contacts", database, Broker(redis_url)), threading.Event()
    Broker(redis_url).announce("contacts", Listener("bus.somebody", None))
    pulses.relays["contacts"] = relay.hurry
    threads = [
        threading.Thread(target=run_pulses, args=(pulses, stop)),
        threading.Thread(target=run_relay, args=(relay, stop)),
    ]
    for thread in threads:
        thread.start()

    def told_since(asked) -> bool:
        hurry(pulses.client, ["contacts", "nobody's"])
        return all(one > asked for one in moments(here, followers))

    try:
        for _ in range(2):
            asked = datetime.now(UTC)
            until(partial(told_since, asked))
    finally:
        stop.set()
        for thread in threads:
            thread.join()
