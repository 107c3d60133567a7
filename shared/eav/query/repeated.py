"""Questions that are asked again and again: the first page of a list that people keep open, the count beside it.

Planning a page costs PostgreSQL as much as finding it, since it looks at every index of the table. One plan for all
values would be a trap (docs/adr/0007), but one for these very values is the right one. So a question that has come a
few times has its values written into the statement: without parameters PostgreSQL plans it once and keeps the plan. It
is kept for `KEPT` seconds, then made anew, however the tables have grown meanwhile (docs/adr/0035).

Only numbers, instants and booleans are written out, option ids among them: texts are personal, and statements end up in
the server's log when they fail. Not for pages behind a cursor, each of which is asked once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from shared.kernel.clock import monotonic

KEPT = 60.0
OFTEN = 3
MOST = 1000
_PLACEHOLDER = re.compile(r"%\((\w+)\)s|%%")
Key = tuple[str, tuple[Any, ...]]


class Repeated:
    """What one process has been asked within the last `KEPT` seconds. Threads may lose a count of each other."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._turn = 0
        self._seen: dict[Key, int] = {}
        self._written: dict[Key, str] = {}

    def statement(self, sql: str, params: Mapping[str, Any]) -> str | None:
        """The statement with its values written into it, None for what has not come often or has other values."""
        values = tuple(params.values())
        if not all(type(value) in _WRITERS for value in values):
            return None
        turn = int(self._clock() / KEPT)
        if turn != self._turn or len(self._seen) > MOST:
            self._turn, self._seen, self._written = turn, {}, {}
        key = (sql, values)
        written = self._written.get(key)
        if written is None:
            times = self._seen[key] = self._seen.get(key, 0) + 1
            if times > OFTEN:
                # The turn makes it another statement, of which no connection has a plan yet.
                written = self._written[key] = f"{written_out(sql, params)}\n-- {turn}"
        return written


def written_out(sql: str, params: Mapping[str, Any]) -> str:
    """The statement without parameters. Only for values that have a writer."""

    def spelled(found: re.Match[str]) -> str:
        return "%" if found[1] is None else _WRITERS[type(params[found[1]])](params[found[1]])

    return _PLACEHOLDER.sub(spelled, sql)


def _quoted(value: object) -> str:
    return f"'{value}'"


# By the very type: what derives from one of these may be written otherwise. Casts stand in the statement.
_WRITERS: dict[type, Callable[[Any], str]] = {
    int: _quoted,
    Decimal: lambda value: _quoted(format(value, "f")),
    datetime: lambda value: _quoted(value.isoformat()),
    bool: lambda value: "true" if value else "false",
}
