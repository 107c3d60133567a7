"""A bulk call that meets a month nobody made a partition for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from shared.eav.bulk.items import BulkItem
from shared.eav.catalog import LiveType
from shared.eav.engine import Engine
from shared.eav.install import install
from shared.kernel.db import Database
from tests.factories.asking import CONTEXT, held_exactly
from tests.factories.kinds import attribute, entity_type
from tests.factories.schema import Schema
from tests.integration.eav.bulk.outcomes import by

MakeType = Callable[..., LiveType]


@pytest.fixture(scope="module")
def database_of_its_own(new_database: Callable[[], str]) -> Iterator[Database]:
    """A database that may be treated badly."""
    database = Database(new_database())
    install(database)
    yield database
    database.dispose()


def test_missing_partitions_are_made(database_of_its_own: Database) -> None:
    """The whole call again, once the month is there."""
    engine = Engine(database_of_its_own)
    Schema(engine).add_type(entity_type("thing", attribute("code", "string", unique=True), attribute("n", "number")))
    engine.bulk.write("thing", [BulkItem({"code": "a"})], CONTEXT)
    with database_of_its_own.connect() as connection:
        for (name,) in connection.rows(
            "select inhrelid::regclass::text from pg_inherits where inhparent = 'eav_history'::regclass"
        ):
            connection.run(f"drop table {name}")
    (one,) = engine.bulk.write("thing", [BulkItem({"n": 1}, by("code", "a"))], CONTEXT)
    held_exactly(engine, "thing", {one.id or 0: (2, {"code": "a", "n": 1})})
