"""A database that is not there, or goes away, is Unavailable, whoever of driver and pool says so."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from deploy.local.ports import free_port
from shared.kernel.db import Database
from shared.kernel.errors import Unavailable


class Door:
    """A TCP door before a server. Closing it cuts what passes and refuses what comes, as a dead server does."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._target = (parts.hostname, parts.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        account = parts.netloc.rpartition("@")[0]
        port = self._listener.getsockname()[1]
        self.url = urlunsplit(parts._replace(netloc=f"{account}@127.0.0.1:{port}"))
        self._begin(self._listen)

    def close(self) -> None:
        _shut(self._listener)
        self._threads[0].join()
        for one in self._open:
            _shut(one)
        for thread in self._threads:
            thread.join()
        for one in (self._listener, *self._open):
            one.close()

    def _begin(self, work: Callable[..., None], *arguments: socket.socket) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _listen(self) -> None:
        while True:
            try:
                near, _address = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(self._target)
            self._open += [near, far]
            for source, target in ((near, far), (far, near)):
                self._begin(_pass_on, source, target)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while some := source.recv(65536):
            target.sendall(some)
    _shut(target)


def _shut(one: socket.socket) -> None:
    with suppress(OSError):  # the other side was first
        one.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def door(database_url: str) -> Iterator[Door]:
    made = Door(database_url)
    yield made
    made.close()  # once more does no harm


def test_nobody_listens() -> None:
    database = Database(f"postgresql://nobody@127.0.0.1:{free_port()}/nothing")
    with pytest.raises(Unavailable), database.connect():
        pass
    with pytest.raises(Unavailable), database.transaction():
        pass


@pytest.mark.parametrize("prepare", [False, True])
def test_a_server_that_goes_away(door: Door, prepare: bool) -> None:
    database = Database(door.url)
    with database.connect() as connection:
        for _ in range(3):
            assert connection.row("SELECT 1", prepare=prepare) == (1,)
    door.close()
    for _ in range(3):  # first the pooled connection is found dead, then no new one can be made
        with pytest.raises(Unavailable), database.connect() as connection:
            connection.row("SELECT 1", prepare=prepare)
    database.dispose()


def test_prepared_statements_fail_as_others_do(database_url: str) -> None:
    database = Database(database_url, pool_size=1)
    divide = "SELECT 6 / %(by)s::int, %(text)s::text"
    with database.connect() as connection:
        for by in (1, 2, 3):
            assert connection.rows(divide, {"by": by, "text": None}, prepare=True) == [(6 // by, None)]
        with pytest.raises(psycopg.errors.DivisionByZero):
            connection.rows(divide, {"by": 0, "text": "a"}, prepare=True)
        assert connection.rows(divide, {"by": 6, "text": "ä"}, prepare=True) == [(1, "ä")]
    database.dispose()


def test_others_run_while_a_prepared_statement_waits(database_url: str) -> None:
    """The interpreter is free meanwhile: what one waits for, another thread may give."""
    database = Database(database_url, pool_size=2)
    lock = "SELECT pg_advisory_lock(%(key)s)"
    with database.connect() as holding, database.connect() as waiting:
        for key in (1, 2, 3):
            waiting.row(lock, {"key": key}, prepare=True)
        holding.row(lock, {"key": 4})
        got = threading.Event()

        def wait() -> None:
            waiting.row(lock, {"key": 4}, prepare=True)
            got.set()

        thread = threading.Thread(target=wait)
        thread.start()
        assert not got.wait(0.05)
        holding.row("SELECT pg_advisory_unlock(4)")
        assert got.wait(60)
        thread.join()
    database.dispose()


def test_a_server_that_goes_away_inside_a_transaction(door: Door) -> None:
    database = Database(door.url)

    def write() -> None:
        with database.transaction() as connection:
            connection.run("CREATE TABLE never (id int)")
            door.close()
            connection.row("SELECT 1")

    with pytest.raises(Unavailable):
        write()
    database.dispose()
