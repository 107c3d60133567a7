"""What a trigger would have done, over tickets as they are: nothing of it stays.

Events of the last days are judged version by version, as the consumer judges them, but as if no trigger had done
anything since; what it would do is shown as it would be done now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from services.service_desk.macros import commands
from services.service_desk.macros.applying import Undone
from services.service_desk.macros.deeds import Hand, carried_out
from services.service_desk.macros.spelling import Action
from services.service_desk.promises.instants import ms, text
from services.service_desk.promises.keeping import ENTRY, TICKET
from services.service_desk.triggers.firing import SOURCE
from services.service_desk.triggers.hearing import Happening
from services.service_desk.triggers.spelling import CHANGED, CREATED, SAID, STATUS, TIME, Trigger
from shared.contracts.event import UPDATED, Event
from shared.kernel.clock import iso, now
from shared.kernel.context import SYSTEM, Actor, Context
from shared.kernel.db import Connection
from shared.kernel.errors import CrmError
from shared.service.home import Home, State, Step
from shared.service.questions import with_answers

MOST_TICKETS = 1000
MOST_SHOWN = 50


def tried(
    home: Home,
    connection: Connection,
    trigger: Trigger,
    tickets: Sequence[int],
    entries: Sequence[int],
    since: datetime,
    reader: Actor,
) -> dict[str, Any]:
    """{"looked_at", "fired", "results": [{"ticket", "at", "why", "would"}]}, the first ones with what would be done,
    in the words that the reader may see."""
    states = home.states(connection, TICKET, sorted(tickets))
    steps = home.steps(connection, TICKET, sorted(states))
    said = _entries(home, connection, entries)
    status = home.type(TICKET).attributes["status"].key
    fits = home.asking.answers(connection, TICKET, trigger.links, states)
    found = []
    for ident, state in states.items():
        known = _linked(state, steps.get(ident, []), fits.get(ident))
        for at, kind in _fits(trigger, *known, said.get(ident, []), since, status):
            found.append({"ticket": str(ident), "at": at, "why": kind})
    found.sort(key=lambda one: (one["at"], int(one["ticket"])))
    actions = commands.actions_of(home, connection, trigger.body, automatic=True)
    would = _would(home, actions, reader, list(dict.fromkeys(int(one["ticket"]) for one in found))[:MOST_SHOWN])
    results = [{**one, "would": would.get(int(one["ticket"]))} for one in found[:MOST_TICKETS]]
    return {"looked_at": len(states), "fired": len(found), "results": results}


def _linked(state: State, steps: Sequence[Step], fits: Mapping[str, bool] | None) -> tuple[State, Sequence[Step]]:
    """A ticket and what became of it, with what is true of its links now."""
    if not fits:
        return state, steps
    return replace(state, values=dict(with_answers(state.values, fits))), [
        one._replace(values=with_answers(one.values, fits)) for one in steps
    ]


def _fits(
    trigger: Trigger, state: State, steps: Sequence[Step], said: Sequence[tuple[datetime, dict[str, Any]]],
    since: datetime, status: str,
) -> list[tuple[str, str]]:  # fmt: skip
    """When it would have fired for a ticket, and by what kind."""
    first = steps[0].before if steps else state.values
    found = []
    made = datetime.fromisoformat(state.created_at)
    if made >= since:
        found += _heeded(trigger, Happening(_event(state.id, made, {}), state.id, frozenset({CREATED}), {}, first))
    for one in steps:
        if one.at >= since:
            on = {CHANGED, STATUS} if status in one.changed else {CHANGED}
            event = _event(state.id, one.at, one.changed, one.source)
            found += _heeded(trigger, Happening(event, state.id, frozenset(on), one.before, one.values))
    for at, entry in said:
        then = next((one.values for one in reversed(steps) if one.at <= at), first)
        event = _event(state.id, at, {})
        found += _heeded(trigger, Happening(event, state.id, frozenset({SAID}), then, then, entry))
    due = trigger.due(state.values)
    if due is not None and ms(since) <= due <= ms(now()):
        found.append((str(text(due)), TIME))
    return found


def _heeded(trigger: Trigger, one: Happening) -> list[tuple[str, str]]:
    kind = one.heeded(trigger)
    return [] if kind is None else [(iso(one.event.at), kind)]


def _event(ticket: int, at: datetime, changed: Any, source: str | None = None) -> Event:
    return Event(UPDATED, TICKET, at, ticket, source=source, changed=changed)


def _entries(
    home: Home, connection: Connection, ids: Sequence[int]
) -> dict[int, list[tuple[datetime, dict[str, Any]]]]:
    """What was said, by ticket, as it stands."""
    key = home.type(ENTRY).attributes["ticket_id"].key
    found: dict[int, list[tuple[datetime, dict[str, Any]]]] = {}
    for state in home.states(connection, ENTRY, ids).values():
        said = (datetime.fromisoformat(state.created_at), state.values)
        found.setdefault(int(state.values[key]), []).append(said)
    return found


def _would(home: Home, actions: Sequence[Action], reader: Actor, tickets: Sequence[int]) -> dict[int, dict[str, Any]]:
    """What would be done about tickets now, each by itself: done, and undone."""
    found: dict[int, dict[str, Any]] = {}

    def work(connection: Connection) -> None:
        context = Context(SYSTEM, SOURCE)
        texts = commands.texts(connection)
        hand = Hand(connection, home, texts, context, {"author": "SYSTEM"}, reader=reader, ask=_unasked)
        for ticket in tickets:
            try:
                with connection.transaction():
                    (done,) = carried_out(hand, actions, [ticket])
                    found[ticket] = done.as_json()
                    raise Undone
            except Undone:
                continue
            except CrmError as error:
                found[ticket] = {"ticket": str(ticket), "error": error.message}
        raise Undone

    if tickets:
        with suppress(Undone):
            home.at_once(work)
    return found


def _unasked(connection: Connection, state: State, days: int, context: Context) -> str | None:
    return "https://example.org/satisfaction"
