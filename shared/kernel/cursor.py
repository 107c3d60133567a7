"""The driver's cursor, for threads: a prepared statement is one call of libpq.

The driver sends, waits and fetches in steps, so that a signal or another coroutine may come in between. Each step gives
the interpreter's lock away and asks for it again, behind every other thread that wants it; beside short statements that
costs more than the statements. Here a statement that is prepared already waits within one call. Everything else (what
is prepared for the first time, what is never prepared, COPY) goes the driver's way.

A signal is heard when the statement has ended: prepared are short statements only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
from psycopg._preparing import Prepare
from psycopg.pq import ConnStatus

if TYPE_CHECKING:
    from psycopg._queries import PostgresQuery
    from psycopg.abc import PQGen


class PromptCursor(psycopg.Cursor[Any]):
    """Overrides the one step of the driver in which a statement is sent and its result fetched."""

    def _maybe_prepare_gen(
        self, pgq: PostgresQuery, *, prepare: bool | None = None, binary: bool | None = None
    ) -> PQGen[None]:
        ready, name = self._get_prepared(pgq, prepare)
        if ready is not Prepare.YES or self._conn._pipeline is not None:
            yield from super()._maybe_prepare_gen(pgq, prepare=prepare, binary=binary)
            return
        self._conn._prepared.maybe_add_to_cache(pgq, ready, name)  # it was used just now: others go first
        params: Any = pgq.params  # None is a parameter, too
        result = self._pgconn.exec_prepared(name, params, pgq.formats, self.format)
        if self._pgconn.status == ConnStatus.BAD and not result.error_field(psycopg.pq.DiagnosticField.SQLSTATE):
            raise psycopg.OperationalError(self._pgconn.get_error_message())
        self._check_results([result])
        self._set_results([result])
