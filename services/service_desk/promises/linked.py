"""What policies ask of linked entities (`company.industry`): answers, and since when they are so.

Nobody keeps what links and linked values were: each answer is noted here from when it was first seen to be so. The
first one counts from a ticket's beginning while the ticket is worked on, from now on where it is closed; what is noted
stays, so that clocks worked out anew are the same. Whoever changes a link or a linked value has the tickets concerned
looked at again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from services.service_desk.domain.thresholds import passed
from services.service_desk.promises import rows
from services.service_desk.promises.books import Loaded
from services.service_desk.promises.instants import ms, naive
from services.service_desk.promises.keeping import TICKET
from shared.kernel.clock import now
from shared.kernel.db import Connection
from shared.service.home import Home

Told = Mapping[int, list[tuple[int, dict[str, bool]]]]
"""By ticket, from when on which answers are so; in order."""
_KNOWN = """
select ticket_id, question, at, fits from sla_linked
where ticket_id = any(%(ids)s::bigint[]) and question = any(%(questions)s::text[]) order by ticket_id, at
"""
_NOTE = """
insert into sla_linked (ticket_id, question, at, fits)
select * from unnest(%(t)s::bigint[], %(q)s::text[], %(a)s::timestamp[], %(f)s::bool[])
on conflict (ticket_id, question, at) do update set fits = excluded.fits
"""
_STOOD = "ticket_id = any(%(ids)s::bigint[]) and revision = %(revision)s and not gone"
_HEEDS = """
insert into sla_heeds (entity_type) select unnest(%(types)s::text[]) on conflict do nothing
"""
_CONCERNED = "select entity_type from sla_heeds where entity_type = any(%(types)s::text[])"


def answers(connection: Connection, home: Home, loaded: Loaded, begun: Mapping[int, int | None], *, note: bool) -> Told:
    """Answers about tickets, with those that are news. begun: since when first answers count; None: from now on.

    note: news is kept; whoever does so holds the tickets. Two statements for each question and one more.
    """
    if not loaded.questions or not begun:
        return {}
    fits = home.asking.answers(connection, TICKET, loaded.questions, list(begun))
    params = {"ids": list(begun), "questions": [one.key for one in loaded.questions]}
    found: dict[int, list[tuple[int, dict[str, bool]]]] = {}
    last: dict[tuple[int, str], bool] = {}
    for ticket, key, at, true in connection.rows(_KNOWN, params, prepare=True):
        found.setdefault(ticket, []).append((ms(at), {key: true}))
        last[ticket, key] = true
    moment = ms(now())
    news: list[tuple[int, str, int, bool]] = []
    for ticket, since in begun.items():
        for one in loaded.questions:
            true, known = one.key in fits.get(ticket, ()), last.get((ticket, one.key))
            if true is not known:
                news.append((ticket, one.key, moment if since is None or known is not None else since, true))
    for ticket, key, at, true in news:
        found.setdefault(ticket, []).append((at, {key: true}))
    if note and news:
        _note_reached(connection, loaded, {row[0] for row in news if row[3] or row[2] == moment}, moment)
        _note(connection, news)
    return {ticket: sorted(several, key=lambda one: one[0]) for ticket, several in found.items()}


def heed(connection: Connection, types: Collection[str]) -> None:
    """From now on links to entities of these types matter, and what those show."""
    if types:
        connection.run(_HEEDS, {"types": sorted(types)})


class Heeding:
    """Has tickets looked at again whose links, or linked values, have changed."""

    def concerned(self, connection: Connection, types: Collection[str]) -> Collection[str]:
        """Types that policies ask of."""
        return [row[0] for row in connection.rows(_CONCERNED, {"types": sorted(types)}, prepare=True)]

    def moved(self, connection: Connection, entities: Mapping[str, Collection[int]]) -> None:
        """Tickets among them are worked out anew by the next round, and by whoever asks for their clocks before."""
        rows.again(connection, sorted(entities.get(TICKET, ())))


def _note_reached(connection: Connection, loaded: Loaded, tickets: Collection[int], moment: int) -> None:
    """What clocks reached under the answers before was reached, whatever other ones have them come to."""
    params = {"ids": sorted(tickets), "revision": loaded.revision}
    stood = rows.listed(connection, loaded.book, _STOOD, params) if tickets else []
    reached = ((row, (*row.reached, *passed(loaded.book, row.progress, moment - 1)[1])) for row in stood)
    rows.note(connection, [one for row, marks in reached for one in row.news(marks)], moment)


def _note(connection: Connection, news: list[tuple[int, str, int, bool]]) -> None:
    columns: dict[str, list[Any]] = {name: [row[n] for row in news] for n, name in enumerate("tqaf")}
    connection.run(_NOTE, {**columns, "a": [naive(at) for at in columns["a"]]})
