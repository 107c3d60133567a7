"""Rows as parameters of a statement: a single one by its columns, several as one JSON list.

The server reads a list and makes rows of it, which costs more than what most statements do with one row; a batch must
not be a statement per row. So a statement has two texts, of one form each; both are prepared like any other. Not for
statements whose cost nobody counts: those take a list at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from shared.kernel.json import dumps


@dataclass(frozen=True)
class Listed:
    """name: of the parameters, which begin so. columns: PostgreSQL's types by column. by: which column orders several.

    The limit of those that are ordered takes nothing away: of such a list PostgreSQL expects a hundred rows, and would
    read all of a table for them, of a limit that it cannot see, ten.
    """

    name: str
    columns: Mapping[str, str] = field(hash=False)
    by: str = ""

    def filled(self, sql: str, rows: Sequence[Mapping[str, Any]]) -> tuple[str, dict[str, Any]]:
        """The statement, with rows where it says `{given}` (which must be called something), and its parameters.
        A row has every column: what JSON can hold, or an instant of UTC without zone."""
        if len(rows) != 1:
            return _of_several(self, sql), {self.name: dumps(rows).decode()}
        (row,) = rows
        return _of_one(self, sql), {
            f"{self.name}_{column}": _told(row[column], kind) for column, kind in self.columns.items()
        }


def _told(value: Any, kind: str) -> Any:
    """A parameter. Numbers as text: the driver would take another kind of number for every size, and prepare anew."""
    if kind == "jsonb":
        return dumps(value).decode()
    return value if value is None or isinstance(value, str | bool) else str(value)


@lru_cache(maxsize=128)
def _of_one(listed: Listed, sql: str) -> str:
    given = ", ".join(f"%({listed.name}_{one})s::{kind} as {one}" for one, kind in listed.columns.items())
    return sql.replace("{given}", f"(select {given})")


@lru_cache(maxsize=128)
def _of_several(listed: Listed, sql: str) -> str:
    shape = ", ".join(f"{one} {kind}" for one, kind in listed.columns.items())
    parameter = f"%({listed.name})s::json"
    order = f" order by {listed.by} limit (select json_array_length({parameter}))" if listed.by else ""
    return sql.replace("{given}", f"(select * from json_to_recordset({parameter}) as listed({shape}){order})")
