"""Whoever commits work is heard; whoever rolls back is not."""

from __future__ import annotations

import queue
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
import redis

from shared.kernel.context import Context
from shared.kernel.db import Database
from shared.kernel.migrate import migrate
from shared.service.revisions import migration_folders
from shared.service.work import ledger
from shared.service.work.nudging import CHANNEL, hear, nudge

# Channels are one for all databases of a server, which other tests use at the same time.
SERVICE = uuid.uuid4().hex


class Undone(Exception):
    """Rolls a transaction back."""


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as made:
        yield made


@pytest.fixture
def heard(client: redis.Redis) -> Iterator[queue.Queue[str]]:
    """What a listener hears, once it is known to listen."""
    found: queue.Queue[str] = queue.Queue()
    stop = threading.Event()
    thread = threading.Thread(target=hear, args=(client, found.put, stop))
    thread.start()
    while True:
        client.publish(CHANNEL, "begin")
        try:
            found.get(timeout=0.1)
            break
        except queue.Empty:
            continue
    yield found
    stop.set()
    thread.join()


@pytest.fixture
def database(new_database: Callable[[], str], client: redis.Redis) -> Iterator[Database]:
    url = new_database()
    migrate(url, migration_folders(None))
    made = Database(url, pool_size=2)
    made.signals[ledger.NEWS] = nudge(client, SERVICE)
    yield made
    made.dispose()


def test_work_is_heard_once_it_is_committed(database: Database, client: redis.Redis, heard: queue.Queue[str]) -> None:
    with suppress(Undone), database.transaction() as connection:
        ledger.start(connection, "x", 1, entity_type="contact", phase="p", context=Context())
        raise Undone
    with database.transaction() as connection:
        ledger.start(connection, "x", 2, entity_type="contact", phase="p", context=Context())
        ledger.start(connection, "x", 3, entity_type="contact", phase="p", context=Context())
        client.publish(CHANNEL, f"{SERVICE} before")
    client.publish(CHANNEL, f"{SERVICE} after")
    words = [one for one in iter(lambda: heard.get(timeout=120), f"{SERVICE} after") if one.startswith(SERVICE)]
    assert words == [f"{SERVICE} before", SERVICE]


def test_a_broker_that_is_away_hurts_nobody(database: Database) -> None:
    database.signals[ledger.NEWS] = nudge(redis.Redis(port=1, socket_connect_timeout=1), SERVICE)
    with database.transaction() as connection:
        ledger.start(connection, "x", 1, entity_type="contact", phase="p", context=Context())
    assert ledger.claim(database) is not None
