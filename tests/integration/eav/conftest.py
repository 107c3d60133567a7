"""An engine on its own over a fresh database; `make_type` gives a test an entity type of its own."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef
from shared.eav.engine import Engine
from shared.eav.install import install
from shared.eav.requests import Ref
from shared.kernel.db import Database
from tests.factories.asking import CONTEXT, create
from tests.factories.kinds import attribute, entity_type
from tests.factories.schema import Schema

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def database(database_url: str) -> Iterator[Database]:
    """A database with the engine's tables."""
    found = Database(database_url, pool_size=40)
    wanted = os.environ.get("CRM_TEST_PG_MAJOR")
    with found.connect() as connection:
        row = connection.row("show server_version_num")
    assert row is not None
    assert wanted in (None, row[0][:2]), "these tests were to run on another version"
    install(found)
    yield found
    found.dispose()


@pytest.fixture(scope="module")
def engine(database: Database) -> Engine:
    """The engine most tests use."""
    return Engine(database)


@pytest.fixture(scope="module")
def schema(engine: Engine) -> Schema:
    """Its definitions."""
    return Schema(engine)


@pytest.fixture(scope="module")
def make_type(schema: Schema) -> Callable[..., LiveType]:
    """Makes an entity type of these attributes, under a name nobody else has."""

    def make(*attributes: AttributeDef, **more: Any) -> LiveType:
        return schema.add_type(entity_type(f"kind{next(_numbers)}", *attributes, **more))

    return make


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    """Threads for writes that wait."""
    with ThreadPoolExecutor(4) as pool:
        yield pool


@pytest.fixture
def person(engine: Engine, make_type: Callable[..., LiveType]) -> LiveType:
    """A type with unique keys, options and words, spread over two banks; all slots are taken."""
    live = make_type(
        attribute("email", "email", unique=True),
        attribute("code", "string", unique=True),
        attribute("count", "number"),
        attribute("score", "number"),
        attribute("tags", "multi_enumeration"),
        attribute("note", "long_text"),
        pool=(1, 1, 1, 1),
    )
    warm = create(engine, live.name, {"email": "w@example.com", "code": "w", "count": 0, "score": 0})
    engine.writes.archive(live.name, [Ref(one.id) for one in warm], CONTEXT)
    engine.catalog.refresh()
    assert engine.catalog.type(live.name).banks == 2
    return engine.catalog.type(live.name)


@pytest.fixture
def lone(new_database: Callable[[], str]) -> Iterator[Database]:
    """A database whose deadlocks are nobody else's."""
    database = Database(new_database(), pool_size=8)
    install(database)
    code, count = attribute("code", "string", unique=True), attribute("count", "number")
    Schema(Engine(database)).add_type(entity_type("thing", code, count))
    yield database
    database.dispose()
