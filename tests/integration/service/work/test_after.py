"""A chunk that comes after another comes after all before that one: its rows may go on with what any of them did."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from shared.kernel.context import Context
from shared.kernel.db import Database
from shared.kernel.migrate import migrate
from shared.service.revisions import migration_folders
from shared.service.work import ledger
from shared.service.work.ledger import Chunk, Counts


@pytest.fixture(scope="module")
def database(new_database: Callable[[], str]) -> Iterator[Database]:
    url = new_database()
    migrate(url, migration_folders(None))
    made = Database(url, pool_size=2)
    yield made
    made.dispose()


def claimed(database: Database) -> ledger.Claim | None:
    return ledger.claim(database)


def done(database: Database, claim: ledger.Claim | None) -> None:
    assert claim is not None
    with database.transaction() as connection:
        ledger.complete(connection, claim, Counts())


def test_all_before_it_and_started_anew(database: Database):
    for _ in range(2):
        with database.transaction() as connection:
            ledger.start(connection, "x", 1, entity_type="contact", phase="p", context=Context())
            job = ledger.find(connection, "x", 1)
            assert job is not None
            ledger.add_chunks(connection, job.id, "p", [Chunk(1), Chunk(2, after=1)])
        first, second = claimed(database), claimed(database)
        assert [one.n for one in (first, second) if one] == [0, 1]
        done(database, second)
        assert claimed(database) is None  # 1 is done, but 0 before it is not
        done(database, first)
        third = claimed(database)
        assert third is not None
        assert third.n == 2
        done(database, third)
        assert claimed(database) is None
