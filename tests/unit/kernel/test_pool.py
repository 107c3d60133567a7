"""The pool of connections: nothing is lost, nothing dead or half done is handed out, nothing crosses a fork."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from shared.kernel.db import Database
from shared.kernel.errors import Unavailable
from shared.kernel.pool import Pool


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    found = Database(database_url, pool_size=2)
    found.pool.patience = 0.2
    yield found
    found.dispose()


def backend(database: Database) -> int:
    """The server process behind the next connection."""
    with database.connect() as connection:
        row = connection.row("select pg_backend_pid()")
    assert row is not None
    return int(row[0])


def test_the_last_one_back_is_the_next_one_out(database: Database) -> None:
    with database.connect(), database.connect() as second:
        last = second.raw.info.backend_pid
    assert backend(database) != last
    assert backend(database) == backend(database)


def test_no_more_than_allowed_and_all_come_back(database: Database) -> None:
    taken = [database.connect() for _ in range(4)]
    for one in taken:
        one.__enter__()
    assert database.pool.borrowed == 4
    with pytest.raises(Unavailable), database.connect():
        pass
    raws = [one._raw for one in taken]
    for one in taken:
        one.__exit__(None, None, None)
    assert database.pool.borrowed == 0
    assert [one.closed for one in raws] == [False, False, True, True], "only two are kept"
    with database.connect(), database.connect(), database.connect(), database.connect():
        assert database.pool.borrowed == 4


def test_many_threads(database: Database) -> None:
    database.pool.patience = 30
    with ThreadPoolExecutor(16) as threads:
        assert len({*threads.map(lambda _: backend(database), range(300))}) <= 300
    assert database.pool.borrowed == 0


def test_an_open_transaction_does_not_come_back(database: Database) -> None:
    with database.connect() as connection:
        connection.run("begin")
        raw = connection.raw
    assert raw.closed
    with database.connect() as connection:
        assert connection.raw is not raw
    with pytest.raises(psycopg.errors.DivisionByZero), database.transaction() as connection:
        connection.row("select 1 / 0")
    assert backend(database)


def test_an_error_that_the_server_told_keeps_the_connection(database: Database) -> None:
    before = backend(database)
    with pytest.raises(psycopg.errors.UndefinedTable), database.connect() as connection:
        connection.row("select * from nowhere")
    with pytest.raises(psycopg.OperationalError), database.connect() as connection:
        connection.row("do $$ begin raise exception 'full' using errcode = '53100'; end $$")
    assert backend(database) == before


def test_one_that_dies_takes_its_age_along(database: Database) -> None:
    with database.connect() as other:
        raw = other.raw
        with pytest.raises(Unavailable), database.connect() as connection:
            connection.row("select pg_terminate_backend(pg_backend_pid())")
    assert raw.closed
    assert backend(database)


def test_disposing_while_somebody_works(database: Database) -> None:
    with database.connect() as connection:
        database.dispose()
        assert connection.row("select 1") == (1,)
        raw = connection.raw
    assert raw.closed
    assert backend(database)


def test_a_failed_opening_takes_no_seat() -> None:
    def fail() -> psycopg.Connection:
        raise Unavailable("closed")

    pool = Pool(fail, kept=1, most=1, patience=0.1)
    for _ in range(3):
        with pytest.raises(Unavailable, match="closed"):
            pool.take()
    assert pool.borrowed == 0


def test_a_child_has_connections_of_its_own(database: Database) -> None:
    before = backend(database)
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, str(backend(database)).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert int(os.read(reading, 20)) != before
    assert backend(database) == before, "the parent's connection works on"
    os.close(reading)
    os.close(writing)


def test_a_pool_that_nobody_holds_closes_what_it_had(database_url: str) -> None:
    lost = Database(database_url, pool_size=2)
    with lost.connect() as connection:
        raw = connection.raw
    assert not raw.closed
    del lost, connection
    gc.collect()
    assert raw.closed
