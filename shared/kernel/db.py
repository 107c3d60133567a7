"""Access to one PostgreSQL database: a pool, plain connections, counted statements.

Statements are written with SQLAlchemy Core, compiled ONCE by `compiled()` to text with named parameters and run
on the raw driver, so that a hot path pays neither compilation nor result objects. Connections are in autocommit:
a read is one round trip; a write opens `transaction()`. Nothing relies on session state, so a transaction-mode
pooler may stand in between.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.types.numeric import Int8
from sqlalchemy.dialects.postgresql import psycopg as psycopg_dialect
from sqlalchemy.sql.compiler import SQLCompiler

from shared.kernel.cursor import PromptCursor
from shared.kernel.errors import Unavailable
from shared.kernel.pool import Pool

bigint = Int8
"""A whole number sent as bigint whatever its size, so that a prepared statement stays one statement."""

_DIALECT = psycopg_dialect.PGDialect_psycopg(paramstyle="pyformat")
Params = Mapping[str, Any] | Sequence[Any] | None


def compiled(statement: sa.ClauseElement) -> str:
    """SQL text with %(name)s parameters of a Core statement. Call it once per shape and keep the text.

    Bound parameters need explicit names: unnamed values are refused, since the caller could not supply them.
    """
    result = statement.compile(dialect=_DIALECT)
    assert isinstance(result, SQLCompiler)
    unnamed = [name for name, value in result.params.items() if value is not None]
    if unnamed:
        raise ValueError(f"unnamed values in a compiled statement: {unnamed}")
    return str(result)


def sqlalchemy_url(url: str) -> str:
    """The same URL for SQLAlchemy with the psycopg 3 driver."""
    for prefix in ("postgresql+psycopg://", "postgresql://", "postgres://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url[len(prefix) :]
    raise ValueError("DATABASE_URL must start with postgresql://")


class Connection:
    """A borrowed driver connection in autocommit. `rows`/`row`/`run` execute; every execution is counted."""

    __slots__ = ("_count", "prepare", "raw", "signals")

    def __init__(self, raw: psycopg.Connection[Any], prepare: bool, count: _Counter) -> None:
        self.raw = raw
        self.prepare = prepare
        self.signals: set[str] = set()
        self._count = count

    def signal(self, name: str) -> None:
        """Have `Database.signals` of this name called once this transaction has committed; never after a rollback."""
        self.signals.add(name)

    def rows(self, sql: str, params: Params = None, *, prepare: bool | None = False) -> list[tuple[Any, ...]]:
        """All rows. `prepare=True` for point reads and writes; None for what is prepared when it comes again."""
        self._count.add(sql)
        return self.raw.execute(sql, params, prepare=prepare and self.prepare).fetchall()

    def row(self, sql: str, params: Params = None, *, prepare: bool | None = False) -> tuple[Any, ...] | None:
        """The first row or None."""
        self._count.add(sql)
        return self.raw.execute(sql, params, prepare=prepare and self.prepare).fetchone()

    def run(self, sql: str, params: Params = None, *, prepare: bool = False) -> int:
        """Execute without reading rows; the number of rows touched."""
        self._count.add(sql)
        return self.raw.execute(sql, params, prepare=prepare and self.prepare).rowcount

    def portions(self, sql: str, params: Params, size: int) -> Generator[list[tuple[Any, ...]]]:
        """All rows in lists of at most `size`, fetched as they are asked for. Only inside a transaction; close it."""
        self._count.add(sql)
        with self.raw.cursor("portions") as cursor:
            cursor.execute(sql, params)
            while rows := cursor.fetchmany(size):
                yield rows

    def copy(self, sql: str, blocks: Iterable[str]) -> None:
        """Send text through a COPY ... FROM STDIN (see `kernel.copying`), made while the server takes it in."""
        self._count.add(sql)
        with self.raw.cursor() as cursor, cursor.copy(sql) as target:
            for block in blocks:
                target.write(block)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction, or a savepoint inside one."""
        with self.raw.transaction():
            yield self


class _Counter(threading.local):
    """Statements of this thread, for the tests that hold their number constant."""

    def __init__(self) -> None:
        self.statements: list[str] | None = None

    def add(self, sql: str) -> None:
        if self.statements is not None:
            self.statements.append(sql)


class Database:
    """A service's database. Make one per process and hand it in; `dispose()` before forking or at the end."""

    def __init__(self, url: str, *, pool_size: int = 8, prepare: bool = True) -> None:
        self.url = url
        self.prepare = prepare
        self.signals: dict[str, Callable[[], None]] = {}
        self.pool = Pool(self._open, kept=pool_size, most=2 * pool_size, patience=10)
        self._count = _Counter()

    @cached_property
    def engine(self) -> sa.Engine:
        """The same database for SQLAlchemy's ORM, with connections of its own."""
        options = {} if self.prepare else {"prepare_threshold": None}
        return sa.create_engine(
            sqlalchemy_url(self.url), poolclass=sa.NullPool, isolation_level="AUTOCOMMIT", connect_args=options
        )

    def _open(self) -> psycopg.Connection[Any]:
        url = sqlalchemy_url(self.url).replace("+psycopg", "", 1)
        threshold = 1 if self.prepare else None
        try:
            return psycopg.connect(
                url, autocommit=True, connect_timeout=5, prepare_threshold=threshold, cursor_factory=PromptCursor
            )
        except psycopg.OperationalError as error:
            raise Unavailable("the database cannot be reached") from error

    def connect(self) -> Borrowed:
        """Borrow a connection in autocommit; raises Unavailable when the database cannot be reached or is lost."""
        return Borrowed(self)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Borrow a connection and open a transaction: committed at the end, rolled back by any exception."""
        with self.connect() as connection:
            with connection.transaction():
                yield connection
            for name in connection.signals & self.signals.keys():
                self.signals[name]()

    @contextmanager
    def counted(self) -> Iterator[list[str]]:
        """Collect the statements this thread runs inside the block (tests)."""
        statements: list[str] = []
        self._count.statements = statements
        try:
            yield statements
        finally:
            self._count.statements = None

    def dispose(self) -> None:
        """Close all pooled connections; those in use are closed when they come back."""
        self.pool.clear()


class Borrowed:
    """A connection taken from the pool for a `with` block."""

    __slots__ = ("_age", "_database", "_raw")

    def __init__(self, database: Database) -> None:
        self._database = database

    def __enter__(self) -> Connection:
        database = self._database
        self._age = database.pool.age  # before taking: one that is cleared meanwhile must not count as young
        self._raw = database.pool.take()
        return Connection(self._raw, database.prepare, database._count)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        pool = self._database.pool
        try:
            if isinstance(error, psycopg.OperationalError) and (lost := _lost(error)):
                pool.clear()  # what else lies in the pool is as dead; the next request connects anew
                raise lost from error
        finally:
            pool.give(self._raw, self._age)


def _lost(error: psycopg.OperationalError) -> Unavailable | None:
    """Losing the server is Unavailable; what the server said itself (lock timeouts, say) keeps its own class."""
    if error.sqlstate and not error.sqlstate.startswith(("08", "57P")):
        return None
    return Unavailable("the database connection was lost")
