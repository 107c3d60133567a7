"""A statement over rows that are handed to it: a single one by its columns, several as one JSON list.

The server reads a list and makes rows of it, which costs more than what most statements do with one row; a batch must
not be a statement per row. So such a statement has two texts, and both are prepared like any other. Not for statements
whose cost nobody counts: those take a list at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shared.kernel.json import dumps


class Listed:
    """sql: with `{given}` where the rows go, which must be called something there. name: parameters begin so. columns:
    PostgreSQL's types by column. by: which column orders several; the limit that goes with it takes nothing
    away: of a list PostgreSQL expects a hundred rows, and would read all of a table for them, of a limit that it cannot
    see, ten.
    """

    def __init__(self, sql: str, name: str, columns: Mapping[str, str], *, by: str = "") -> None:
        one = ", ".join(f"%({name}_{column})s::{kind} as {column}" for column, kind in columns.items())
        shape = ", ".join(f"{column} {kind}" for column, kind in columns.items())
        order = f" order by {by} limit (select json_array_length(%({name})s::json))" if by else ""
        several = f"select * from json_to_recordset(%({name})s::json) as listed({shape}){order}"
        self.one, self.several = (sql.replace("{given}", f"({given})") for given in (f"select {one}", several))
        self._name = name
        self._parameters = [(f"{name}_{column}", column, kind == "jsonb") for column, kind in columns.items()]

    def of(self, rows: Sequence[Mapping[str, Any]]) -> tuple[str, dict[str, Any]]:
        """The statement over rows, and its parameters. A row has every column: what JSON can hold, or an instant of UTC
        without zone."""
        if len(rows) != 1:
            return self.several, {self._name: dumps(rows).decode()}
        row = rows[0]
        params = {}
        for name, column, as_json in self._parameters:
            value = row[column]
            if as_json:
                value = dumps(value).decode()
            elif value is not None and type(value) is not str and type(value) is not bool:
                value = str(value)  # of a number the driver makes another type for every size, and prepares anew
            params[name] = value
        return self.one, params
