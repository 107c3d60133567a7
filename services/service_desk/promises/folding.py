"""From history to clocks: everything that is known of tickets, in order, under any book. Nothing is written.

The same fold that writes carry on, from its beginning. Of what happened at one instant, the ticket's beginning comes
first, then what was said, then what was changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from services.service_desk.domain.clocks import follow
from services.service_desk.domain.progress import Progress, Step
from services.service_desk.promises import rows
from services.service_desk.promises.books import Loaded
from services.service_desk.promises.instants import ms
from services.service_desk.promises.keeping import SAYS, TICKET, heeded, standing
from shared.kernel.db import Connection
from shared.service.home import Home

_SAID = """
select ticket_id, at, author from sla_said where ticket_id = any(%(ids)s::bigint[]) order by ticket_id, at, entry_id
"""
_CHANGE, _SPEECH = 1, 0
Happening = tuple[int, int, Any]


def progress_of(
    connection: Connection, home: Home, loaded: Loaded, ids: Sequence[int], *, lock: bool = False
) -> dict[int, Progress]:
    """The clocks of live tickets; others are left out. A constant number of statements.

    lock: tickets and rows are held, in the order in which writes take them, so that nothing comes between.
    """
    lives = home.lives(connection, TICKET, ids, sorted(heeded(loaded)), lock=lock)
    if lock:
        rows.hold(connection, ids)
    happenings: dict[int, list[Happening]] = {ident: [] for ident in ids}
    for ident, at, author in connection.rows(_SAID, {"ids": list(ids)}, prepare=True):
        happenings[ident].append((ms(at), _SPEECH, author))
    found = {}
    for one in lives:
        steps = _steps(loaded, ms(one.since), _ordered(one.values, one.changes), happenings[one.id])
        found[one.id] = follow(loaded.book, steps)
    return found


def _ordered(
    values: Mapping[str, Any], changes: Sequence[tuple[datetime, Mapping[str, Sequence[Any]]]]
) -> tuple[dict[str, Any], list[tuple[int, dict[str, Any]]]]:
    """The values at the beginning, and those after each change, in the order of versions and never back in time."""
    first = dict(values)
    for _, changed in reversed(changes):
        first |= {key: old for key, (old, _) in changed.items()}
    now, at, after = dict(first), 0, []
    for moment, changed in changes:
        at = max(at, ms(moment))
        now = {**now, **{key: new for key, (_, new) in changed.items()}}
        after.append((at, now))
    return first, after


def _steps(
    loaded: Loaded, since: int, ordered: tuple[dict[str, Any], list[tuple[int, dict[str, Any]]]], said: list[Happening]
) -> Iterator[Step]:
    first, after = ordered
    changes: list[Happening] = [(max(at, since), _CHANGE, values) for at, values in after]
    speech = [(max(at, since), kind, author) for at, kind, author in said]
    known = standing(loaded, since, _there(first))
    yield known
    for at, kind, what in sorted((*changes, *speech), key=lambda one: one[:2]):
        if kind == _CHANGE:
            known = standing(loaded, at, _there(what))
            yield known
        else:
            yield Step(at, known.state, known.priority, known.facts, SAYS[what])


def _there(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}
