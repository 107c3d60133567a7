"""From history to clocks: everything that is known of tickets, in order, under any book. Nothing is written.

The same fold that writes carry on, from its beginning. Of what happened at one instant, the ticket's beginning comes
first, then what was said, then what was changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any

from services.service_desk.domain.clocks import follow
from services.service_desk.domain.progress import Progress, Step
from services.service_desk.promises import linked, rows
from services.service_desk.promises.books import Loaded
from services.service_desk.promises.instants import ms
from services.service_desk.promises.keeping import OPEN as _OPEN
from services.service_desk.promises.keeping import SAYS, TICKET
from shared.kernel.db import Connection
from shared.service.home import Home, Life

_SAID = """
select ticket_id, floor(extract(epoch from at) * 1000)::bigint, author from sla_said
where ticket_id = any(%(ids)s::bigint[]) order by ticket_id, at, entry_id
"""
_LINKED, _SPEECH, _CHANGE = -1, 0, 1
_CLOSED = "closed"
Happening = tuple[int, int, Any]
_IN_ORDER = itemgetter(0, 1)


def progress_of(
    connection: Connection,
    home: Home,
    loaded: Loaded,
    ids: Sequence[int],
    *,
    lock: bool = False,
    archived: bool = False,
) -> dict[int, Progress]:
    """The clocks of live tickets, or of archived ones; others are left out. A constant number of statements.

    lock: tickets and rows are held, in the order in which writes take them, so that nothing comes between.
    """
    told = histories(connection, home, loaded, ids, lock=lock, archived=archived)
    return {ident: follow(loaded.book, steps) for ident, steps in told.items()}


def histories(
    connection: Connection,
    home: Home,
    loaded: Loaded,
    ids: Sequence[int],
    *,
    lock: bool = False,
    archived: bool = False,
) -> dict[int, list[Step]]:
    """All that is known of live tickets, in order; others are left out. `lock` and `archived` as above."""
    lives = home.lives(connection, TICKET, ids, sorted(loaded.heeded), lock=lock, archived=archived)
    if lock:
        rows.hold(connection, ids)
    speech: dict[int, list[Happening]] = {}
    for ident, at, author in connection.rows(_SAID, {"ids": list(ids)}, prepare=True):
        speech.setdefault(ident, []).append((at, _SPEECH, author))
    begun = {one.id: None if one.values.get(loaded.status) == _CLOSED else ms(one.since) for one in lives}
    told = linked.answers(connection, home, loaded, begun, note=lock)
    return {one.id: steps_of(loaded, one, speech.get(one.id, ()), told.get(one.id, ())) for one in lives}


def steps_of(
    loaded: Loaded, life: Life, speech: Iterable[Happening], links: Iterable[tuple[int, dict[str, bool]]] = ()
) -> list[Step]:
    """A ticket's whole history. Versions stand in their order and never go back in time; nothing comes before the
    beginning. links: from when on which answers about linked entities are so."""
    status, priority, asked = loaded.status, loaded.priority, loaded.asked
    now = _begun(life)
    at = since = ms(life.since)
    happenings = [(max(moment, since), kind, author) for moment, kind, author in speech]
    happenings += [(max(moment, since), _LINKED, what) for moment, what in links]
    for moment, changed in life.changes:
        at = max(at, ms(moment))
        happenings.append((at, _CHANGE, changed))
    happenings.sort(key=_IN_ORDER)
    happenings, first = _from_beginning(happenings, since)
    fits = dict(first)
    state, urgency, facts = now.get(status) or _OPEN, now.get(priority), {**loaded.facts(now), **fits}
    steps = [Step(since, state, urgency, facts)]
    for at, kind, what in happenings:
        if kind == _LINKED:
            fits = _true({**fits, **what})
            facts = {**loaded.facts(now), **fits}
            steps.append(Step(at, state, urgency, facts))
            continue
        if kind == _SPEECH:
            steps.append(Step(at, state, urgency, facts, SAYS[what]))
            continue
        for key, (_, new) in what.items():
            now[key] = new
        state, urgency = now.get(status) or _OPEN, now.get(priority)
        if any(key in what for key in asked):
            facts = {**loaded.facts(now), **fits}
        steps.append(Step(at, state, urgency, facts))
    return steps


def _from_beginning(happenings: list[Happening], since: int) -> tuple[list[Happening], dict[str, bool]]:
    """Without the answers that are so from the beginning; and those."""
    first: dict[str, bool] = {}
    for at, kind, what in happenings:
        if kind == _LINKED and at <= since:
            first.update(what)
    return [one for one in happenings if one[1] != _LINKED or one[0] > since], _true(first)


def _true(answers: dict[str, bool]) -> dict[str, bool]:
    return {key: True for key, fits in answers.items() if fits}


def _begun(life: Life) -> dict[str, Any]:
    """The values at the beginning."""
    first = dict(life.values)
    for _, changed in reversed(life.changes):
        for key, (old, _) in changed.items():
            first[key] = old
    return first
