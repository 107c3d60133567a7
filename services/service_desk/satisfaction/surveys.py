"""Who was asked, and what they said: rows of surveys, and the ticket's own values that tell of the latest one.

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
from services.service_desk.satisfaction.signing import Link, keys_of, signed
from shared.kernel.clock import now
from shared.kernel.config import Settings
from shared.kernel.context import Actor, Context
from shared.kernel.db import Connection
from shared.kernel.errors import NotFound
from shared.service.home import Home, LiveType, State
from shared.service.parts import heirs

PATH = "/api/v1/service_desk/satisfaction/"
SOURCE = "SATISFACTION"
CUSTOMER = Actor("customer", "customer")
LEAST, MOST = 1, 5
MOST_COMMENT = 2000
_ASK = """
insert into desk_survey (ticket_id, cycle, agent, asked_at, expires_at)
values (%(ticket)s, %(cycle)s, %(agent)s, %(asked)s, %(expires)s) on conflict do nothing returning id
"""
_READ = """
select ticket_id, cycle, coalesce(agent, 0), expires_at, score, comment, answered_at,
    exists (select from desk_survey later where later.ticket_id = s.ticket_id and later.cycle > s.cycle)
from desk_survey s where id = %(id)s
"""
_LATER = """
select exists (select from desk_survey later, desk_survey s where s.id = %(id)s and later.ticket_id = %(ticket)s
    and later.asked_at > s.asked_at)
"""
_ANSWER = """
update desk_survey set score = %(score)s, comment = %(comment)s, answered_at = %(at)s where id = %(id)s
"""


@dataclass(frozen=True, slots=True)
class Survey:
    """A question that was asked, and its answer. outdated: the ticket's next cycle was asked about since."""

    id: int
    expires: datetime
    score: int | None
    comment: str | None
    answered: datetime | None
    outdated: bool


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
    agent, cycle, moment = _value(live, state, "owner_id"), _cycle(live, state), now()
    expires = (moment + timedelta(days=days)).replace(microsecond=0)
    params = {"ticket": state.id, "cycle": cycle, "agent": agent, "asked": _naive(moment), "expires": _naive(expires)}
    row = connection.row(_ASK, params)
    if row is None:
        return None
    about: dict[str, Any] = dict.fromkeys(("csat_score", "csat_at", "csat_comment"))
    about |= {"csat_asked_at": moment, "csat_agent": None if agent is None else int(agent)}
    home.keep(connection, TICKET, {state.id: about}, context)
    return Link(row[0], state.id, cycle, int(agent or 0), int(expires.timestamp()))


def read(connection: Connection, link: Link, *, lock: bool = False) -> Survey | None:
    """The question a link is about; None when it is no more, or was another one (a restored database)."""
    row = connection.row(_READ + (" for update" if lock else ""), {"id": link.survey})
    if row is None or (*row[:3], int(row[3].replace(tzinfo=UTC).timestamp())) != (
        link.ticket, link.cycle, link.agent, link.expires,
    ):  # fmt: skip
        return None
    return Survey(link.survey, _aware(row[3]), row[4], row[5], None if row[6] is None else _aware(row[6]), row[7])


def answered(home: Home, link: Link, score: int, comment: str) -> tuple[Survey, bool] | None:
    """Take an answer; what was answered, and whether it was this one. None when there is no such question. Of a ticket
    that was merged, the survivor tells it, unless it was asked about later itself. Raises NotFound when the ticket is
    no longer there: then the question stays unanswered."""

    def work(connection: Connection) -> tuple[Survey, bool] | None:
        ticket = meant(connection, home, link)
        there = ticket in home.states(connection, TICKET, [ticket], lock=True)
        found = read(connection, link, lock=True)
        if found is None or found.answered is not None:
            return None if found is None else (found, False)
        if not there:
            raise NotFound(TICKET, [str(link.ticket)])
        moment = now()
        params = {"id": link.survey, "score": score, "comment": comment or None, "at": _naive(moment)}
        connection.run(_ANSWER, params)
        later = connection.row(_LATER, {"id": link.survey, "ticket": ticket}) if ticket != link.ticket else None
        if not found.outdated and later in (None, (False,)):
            about = {"csat_score": Decimal(score), "csat_at": moment, "csat_comment": comment or None}
            about |= {"csat_agent": link.agent or None} if ticket != link.ticket else {}
            context = Context(CUSTOMER, SOURCE, source_id=str(link.survey))
            home.keep(connection, TICKET, {ticket: about}, context)
        return Survey(found.id, found.expires, score, comment or None, moment, found.outdated), True

    return home.at_once(work)


def meant(connection: Connection, home: Home, link: Link) -> int:
    """The ticket that a link is about by now: the survivor of one that was merged."""
    return heirs(connection, home.type(TICKET), [link.ticket]).get(link.ticket, link.ticket)


def _cycle(live: LiveType, state: State) -> int:
    """1, and one more each time it was opened again."""
    return int(Decimal(str(_value(live, state, "reopened_count") or 0))) + 1


def _value(live: LiveType, state: State, name: str) -> Any:
    return state.values.get(live.attributes[name].key)


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)
