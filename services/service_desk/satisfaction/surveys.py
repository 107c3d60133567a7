"""Who was asked, by which link, and taking their answer: rows of links, each with its survey (`entities`).

Somebody is asked once per ticket and cycle, and answers once: a second answer finds the first. The row is locked, so
that of two at the same time one is the first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from services.service_desk.macros.deeds import Ask
from services.service_desk.promises.keeping import TICKET
from services.service_desk.satisfaction import entities
from services.service_desk.satisfaction.carrying import carry
from services.service_desk.satisfaction.entities import CUSTOMER, SOURCE, SURVEY, naive
from services.service_desk.satisfaction.signing import Link, keys_of, signed
from shared.kernel.clock import now
from shared.kernel.config import Settings
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.kernel.errors import NotFound
from shared.service.home import Home, LiveType, State
from shared.service.parts import heirs

PATH = "/api/v1/service_desk/satisfaction/"
LEAST, MOST = 1, 5
MOST_COMMENT = 2000
_ASK = """
insert into desk_survey (ticket_id, cycle, agent, asked_at, expires_at)
values (%(ticket)s, %(cycle)s, %(agent)s, %(asked)s, %(expires)s) on conflict do nothing returning id
"""
_MADE = "update desk_survey set entity_id = %(entity)s where id = %(id)s"
_READ = """
select ticket_id, cycle, coalesce(agent, 0), expires_at, entity_id, score, comment, answered_at
from desk_survey where id = %(id)s
"""
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Survey:
    """A question that was asked, and its answer. entity: the survey, None for one that is not carried over yet."""

    entity: int | None
    score: int | None = None
    comment: str | None = None
    answered: datetime | None = None


def asking(settings: Settings) -> Callable[[Home], Ask]:
    """What asks, made of where the system answers and of its secrets, which are read when they are first needed."""
    keys = cache(lambda: keys_of(settings))

    def over(home: Home) -> Ask:
        def ask(connection: Connection, state: State, days: int, context: Context) -> str | None:
            link = asked(connection, home, state, days, context)
            return None if link is None else settings.base_url + PATH + signed(link, keys())

        return ask

    return over


def asked(connection: Connection, home: Home, state: State, days: int, context: Context) -> Link | None:
    """Note that somebody is asked about a ticket's present cycle; None when they were before."""
    live = home.type(TICKET)
    cycle, moment, standing = _cycle(live, state), now(), entities.standing(live, state.values)
    agent, expires = standing["owner_id"], (moment + timedelta(days=days)).replace(microsecond=0)
    params = {"ticket": state.id, "cycle": cycle, "agent": agent, "asked": naive(moment), "expires": naive(expires)}
    row = connection.row(_ASK, params)
    if row is None:
        return None
    (survey,) = entities.made(connection, home, [(state.id, cycle, moment, standing)], context)
    connection.run(_MADE, {"id": row[0], "entity": survey})
    about: dict[str, Any] = dict.fromkeys(("csat_score", "csat_at", "csat_comment"))
    home.keep(connection, TICKET, {state.id: {**about, "csat_asked_at": moment, "csat_agent": agent}}, context)
    return Link(row[0], state.id, cycle, agent or 0, int(expires.timestamp()))


def read(connection: Connection, home: Home, link: Link, *, lock: bool = False) -> Survey | None:
    """The question a link is about; None when it is no more, or was another one (a restored database)."""
    row = connection.row(_READ + (" for update" if lock else ""), {"id": link.survey})
    if row is None or (*row[:3], int(row[3].replace(tzinfo=UTC).timestamp())) != (
        link.ticket, link.cycle, link.agent, link.expires,
    ):  # fmt: skip
        return None
    entity, *answer = row[4:]
    if entity is None:
        score, comment, at = answer
        return Survey(None, score, comment, None if at is None else at.replace(tzinfo=UTC))
    state = home.states(connection, SURVEY, [entity], lock=lock).get(entity)
    if state is None:
        return None
    told = entities.told(home.type(SURVEY), state)
    return Survey(entity, None if told.score is None else int(told.score), told.comment, told.answered)


def answered(home: Home, link: Link, score: int, comment: str) -> tuple[Survey, bool] | None:
    """Take an answer; what was answered, and whether it was this one. None when there is no such question. It is the
    survey's for good; the ticket tells it while nobody was asked later, the survivor for one that was merged. Raises
    NotFound when the ticket is no longer there: then the question stays unanswered."""

    def work(connection: Connection) -> tuple[Survey, bool] | None:
        ticket = _held(connection, home, link)
        found = read(connection, home, link, lock=True)
        if found is None or found.answered is not None:
            return None if found is None else (found, False)
        if ticket is None:
            raise NotFound(TICKET, [str(link.ticket)])
        entity = found.entity or carry(connection, home, [link.survey])[link.survey]
        moment, context = now(), Context(CUSTOMER, SOURCE, source_id=str(link.survey))
        entities.noted(connection, home, entity, score, comment or None, moment, context)
        entities.show(connection, home, [ticket], context)
        return Survey(entity, score, comment or None, moment), True

    return home.at_once(work)


def meant(connection: Connection, home: Home, link: Link) -> int:
    """The ticket that a link is about by now: the survivor of one that was merged."""
    return heirs(connection, home.type(TICKET), [link.ticket]).get(link.ticket, link.ticket)


def _held(connection: Connection, home: Home, link: Link) -> int | None:
    """That ticket, held until the transaction ends, so that it is neither merged nor parted meanwhile; None for one
    that is no longer there."""
    for _ in range(_TRIES):
        ticket = meant(connection, home, link)
        there = ticket in home.states(connection, TICKET, [ticket], lock=True)
        if ticket == meant(connection, home, link):
            return ticket if there else None
    return None


def _cycle(live: LiveType, state: State) -> int:
    """1, and one more each time it was opened again."""
    return int(Decimal(str(state.values.get(live.attributes["reopened_count"].key) or 0))) + 1
