"""From the relay over Redis to a follower: quick when all is well, exact when messages are lost, doubled or late."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from uuid import uuid4

import pytest
import redis

from shared.bus.account import accounts
from shared.bus.bodies import Bodies
from shared.bus.broker import PREFIX, Broker, Listener
from shared.bus.client import DirectSource
from shared.bus.consumer import watermark
from shared.bus.feed import NOW, Feed
from shared.bus.following import Follower, queue_of, run_consumer
from shared.bus.page import decode_message
from shared.bus.relay import Relay, run_relay
from shared.contracts.event import TOKEN
from shared.kernel.errors import Unavailable
from tests.factories.racing import until
from tests.integration.bus.conftest import event, following, seen, write


@pytest.fixture
def broker(redis_url) -> Iterator[Broker]:
    found = Broker(redis_url)
    yield found
    found.close()


@pytest.fixture
def source(database):
    return DirectSource({"contacts": Feed(database)})


class Counted:
    """A feed that tells how often it was asked, and can be taken away."""

    def __init__(self, source):
        self.source, self.asked, self.away = source, 0, False

    def fetch(self, *arguments, **options):
        self.asked += 1
        if self.away:
            raise Unavailable("away")
        return self.source.fetch(*arguments, **options)


@pytest.fixture
def pair(database, here, source, broker, redis_url):
    """A relay and a follower that stands at the head, both to be stepped by hand; and the queue between them."""
    subscription = following(name=f"test.{uuid4()}")
    follower = Follower(here, Counted(source), subscription)
    follower.catch_up(threading.Event())
    listener = Listener(queue_of(subscription), None)
    broker.announce("contacts", listener)
    relay = Relay("contacts", database, Broker(redis_url))
    relay.step()
    return relay, follower, listener.queue


def drained(redis_url, queue):
    """Everything that waits in a queue."""
    found = []
    with Broker(redis_url).listening(queue) as messages:
        while (body := messages.next(0.2)) is not None:
            found.append(body)
    return found


def test_messages_carry_what_was_written_and_chain(database, here, pair, redis_url):
    relay, follower, queue = pair
    for number in (1, 2, 3):
        write(database, event(number))
        relay.step()
    asked = follower.source.asked
    pages = [decode_message(body) for body in drained(redis_url, queue)]  # a slow machine sends a pulse between them
    assert [follower.take(one) for one in pages if one.events] == [True, True, True]
    assert seen(here) == [1, 2, 3]
    assert follower.source.asked == asked


def test_a_message_twice_is_applied_once(database, here, pair, redis_url):
    relay, follower, queue = pair
    write(database, event(1))
    relay.step()
    [body] = drained(redis_url, queue)
    assert follower.take(decode_message(body))
    assert follower.take(decode_message(body))
    assert Follower(here, follower.source, follower.subscription).take(decode_message(body)) is False
    assert seen(here) == [1]


def test_a_missing_message_is_noticed_and_the_feed_has_it(database, here, pair, redis_url):
    relay, follower, queue = pair
    write(database, event(1))
    relay.step()
    drained(redis_url, queue)
    write(database, event(2))
    relay.step()
    [body] = drained(redis_url, queue)
    assert not follower.take(decode_message(body))
    follower.catch_up(threading.Event())
    assert follower.take(decode_message(body))
    assert seen(here) == [1, 2]


def test_a_message_that_overlaps_is_cut(database, here, pair, redis_url):
    relay, follower, queue = pair
    for number in range(1, 4):
        write(database, event(number))
        Feed(database).read()
    while relay.step():
        pass
    relay._pulse = float("-inf")
    follower.source.source = DirectSource({"contacts": Feed(database)})
    small = Follower(here, follower.source, following(name="test.small", limit=2))
    small.pull(0.0)
    assert seen(here) == [1, 2]
    write(database, event(4))
    relay.step()
    bodies = drained(redis_url, queue)
    assert all(small.take(decode_message(body)) for body in bodies)
    assert seen(here) == [1, 2, 3, 4]


def test_a_log_that_is_longer_than_a_page_is_sent_to_its_end_though_nothing_new_is_written(database, pair, redis_url):
    relay, _, queue = pair
    relay.most, relay._pulse = 2, float("inf")  # no pulse will ever be due
    write(database, *(event(number) for number in range(1, 8)))
    relay.step()  # makes the one tick there is
    while relay.step():
        pass
    sent = [decode_message(body) for body in drained(redis_url, queue)]
    assert [one.entity_id for page in sent for one in page.events] == list(range(1, 8))


def test_another_process_takes_what_this_one_missed(database, here, pair, redis_url):
    relay, follower, queue = pair
    standby = Follower(here, follower.source, follower.subscription)
    standby.catch_up(threading.Event())
    write(database, event(1))
    relay.step()
    write(database, event(2))
    relay.step()
    first, second = drained(redis_url, queue)
    assert follower.take(decode_message(first))
    assert not standby.take(decode_message(second))
    standby.catch_up(threading.Event())
    assert seen(here) == [1, 2]


def test_tokens_are_not_sent_but_asked_for(database, here, pair, redis_url):
    relay, follower, queue = pair
    write(database, event(7, kind=TOKEN, entity_type="", detail={"secret": "s3cr3t-hash"}), event(8))
    relay.step()
    [body] = drained(redis_url, queue)
    assert b"s3cr3t-hash" not in body
    assert not follower.take(decode_message(body))
    follower.catch_up(threading.Event())
    assert seen(here) == [7, 8]


def test_a_follower_gets_what_it_asked_for_and_its_place_moves_on(database, here, source, broker, redis_url):
    subscription = following(name=f"test.{uuid4()}", types=frozenset({"company"}))
    follower = Follower(here, source, subscription)
    follower.catch_up(threading.Event())
    broker.announce("contacts", Listener(queue_of(subscription), subscription.types))
    relay = Relay("contacts", database, Broker(redis_url))
    relay.step()
    write(database, event(1), event(2, entity_type="company"))
    relay.step()
    write(database, event(3))
    relay.step()
    assert all(follower.take(decode_message(body)) for body in drained(redis_url, queue_of(subscription)))
    assert seen(here) == [2]
    with here.connect() as connection:
        assert watermark(connection, subscription.name).tick > 2


def test_pages_with_nothing_for_a_follower_are_told_together_once_a_second(database, here, source, broker, redis_url):
    subscription = following(name=f"test.{uuid4()}", types=frozenset({"company"}))
    follower, queue = Follower(here, Counted(source), subscription), queue_of(subscription)
    follower.catch_up(threading.Event())
    asked = follower.source.asked
    broker.announce("contacts", Listener(queue, subscription.types))
    relay = Relay("contacts", database, Broker(redis_url))
    relay.step()
    for due in (False, True):
        for number in (1, 2, 3):
            relay._pulse = float("inf")
            write(database, event(number))
            relay.step()
        assert not drained(redis_url, queue)
        if due:
            relay._pulse = float("-inf")
        else:
            write(database, event(9, entity_type="company"))
        relay.step()
        [body] = drained(redis_url, queue)
        assert follower.take(decode_message(body))
    assert (seen(here), follower.source.asked) == ([9], asked)
    with here.connect() as connection:
        assert watermark(connection, subscription.name) == Feed(database).read(NOW).start


def test_a_long_queue_gets_nothing_more_until_it_is_short(database, pair, redis_url, monkeypatch):
    relay, _, queue = pair
    monkeypatch.setattr("shared.bus.relay.LONG_QUEUE", 1)
    for number in (1, 2):
        write(database, event(number))
        relay.step()
    relay._pulse = float("-inf")
    write(database, event(3))
    relay.step()
    assert len(drained(redis_url, queue)) == 2
    relay._pulse = float("-inf")
    relay.step()
    write(database, event(4))
    relay.step()
    assert drained(redis_url, queue)


def test_a_long_page_is_kept_once_and_read_once(database, here, pair, broker, redis_url):
    relay, follower, queue = pair
    relay.many = 3
    other = Listener("bus.other", frozenset({"company"}))
    broker.announce("contacts", other)
    relay._pulse = float("-inf")
    relay.step()
    write(database, *map(event, range(1, 4)), *(event(n, entity_type="company") for n in range(4, 8)))
    relay.step()
    [body], [others] = drained(redis_url, queue), drained(redis_url, other.queue)
    assert len(body) < 600
    assert b"company" not in body
    bodies = Bodies()
    told = partial(bodies.told, broker)
    assert [one.entity_id for one in decode_message(others, told=partial(told, listener=other)).events] == [4, 5, 6, 7]
    client = redis.Redis.from_url(redis_url)
    client.delete(*client.keys(f"{PREFIX}bus.page.*"))
    listener = Listener(queue, None)
    page = decode_message(body, told=partial(told, listener=listener))
    assert len(page.ticks) == 7
    assert follower.take(page)
    assert seen(here) == [1, 2, 3, 4, 5, 6, 7]
    # A process that has not read it finds it gone, and asks the feed as for a message that got lost.
    with pytest.raises(KeyError):
        decode_message(body, told=partial(Bodies().told, broker, listener=listener))


def test_what_nobody_waits_for_is_kept_no_longer(database, pair, redis_url, monkeypatch):
    relay, _, _ = pair
    relay.many = 1
    client = redis.Redis.from_url(redis_url)
    if left := client.keys(f"{PREFIX}bus.page.*"):
        client.delete(*left)
    for number in range(1, 8):
        write(database, event(number))
        relay.step()
    names = len(client.keys(f"{PREFIX}bus.page.*"))
    assert names == 7
    for _ in range(2):  # what was sent a moment ago may not have been fetched yet
        relay._pulse = float("-inf")
        relay.step()
    assert len(client.keys(f"{PREFIX}bus.page.*")) == names  # all of it waits
    monkeypatch.setattr(relay.broker, "waiting", lambda queues: [0 for _ in queues])
    relay._pulse = float("-inf")
    relay.step()
    assert 0 < len(client.keys(f"{PREFIX}bus.page.*")) < names


def test_nobody_listens_so_nothing_is_kept(database, pair, broker, redis_url, monkeypatch):
    relay, _, queue = pair
    write(database, event(1))
    relay.step()
    client = redis.Redis.from_url(redis_url)
    assert client.llen(PREFIX + queue) == 1
    key = f"{PREFIX}bus.listeners.contacts"
    client.zadd(key, dict.fromkeys(client.zrange(key, 0, -1), 1))
    relay._pulse = float("-inf")
    relay.step()
    assert client.exists(PREFIX + queue) == 0


def test_both_sides_running_outlive_a_flush_and_a_lost_feed(database, here, source, redis_url):
    stop = threading.Event()
    counted = Counted(source)
    make = lambda: Broker(redis_url)  # noqa: E731
    threads = [
        threading.Thread(target=run_relay, args=(Relay("contacts", database, make()), stop)),
        threading.Thread(target=run_consumer, args=(here, counted, following(), stop), kwargs={"broker": make}),
    ]
    for thread in threads:
        thread.start()
    try:
        write(database, event(1))
        until(lambda: seen(here) == [1])
        redis.Redis.from_url(redis_url).flushdb()
        write(database, event(2))
        until(lambda: seen(here) == [1, 2])
        counted.away = True
        write(database, event(3))
        until(lambda: seen(here)[:2] == [1, 2])
        counted.away = False
        until(lambda: seen(here) == [1, 2, 3])
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_the_account_balances(database, here, pair, redis_url):
    """What the source told is what was taken, by messages or pulled, whole or cut, and put aside or not."""
    relay, follower, queue = pair
    for number in range(1, 30):
        write(database, event(number), event(number + 100))
        if number % 3:
            relay.step()
        if number % 7 == 0:
            drained(redis_url, queue)
        for body in drained(redis_url, queue) if number % 5 == 0 else ():
            if not follower.take(decode_message(body)):
                follower.catch_up(threading.Event())
    follower.catch_up(threading.Event())
    with here.connect() as connection:
        [account] = [one for one in accounts(connection) if one.subscription == follower.subscription.name]
    assert (account.told, account.taken, account.balanced) == (58, 58, True)
    with here.connect() as connection:
        connection.run("update watermark set taken = taken - 1 where subscription = %s", (follower.subscription.name,))
    write(database, event(1))
    follower.catch_up(threading.Event())
    with here.connect() as connection:
        assert not all(one.balanced for one in accounts(connection))
