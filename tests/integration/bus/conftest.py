"""A database with the tables of the bus, and small ways to write to its log."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

import pytest

from shared.bus import account, dead_letters, outbox, schema
from shared.bus.consumer import Subscription
from shared.bus.epoch import renew_epoch
from shared.bus.feed import Feed
from shared.contracts.event import UPDATED, Event
from shared.kernel.db import Connection, Database


@pytest.fixture(scope="session")
def redis_url(new_redis: Callable[[], str]) -> str:
    """Nobody else's: there are systems about whose contacts have a log as well, and some tests flush all."""
    return new_redis()


@pytest.fixture(scope="session")
def make_database(new_database: Callable[[], str]) -> Iterator[Callable[[], Database]]:
    """Makes databases with the tables of the bus, for tests that change these."""
    made: list[Database] = []

    def make() -> Database:
        database = Database(new_database(), pool_size=12)
        made.append(database)
        with database.transaction() as connection:
            for statement in [
                *schema.create_statements(),
                *dead_letters.create_statements(),
                *account.create_statements(),
                account.skipped_statement(),
            ]:
                connection.run(statement)
        schema.prepare(database)
        return database

    yield make
    for database in made:
        database.dispose()


@pytest.fixture(scope="session")
def _kept(make_database: Callable[[], Database]) -> Database:
    return make_database()


@pytest.fixture
def database(_kept: Database) -> Database:
    """A database of the bus with nothing in it. It is shared: leave its tables as they are."""
    with _kept.connect() as connection:
        renew_epoch(connection)
        connection.run("truncate watermark, consumer_state")
    return _kept


@pytest.fixture(scope="session")
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


def event(entity_id: int = 1, version: int = 1, kind: str = UPDATED, entity_type: str = "contact", **more) -> Event:
    """An event with little in it."""
    return Event(kind, entity_type, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), entity_id, version, **more)


def write(target: Database | Connection, *events: Event) -> None:
    """Append events in one transaction."""
    if isinstance(target, Connection):
        outbox.append(target, events)
        return
    with target.transaction() as connection:
        outbox.append(connection, events)


def walk(feed: Feed, after: str | None = None, **options) -> tuple[list[Event], str]:
    """All events after a place up to the head, and the head."""
    events: list[Event] = []
    while True:
        page = feed.read(after, **options)
        events.extend(page.page().events)
        after = str(page.next)
        if page.up_to_date:
            return events, after


def keys(events: Sequence[Event]) -> list[tuple[int | None, int]]:
    """(entity id, version) of each."""
    return [(one.entity_id, one.version) for one in events]


def note(connection, events):
    """A handler that shows how often it was applied."""
    for one in events:
        connection.run("insert into seen values (%s, %s)", (one.id, one.entity_id))


def seen(database):
    with database.connect() as connection:
        return [entity_id for (entity_id,) in connection.rows("select entity_id from seen order by place")]


def following(**more) -> Subscription:
    return Subscription(**{"name": "test.contacts", "source": "contacts", "handler": note, **more})
