"""Temporary tables for the rows of a bulk call, filled by COPY and gone with the transaction.

Only inside a transaction. Not for a handful of rows: making a table costs more than sending them as a parameter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy.dialects import postgresql as pg

from shared.kernel.copying import blocks
from shared.kernel.db import Connection

_DIALECT = pg.dialect()


def stage(connection: Connection, name: str, shape: Mapping[str, Any], lines: Iterable[str]) -> None:
    """Make the table and fill it; lines hold the columns in order. They can be read back in this order."""
    columns = ", ".join(f"{column} {kind.compile(dialect=_DIALECT)}" for column, kind in shape.items())
    connection.run(f"create temporary table {name}({columns}) on commit drop")
    connection.copy(f"copy pg_temp.{name}({', '.join(shape)}) from stdin", blocks(lines))
