"""How each subscription is doing, kept in the database so that a status page in another process can show it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg

from shared.kernel.clock import monotonic
from shared.kernel.db import Connection, Database
from shared.kernel.errors import CrmError

FOLLOWING = "following"
FAILING = "failing"
GONE = "gone"

WRITE_EVERY = 2.0

_WRITE = """insert into consumer_state (subscription, source, state, error, failures, behind, since, seen_at)
select %(subscription)s, %(source)s, %(state)s, %(error)s, %(failures)s, %(behind)s, now.at, now.at
from (select clock_timestamp() at time zone 'UTC' as at) now
on conflict (subscription) do update set source = excluded.source, state = excluded.state, error = excluded.error,
    failures = excluded.failures, behind = coalesce(excluded.behind, consumer_state.behind),
    since = case when consumer_state.state = excluded.state then consumer_state.since else excluded.since end,
    seen_at = excluded.seen_at"""


_STATES = """select subscription, source, state, error, failures, behind, since, seen_at,
    (select count(*) from dead_letter d where d.subscription = consumer_state.subscription)
from consumer_state order by subscription"""


@dataclass(frozen=True, slots=True)
class ConsumerState:
    """One subscription as last noted. `since`: how long it has been in this state; `behind`: at most so many events.

    dead_letters: how many events are put aside.
    """

    subscription: str
    source: str
    state: str
    error: str | None
    failures: int
    behind: int | None
    since: datetime
    seen_at: datetime
    dead_letters: int = 0


class StateNote:
    """Writes one subscription's state: at once when it changes, else every two seconds. Outlives a lost database."""

    def __init__(self, database: Database, subscription: str, source: str) -> None:
        self._database = database
        self._names = {"subscription": subscription, "source": source}
        self._last: tuple[str, float] | None = None

    def write(self, state: str, *, error: str | None = None, failures: int = 0, behind: int | None = None) -> None:
        """Note a state; the error's text must not contain personal values."""
        now = monotonic()
        if self._last is not None and self._last[0] == state and now - self._last[1] < WRITE_EVERY:
            return
        values = {**self._names, "state": state, "error": error, "failures": failures, "behind": behind}
        try:
            with self._database.connect() as connection:
                connection.run(_WRITE, values)
        except (CrmError, psycopg.Error):
            return
        self._last = (state, now)


def states(connection: Connection) -> list[ConsumerState]:
    """All subscriptions of this database, by name."""
    return [
        ConsumerState(name, source, state, error, failures, behind, _utc(since), _utc(seen_at), dead)
        for name, source, state, error, failures, behind, since, seen_at, dead in connection.rows(_STATES)
    ]


def _utc(instant: datetime) -> datetime:
    return instant.replace(tzinfo=UTC)
