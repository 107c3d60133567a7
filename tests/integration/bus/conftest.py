"""A database with the tables of the bus, and small ways to write to its log."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from shared.bus import schema
from shared.contracts.event import UPDATED, Event
from shared.kernel.db import Database


@pytest.fixture(scope="session")
def server_url(request) -> str:
    """An administrator's URL of a PostgreSQL server."""
    return os.environ.get("CRM_TEST_DATABASE_URL") or request.getfixturevalue("pg_url")


@pytest.fixture
def make_database(server_url) -> Iterator:
    """Makes further databases of the bus; they go when the test ends."""
    made: list[tuple[str, Database]] = []

    def make() -> Database:
        name = f"bus_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(server_url, autocommit=True) as admin:
            admin.execute(f"create database {name} template template0 encoding 'UTF8'")
        database = Database(urlunsplit(urlsplit(server_url)._replace(path=f"/{name}")), pool_size=12)
        made.append((name, database))
        with database.transaction() as connection:
            for statement in schema.create_statements():
                connection.run(statement)
        schema.prepare(database)
        return database

    yield make
    for name, database in made:
        database.dispose()
        with psycopg.connect(server_url, autocommit=True) as admin:
            admin.execute(f"drop database {name} with (force)")


@pytest.fixture
def database(make_database) -> Database:
    """One database of the bus."""
    return make_database()


def event(entity_id: int = 1, version: int = 1, kind: str = UPDATED, entity_type: str = "contact", **more) -> Event:
    """An event with little in it."""
    return Event(kind, entity_type, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), entity_id, version, **more)
