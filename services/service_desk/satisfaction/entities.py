"""Surveys as entities (`ticket_survey`), one for each cycle that was asked about, and what tickets tell of the latest.

Reports are made of the surveys: whose the ticket was and where it stood is written when somebody is asked, the answer
once, and nothing of it changes by what is asked later. Tickets that are merged have them together. Not for who may
answer: that is the link's (`surveys`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from services.service_desk.domain.surveys import Told, latest
from services.service_desk.promises.instants import aware, from_text
from services.service_desk.promises.keeping import TICKET
from shared.kernel.context import Actor, Context
from shared.kernel.db import Connection
from shared.kernel.errors import Invalid
from shared.service.home import Home, LiveType, State
from shared.service.parts import amend, joined, left, parts_of, refer, states_of, where_from
from shared.service.steps import Written

SURVEY = "ticket_survey"
SOURCE = "SATISFACTION"
CUSTOMER = Actor("customer", "customer")
AS_IT_WAS = ("owner_id", "team_id", "queue_id", "priority", "pipeline", "requester_email")
"""What of a ticket is written into its survey."""
ABOUT = "ticket_id"
_TAKEN = frozenset({"archived", "absorbed"})
# Answers from before they were entities: a ticket is shown when its own have been carried over.
_WAITING = """
select distinct coalesce(a.survivor, s.ticket_id) from desk_survey s left join eav_absorbed a on a.id = s.ticket_id
where s.entity_id is null and coalesce(a.survivor, s.ticket_id) = any(%(ids)s::bigint[])
"""
# What somebody wrote stands with the ticket they were asked about alone: erasing that leaves it nowhere.
_OWN = "select entity_id from desk_survey where ticket_id = any(%(ids)s::bigint[]) and entity_id is not null"


def made(
    connection: Connection, home: Home, asked: Sequence[tuple[int, int, datetime, Mapping[str, Any]]], context: Context
) -> list[int]:
    """New surveys of (ticket, cycle, when it was asked about, how the ticket stood then); their ids in order."""
    items = [
        {ABOUT: ticket, "cycle": Decimal(cycle), "asked_at": at, **standing} for ticket, cycle, at, standing in asked
    ]
    return home.keeper.make(connection, SURVEY, items, context, [at for _, _, at, _ in asked])


def standing(live: LiveType, values: Mapping[str, Any]) -> dict[str, Any]:
    """What a survey keeps of a ticket with these canonical values by attribute key."""
    found = {name: values.get(live.attributes[name].key) for name in AS_IT_WAS}
    return {name: int(one) if one is not None and name.endswith("_id") else one for name, one in found.items()}


def noted(
    connection: Connection, home: Home, survey: int, score: int, comment: str | None, at: datetime, context: Context
) -> None:
    """What was answered."""
    values = {"score": Decimal(score), "comment": comment, "answered_at": at}
    home.keep(connection, SURVEY, {survey: values}, context)


def told(live: LiveType, state: State) -> Told:
    """What a survey says. live: the type of surveys."""

    def value(name: str) -> Any:
        return state.values.get(live.attributes[name].key)

    agent, score = value("owner_id"), value("score")
    return Told(
        aware(from_text(value("asked_at"))),
        state.id,
        None if agent is None else int(agent),
        None if score is None else Decimal(str(score)),
        value("comment"),
        None if value("answered_at") is None else aware(from_text(value("answered_at"))),
    )


def show(connection: Connection, home: Home, tickets: Collection[int], context: Context) -> None:
    """Have tickets tell what was asked about them last, and answered."""
    home.keep(connection, TICKET, _shown(connection, home.type(SURVEY), tickets), context)


class Surveying:
    """The step in every write by which surveys go with tickets that are merged, and back; and nobody else's hands are
    laid on them. One statement when tickets are merged about which nobody was asked, none otherwise. type_of: a type
    by name."""

    def __init__(self, type_of: Callable[[str], LiveType]) -> None:
        self._type_of = type_of

    def __call__(self, connection: Connection, live: LiveType, written: Sequence[Written], context: Context) -> None:
        """Raises Invalid when surveys are taken away."""
        if live.name == SURVEY and any(one.kind in _TAKEN for one in written):
            raise Invalid.one("id", "READ_ONLY_VALUE", "what a customer said stays: it goes when its ticket is erased")
        absorbed, released = (joined(written), left(written)) if live.name == TICKET else ({}, {})
        if not absorbed and not released:
            return
        survey, heads = self._type_of(SURVEY), {*absorbed.values(), *released.values()}
        known = parts_of(connection, survey, ABOUT, {*absorbed, *heads})
        if not known:
            return
        if absorbed:
            (survivor,) = heads  # one merge has one
            moved = dict.fromkeys(known, survivor)
        else:
            moved = where_from(connection, survey, ABOUT, known, list(released))
        refer(connection, survey, ABOUT, moved, context)
        after = amend(connection, live, _shown(connection, survey, {*heads, *released}), context)
        for one in written:
            if one.state.id in after:  # whoever merges is shown how it stands
                now, state = after[one.state.id], one.state
                state.values, state.version, state.updated_at = now.values, now.version, now.updated_at


def _shown(connection: Connection, survey: LiveType, tickets: Collection[int]) -> dict[int, dict[str, Any]]:
    """What tickets are to tell; of what came with merged ones, all but the words. None of those whose earlier answers
    are not carried over yet."""
    waiting = {row[0] for row in connection.rows(_WAITING, {"ids": list(tickets)})}
    found: dict[int, list[Told]] = {one: [] for one in tickets if one not in waiting}
    key = survey.attributes[ABOUT].key
    own = {row[0] for row in connection.rows(_OWN, {"ids": [*found]})}
    for state in states_of(connection, survey, parts_of(connection, survey, ABOUT, found)):
        one = told(survey, state)
        found[int(state.values[key])].append(one if one.id in own else one._replace(comment=None))
    return {ticket: _values(latest(several)) for ticket, several in found.items()}


def _values(one: Told | None) -> dict[str, Any]:
    names: Iterable[str] = ("csat_asked_at", "csat_agent", "csat_score", "csat_comment", "csat_at")
    return dict(zip(names, (None,) * 5 if one is None else (one.asked, *one[2:]), strict=True))


def naive(moment: datetime) -> datetime:
    """An instant as tables hold it."""
    return moment.astimezone(UTC).replace(tzinfo=None)
