"""What was asked and answered before surveys were entities becomes such, each once: in every round of upkeep until none
is left, or when its link is used.

How a ticket stood when it was asked about comes from its history; the agent is the one who was noted. Nothing new is
made here: rows are carried over under a lock, and emptied of what the survey keeps from then on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from services.service_desk.promises.keeping import TICKET
from services.service_desk.satisfaction import entities
from services.service_desk.satisfaction.entities import ABOUT, AS_IT_WAS, CUSTOMER, SOURCE, SURVEY
from shared.kernel.context import SYSTEM, Context
from shared.kernel.db import Connection, Database
from shared.service.home import Home
from shared.service.parts import heirs, refer

_AT_ONCE = 100
_WAITING = "select id from desk_survey where entity_id is null order by id limit %(n)s"
_HOLD = """
select id, ticket_id, cycle, agent, asked_at, score, comment, answered_at from desk_survey
where entity_id is null and id = any(%(ids)s::bigint[]) order by id for update
"""
_CARRIED = """
update desk_survey s set entity_id = g.entity, score = null, comment = null, answered_at = null
from unnest(%(ids)s::bigint[], %(entities)s::bigint[]) g(id, entity) where s.id = g.id
"""


class _Row(NamedTuple):
    """What was noted."""

    id: int
    ticket: int
    cycle: int
    agent: int | None
    asked: datetime
    score: int | None
    comment: str | None
    answered: datetime | None


def carry_earlier(database: Database) -> int:
    """Part of every round: some of what is left; how many. One statement while there is nothing."""
    with database.connect() as connection:
        ids = [row[0] for row in connection.rows(_WAITING, {"n": _AT_ONCE})]
    if not ids:
        return 0
    home = Home.of(database)
    return home.at_once(lambda connection: len(carry(connection, home, ids)))


def carry(connection: Connection, home: Home, ids: Sequence[int]) -> dict[int, int]:
    """Make surveys of these rows, unless somebody else has: {row: survey}."""
    rows = [_row(*one) for one in connection.rows(_HOLD, {"ids": list(ids)})]
    context = Context(SYSTEM, SOURCE)
    standing = _standing(connection, home, rows)
    asked = [(one.ticket, one.cycle, one.asked, standing[one.id]) for one in rows]
    made = dict(zip((one.id for one in rows), entities.made(connection, home, asked, context), strict=True))
    for one in rows:
        if one.score is not None and one.answered is not None:
            told = Context(CUSTOMER, SOURCE, source_id=str(one.id), effective_at=one.answered)
            entities.noted(connection, home, made[one.id], one.score, one.comment, one.answered, told)
    connection.run(_CARRIED, {"ids": [*made], "entities": [*made.values()]})
    wholes = heirs(connection, home.type(TICKET), [one.ticket for one in rows])
    joined = {made[one.id]: wholes[one.ticket] for one in rows if one.ticket in wholes}
    refer(connection, home.type(SURVEY), ABOUT, joined, replace(context, source_id=None))
    entities.show(connection, home, {wholes.get(one.ticket, one.ticket) for one in rows}, context)
    return made


def _standing(connection: Connection, home: Home, rows: Sequence[_Row]) -> dict[int, Mapping[str, Any]]:
    """How each ticket stood when it was asked about, archived and merged ones too."""
    live = home.type(TICKET)
    ids, keys = sorted({one.ticket for one in rows}), [live.attributes[name].key for name in AS_IT_WAS]
    several = [home.lives(connection, TICKET, ids, keys, archived=archived) for archived in (False, True)]
    lives = {one.id: one for some in several for one in some}
    found: dict[int, Mapping[str, Any]] = {}
    for one in rows:
        values = lives[one.ticket].as_of(one.asked) if one.ticket in lives else {}
        found[one.id] = {**entities.standing(live, values), "owner_id": one.agent}
    return found


def _row(*columns: Any) -> _Row:
    row = _Row(*columns)
    answered = None if row.answered is None else row.answered.replace(tzinfo=UTC)
    return row._replace(asked=row.asked.replace(tzinfo=UTC), answered=answered)
