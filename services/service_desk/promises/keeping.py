"""The step in every write of a ticket or of what was said about one: its clocks move in the transaction of the write.

What a creation, or a change that clocks heed, does to them rides along with its event: no statement more. What cannot
be folded onto what is known (something that happened earlier, another revision of the book) is left to the sweep, which
starts from history.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from services.service_desk.domain.clocks import follow
from services.service_desk.domain.progress import Progress, Said, Step
from services.service_desk.domain.thresholds import passed
from services.service_desk.promises import rows
from services.service_desk.promises.books import Books, Loaded
from services.service_desk.promises.instants import from_text, ms, naive
from services.service_desk.promises.rows import Row
from shared.kernel.clock import now
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.kernel.errors import Invalid
from shared.kernel.json import dumps
from shared.service.steps import LiveType, Rider, Written

TICKET, ENTRY = "ticket", "ticket_entry"
SAYS: Mapping[Any, Said] = {"AGENT": Said.AGENT, "CUSTOMER": Said.CUSTOMER}
OPEN = "open"
"""How a ticket stands whose stage does not say."""
_GOING = frozenset({"archived", "absorbed"})
_SAID = """
insert into sla_said (ticket_id, at, entry_id, author)
select ticket_id, at, entry_id, author
from json_to_recordset(%(rows)s::json) as r(ticket_id bigint, at timestamp, entry_id bigint, author text)
on conflict do nothing
"""
_UNSAID = "delete from sla_said where (ticket_id, entry_id) in (select * from unnest(%(t)s::bigint[], %(e)s::bigint[]))"


class Keeping:
    """Two steps: `ride` for tickets, the other for what is said about them. type_of: a live type by name."""

    def __init__(self, books: Books, type_of: Callable[[str], LiveType]) -> None:
        self._books = books
        self._type_of = type_of

    def __call__(self, connection: Connection, live: LiveType, written: Sequence[Written], context: Context) -> None:
        """Move the clocks of tickets that something was said about."""
        if live.name == ENTRY:
            self._entries(connection, live, written, context)

    def ride(
        self, connection: Connection, live: LiveType, written: Sequence[Written], context: Context
    ) -> Sequence[Rider]:
        """Move the clocks of tickets that were written."""
        if live.name != TICKET:
            return ()
        loaded = self._books.current(connection, live)
        begun: dict[int, Step] = {}
        added: dict[int, list[Step]] = {}
        other: list[Written] = []
        for one in written:
            if one.kind == "created":
                begun[one.state.id] = step_of(loaded, one, context)
            elif one.kind != "updated":
                other.append(one)
            elif not loaded.heeded.isdisjoint(one.changed):
                added.setdefault(one.state.id, []).append(step_of(loaded, one, context))
        riders = [_created(loaded, begun)] if begun else []
        if not begun.keys().isdisjoint(added):  # a rider does not see what another one makes
            _run(connection, riders.pop())
        if added:
            riders.append(rows.added(added, loaded.revision, ms(now())))
        if other:
            rows.redo(connection, [one.state.id for one in other if one.kind not in _GOING])
            rows.redo(connection, [one.state.id for one in other if one.kind in _GOING], gone=True)
        return riders

    def _entries(self, connection: Connection, live: LiveType, written: Sequence[Written], context: Context) -> None:
        public = [one for one in written if one.kind != "updated" and _heard(live, one)]
        if not public:
            return
        loaded = self._books.current(connection, self._type_of(TICKET))
        found = rows.locked(connection, loaded.book, sorted({_ticket(live, one) for one in public}))
        folding = Folding(loaded, found)
        said, unsaid = [], []
        for one in public:
            ticket, at, author = _ticket(live, one), _said_at(live, one), _value(live, one, "author")
            if ticket not in found:
                _unknown(ticket, context)
            elif one.kind in _GOING:
                unsaid.append((ticket, one.state.id))
                folding.again.add(ticket)
            else:
                row = {"ticket_id": ticket, "at": naive(at).isoformat(), "entry_id": one.state.id, "author": author}
                said.append(row)
                folding.hear(ticket, at, SAYS[author], late=one.kind != "created")
        if said:
            connection.run(_SAID, {"rows": dumps(said).decode()}, prepare=True)
        if unsaid:
            connection.run(_UNSAID, {"t": [one for one, _ in unsaid], "e": [entry for _, entry in unsaid]})
        folding.write(connection)


class Folding:
    """What was said onto locked rows. again: tickets to be worked out anew."""

    def __init__(self, loaded: Loaded, found: Mapping[int, Row]) -> None:
        self._loaded = loaded
        self._found = dict(found)
        self._changed: dict[int, Progress] = {}
        self._reached = [news for row in found.values() for news in row.news(row.reached)]
        self.again: set[int] = set()

    def take(self, ticket: int, step: Step) -> None:
        """How a ticket stands from an instant on."""
        row = self._found.get(ticket)
        if row is None or row.redo or row.gone:
            return
        if row.revision != self._loaded.revision or step.at < row.progress.at:
            # What was reached until now was reached, whatever history will say: the sweep would look too late.
            self._reached += row.news(passed(self._loaded.book, row.progress, ms(now()))[1])
            self.again.add(ticket)
            return
        progress, found = passed(self._loaded.book, row.progress, step.at - 1)
        self._reached += row.news(found)
        after = follow(self._loaded.book, (step,), progress)
        self._found[ticket] = replace(row, progress=after)
        self._changed[ticket] = after

    def hear(self, ticket: int, at: int, said: Said, *, late: bool) -> None:
        """Somebody wrote. Of things at one instant, what is said comes first: else history is asked."""
        row = self._found[ticket]
        known = row.progress
        if late or at <= known.at:
            self.again.add(ticket)
        else:
            self.take(ticket, Step(at, known.state, known.priority, known.facts, said))

    def write(self, connection: Connection) -> None:
        """Rows, and what was reached before the steps."""
        loaded, changed = self._loaded, self._changed
        rows.note(connection, self._reached, ms(now()))
        rows.put(
            connection,
            [
                rows.record(loaded.book, ticket, one, loaded.revision, one.at - 1)
                for ticket, one in changed.items()
                if ticket not in self.again
            ],
        )
        rows.redo(connection, sorted(self.again))


def _created(loaded: Loaded, steps: Mapping[int, Step]) -> Rider:
    folded = [(ident, follow(loaded.book, (step,))) for ident, step in steps.items()]
    return rows.created(rows.record(loaded.book, ident, one, loaded.revision, one.at - 1) for ident, one in folded)


def _run(connection: Connection, rider: Rider) -> None:
    connection.run(rider.sql, rider.params, prepare=True)


def step_of(loaded: Loaded, one: Written, context: Context) -> Step:
    """How a ticket stands after a write."""
    since = one.effective_at or context.effective_at
    shown = one.state.created_at if one.kind == "created" else one.state.updated_at
    return standing(loaded, from_text(shown) if since is None else ms(since), one.state.values)


def standing(loaded: Loaded, at: int, values: Mapping[str, Any]) -> Step:
    """How a ticket of these canonical values by attribute key stands from an instant on."""
    return Step(at, values.get(loaded.status) or OPEN, values.get(loaded.priority), loaded.facts(values))


def _heard(live: LiveType, one: Written) -> bool:
    return _value(live, one, "visibility") == "PUBLIC" and _value(live, one, "author") in SAYS


def _ticket(live: LiveType, one: Written) -> int:
    return int(_value(live, one, "ticket_id"))


def _said_at(live: LiveType, one: Written) -> int:
    return from_text(_value(live, one, "said_at") or one.state.created_at)


def _value(live: LiveType, one: Written, name: str) -> Any:
    return one.state.values.get(live.attributes[name].key)


def _unknown(ticket: int, context: Context) -> None:
    # A file of a thousand rows is not given up for one of them: what is said about no ticket moves no clock.
    if context.source != "IMPORT":
        raise Invalid.one("ticket_id", "INVALID_OPTION", f"there is no ticket {ticket}")
