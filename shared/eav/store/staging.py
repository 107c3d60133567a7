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
# Drawn as the row comes in, moments before the insert that it is for.
_IDENT = "id bigint not null default nextval('eav_entity_id'), "


def stage(
    connection: Connection, name: str, shape: Mapping[str, Any], lines: Iterable[str], *, new: bool = False
) -> None:
    """Make the table and fill it; lines hold the columns in order. They can be read back in this order.

    new: every row gets an id as it comes in.
    """
    columns = ", ".join(f"{column} {kind.compile(dialect=_DIALECT)}" for column, kind in shape.items())
    connection.run(f"create temporary table {name}({_IDENT if new else ''}{columns}) on commit drop")
    connection.copy(f"copy pg_temp.{name}({', '.join(shape)}) from stdin", blocks(lines))
