"""The catalog guard: a write holds its type's shared lock, and was judged by the catalog in force.

A statement carries its guard with it (`GUARDED`, `GUARDED_SQL`), which saves a round trip; `guard` asks on its own,
for writes of several statements of which none could. Not for reads: they answer the catalog version they saw.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import sqlalchemy as sa

from shared.eav.catalog import LiveType, StaleCatalog
from shared.kernel.db import Connection

_MOVED_ON = "CR001"
_SQL = "select eav_guard(%(guarded_type)s, %(guarded_version)s)"
# The guard names no column, so PostgreSQL asks it once and before it touches a row (a "one-time filter"), also when
# there is no row. `eav_guard` is VOLATILE: it takes the lock and then reads the version in a snapshot of its own, so
# it does not matter that the statement's snapshot is older. Whatever changed since then has changed the version.
GUARDED_SQL = f"({_SQL}) is not null"
GUARDED = (
    sa.select(
        sa.func.eav_guard(
            sa.bindparam("guarded_type", type_=sa.Integer()), sa.bindparam("guarded_version", type_=sa.BigInteger())
        )
    )
    .scalar_subquery()
    .is_not(None)
)


def guard_params(live: LiveType) -> dict[str, Any]:
    """The parameters of a guarded statement."""
    return {"guarded_type": live.id, "guarded_version": live.version}


@contextmanager
def guarded(live: LiveType) -> Iterator[None]:
    """Around guarded statements: what the guard refuses raises StaleCatalog."""
    try:
        yield
    except psycopg.DatabaseError as error:
        if error.sqlstate == _MOVED_ON:
            raise StaleCatalog(live.name) from error
        raise


def guard(connection: Connection, live: LiveType) -> None:
    """Hold the type's shared lock until the transaction ends; raises StaleCatalog when the catalog moved on."""
    with guarded(live):
        connection.row(_SQL, guard_params(live), prepare=True)
