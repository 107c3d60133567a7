"""Access to one PostgreSQL database: a pool, plain connections, counted statements.

Statements are written with SQLAlchemy Core, compiled ONCE by `compiled()` to text with named parameters and run
on the raw driver, so that a hot path pays neither compilation nor result objects. Connections are in autocommit:
a read is one round trip; a write opens `transaction()`. Nothing relies on session state, so a transaction-mode
pooler may stand in between.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.types.numeric import Int8
from sqlalchemy.dialects.postgresql import psycopg as psycopg_dialect
from sqlalchemy.sql.compiler import SQLCompiler

from shared.kernel.errors import Unavailable

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

    __slots__ = ("_count", "prepare", "raw")

    def __init__(self, raw: psycopg.Connection[Any], prepare: bool, count: _Counter) -> None:
        self.raw = raw
        self.prepare = prepare
        self._count = count

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

    def copy(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Send rows through a COPY ... FROM STDIN; they are made while the server takes them in."""
        self._count.add(sql)
        with self.raw.cursor() as cursor, cursor.copy(sql) as target:
            for row in rows:
                target.write_row(row)

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
        self.engine = sa.create_engine(
            sqlalchemy_url(url),
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_timeout=10,
            pool_pre_ping=False,
            # Nothing to roll back: connections are in autocommit, and transactions end where they begin.
            pool_reset_on_return=None,
            isolation_level="AUTOCOMMIT",
            connect_args={"connect_timeout": 5, "prepare_threshold": 1 if prepare else None},
        )
        self._count = _Counter()

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Borrow a connection in autocommit; raises Unavailable when the database cannot be reached."""
        try:
            borrowed = self.engine.raw_connection()
        except (psycopg.OperationalError, sa.exc.OperationalError, sa.exc.TimeoutError) as error:
            # The bare driver error is the usual one: the pool wraps none of what connecting raises.
            raise Unavailable("the database cannot be reached") from error
        raw: Any = borrowed.driver_connection
        try:
            yield Connection(raw, self.prepare, self._count)
        except psycopg.OperationalError as error:
            borrowed.invalidate()
            translated = _translated(error)
            if isinstance(translated, Unavailable):
                self.engine.dispose()  # what else lies in the pool is as dead; the next request connects anew
            raise translated from error
        finally:
            borrowed.close()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Borrow a connection and open a transaction: committed at the end, rolled back by any exception."""
        with self.connect() as connection, connection.transaction():
            yield connection

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
        """Close all pooled connections."""
        self.engine.dispose()


def _translated(error: psycopg.OperationalError) -> Exception:
    """Losing the server is Unavailable; what the server said itself (lock timeouts, say) keeps its own class."""
    if error.sqlstate and not error.sqlstate.startswith(("08", "57P")):
        return error
    return Unavailable("the database connection was lost")
