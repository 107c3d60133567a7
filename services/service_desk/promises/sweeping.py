"""What time brings: clocks looked at when they are due, thresholds put into the ledger, histories worked out anew.

Looked for every few seconds. A round that was missed is made up for by the next: what was reached meanwhile is found by
the same index, and the ledger tells how late it was noticed. Nothing due costs one statement: looks into empty indexes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from services.service_desk.domain.thresholds import Reached, passed
from services.service_desk.promises import rows
from services.service_desk.promises.acting import act
from services.service_desk.promises.books import Books, Loaded
from services.service_desk.promises.folding import progress_of
from services.service_desk.promises.instants import ms, naive
from services.service_desk.promises.keeping import TICKET, Keeping
from services.service_desk.promises.leaving import UNTOLD, settle, waiting
from services.service_desk.promises.showing import UNSHOWN, show
from shared.kernel.clock import monotonic, now
from shared.kernel.db import Connection, Database
from shared.service.home import Home
from shared.service.pipelines.visits import telling
from shared.service.prompting import Prompt, Round
from shared.service.steps import Steps

_AT_ONCE = 500
_SECONDS = 10.0
_ANEW = """
select ticket_id from (
    select ticket_id from sla_clock where redo and not gone order by ticket_id limit %(limit)s) untold
union select ticket_id from (
    select ticket_id from sla_clock where live and not gone and revision < %(revision)s
    order by revision limit %(limit)s) stale
order by ticket_id limit %(limit)s
"""
_STEPPED = "ticket_id = any(%(ids)s::bigint[]) and pending <> '[]'"
_DUE = """next_at <= %(now)s and not redo and not gone and revision = %(revision)s
order by next_at limit %(limit)s for update skip locked"""


_ANYTHING = f"""
select exists (select from sla_clock where redo and not gone)
    or coalesce((select min(revision) from sla_clock where live and not gone) < (select n from sla_revision), false)
    or exists (select from sla_clock where next_at <= %(now)s and not redo and not gone)
    or exists (select from sla_action where done_at is null)
    or exists (select from sla_clock where {UNSHOWN})
    or exists (select from sla_clock where {UNTOLD})
"""


@dataclass(frozen=True, slots=True)
class Desk:
    """What a round needs."""

    home: Home
    books: Books

    @classmethod
    def of(cls, database: Database) -> Desk:
        """For a process without a runtime. What it writes moves clocks like any other write."""
        books = Books()
        keeping = Keeping(books, lambda name: desk.home.type(name))
        desk = cls(Home.of(database, telling({}, Steps((keeping.ride,), (keeping,)))), books)
        return desk

    def book(self, connection: Connection) -> Loaded:
        """The book as it stands now."""
        return self.books.current(connection, self.home.type(TICKET), now=True)


def sweep(database: Database) -> int:
    """One round; how many tickets something was done about."""
    return swept(Desk.of(database))


def anything_due(connection: Connection) -> bool:
    """Whether a round would find anything, by the indexes that it goes by."""
    row = connection.row(_ANYTHING, {"now": naive(ms(now()))}, prepare=True)
    return row is not None and bool(row[0])


def begin(database: Database) -> Round:
    """Rounds of one process."""
    desk = Desk.of(database)

    def again() -> int:
        desk.home.fresh(TICKET)  # another process may have changed what tickets are since the last round
        return swept(desk)

    return again


def swept(desk: Desk) -> int:
    """The same, with what it needs."""
    until, count = monotonic() + _SECONDS, 0
    phases: tuple[Callable[[Desk], int], ...] = (work_out_anew, look, act_on, tell, take_leave)
    for phase in phases:
        while (done := phase(desk)) and monotonic() < until:
            count += done
        count += done
    return count


def work_out_anew(desk: Desk) -> int:
    """Some tickets from their history: what writes could not carry on, and what another book has to say."""
    with desk.home.database.transaction() as connection:
        loaded = desk.book(connection)
        found = connection.rows(_ANEW, {"revision": loaded.revision, "limit": _AT_ONCE})
        if not found:
            return 0
        ids = [row[0] for row in found]
        known = progress_of(connection, desk.home, loaded, ids, lock=True)
        # What was reached before steps that were added was reached, whatever history will say.
        stepped = rows.listed(connection, loaded.book, _STEPPED, {"ids": ids})
        rows.note(connection, [news for row in stepped for news in row.news(row.reached)], ms(now()))
        rows.put(
            connection,
            [rows.record(loaded.book, ident, one, loaded.revision, one.at - 1) for ident, one in known.items()],
        )
        rows.redo(connection, [ident for ident in ids if ident not in known], gone=True)
        return len(ids)


def look(desk: Desk) -> int:
    """Some tickets that were to be looked at by now."""
    with desk.home.database.transaction() as connection:
        loaded, at = desk.book(connection), ms(now())
        params = {"now": naive(at), "revision": loaded.revision, "limit": _AT_ONCE}
        found = rows.listed(connection, loaded.book, _DUE, params)
        reached: list[tuple[int, Reached]] = []
        records = []
        for row in found:
            progress, marks = passed(loaded.book, row.progress, at)
            reached += row.news((*row.reached, *marks))
            records.append(rows.record(loaded.book, row.ticket, progress, loaded.revision, at))
        rows.note(connection, reached, at)
        rows.put(connection, records)
        rows.redo(connection, [row.ticket for row in found if row.redo])
        return len(found)


def act_on(desk: Desk) -> int:
    """Some thresholds of the ledger that nothing was done about yet."""
    desk.home.fresh(TICKET)  # they may set what another process has just made
    with desk.home.database.transaction() as connection:
        return act(connection, desk.home, desk.book(connection))


def tell(desk: Desk) -> int:
    """Some tickets whose own values do not tell yet how their clocks stand."""
    with desk.home.database.transaction() as connection:
        return show(connection, desk.home, desk.book(connection))


def take_leave(desk: Desk) -> int:
    """Some tickets that were archived before anybody told how their clocks stood."""
    with desk.home.database.transaction() as connection:
        return settle(connection, desk.home, desk.book(connection)) if waiting(connection) else 0


CLOCKS = Prompt(anything_due, begin)
