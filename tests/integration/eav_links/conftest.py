"""An engine with three entity types under the built-in relations."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shared.eav.engine import Engine
from shared.eav.install import install
from shared.kernel.db import Database
from tests.factories.linking import Told, define, linked_engine


@pytest.fixture(scope="module")
def database(database_url: str) -> Iterator[Database]:
    """A database with the engine's tables and the types."""
    found = Database(database_url, pool_size=40)
    install(found)
    define(Engine(found))
    yield found
    found.dispose()


@pytest.fixture
def told() -> Told:
    """What the engine tells of links."""
    return Told()


@pytest.fixture
def engine(database: Database, told: Told) -> Engine:
    """An engine that tells."""
    return linked_engine(database, publish_links=told)
