"""A macro to tickets: all that it does to all of them in one transaction, or nothing; a preview does and undoes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from services.service_desk.macros import commands
from services.service_desk.macros.deeds import Hand, Outcome, carried_out
from services.service_desk.macros.speaking import Speaker, unasked, vocabulary
from services.service_desk.macros.store import MACRO, REPLY, Declared
from services.service_desk.macros.templates import problems, rendered
from services.service_desk.promises.keeping import TICKET
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.kernel.errors import Invalid, NotFound
from shared.service.home import Home

MOST_TICKETS = 100
SOURCE = "MACRO"


class Undone(Exception):
    """A preview has seen what it wanted to see: nothing of it may stay."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of it, by ticket."""

    macro: Declared
    outcomes: Sequence[Outcome]


def apply(
    home: Home, ctx: Context, name: str, tickets: Sequence[int], agent: tuple[str, str], *, preview: bool = False
) -> Applied:
    """Apply a macro. Raises NotFound for the macro and for tickets, Invalid with everything wrong with any of them."""
    if not tickets or len(tickets) > MOST_TICKETS or len(set(tickets)) < len(tickets):
        message = f"tickets must be 1 to {MOST_TICKETS} ids, each once"
        raise Invalid.one("tickets", "INVALID_LIST", message)
    found: list[Applied] = []

    def work(connection: Connection) -> Applied:
        macro = commands.wanted(connection, MACRO, name)
        actions = commands.actions_of(home, connection, macro.body, automatic=False)
        context = replace(ctx, source=SOURCE, source_id=f"{macro.name}/{macro.version}")
        hand = Hand(connection, home, commands.texts(connection), context, _author(agent), agent)
        applied = Applied(macro, carried_out(hand, actions, tickets))
        if preview:
            found.append(applied)
            raise Undone
        return applied

    try:
        return home.at_once(work)
    except Undone:
        return found[-1]


def filled_in(home: Home, ctx: Context, body: Mapping[str, Any], ticket: int, agent: tuple[str, str]) -> str:
    """A draft or a canned reply as who asks would say it about a ticket. Raises NotFound, Invalid for unknown
    variables."""
    with home.database.connect() as connection:
        canned, source = body.get("canned"), body.get("text")
        if (canned is None) == (source is None):
            message = "name what to say in text, or a canned reply in canned: one of them"
            raise Invalid.one("text", "REQUIRED_FIELD", message)
        if canned is not None:
            source = commands.wanted(connection, REPLY, str(canned)).body["text"]
            wrong = unasked(source, "canned")
        else:
            wrong = problems(source, vocabulary(home.type(TICKET), asking=True), "text") or unasked(source, "text")
        if wrong:
            raise Invalid(wrong)
        states = home.states(connection, TICKET, [ticket])
        if ticket not in states:
            raise NotFound(TICKET, [str(ticket)])
        return rendered(str(source), Speaker(connection, home, states, agent, ctx.actor).words(ticket))


def _author(agent: tuple[str, str]) -> dict[str, object]:
    return {"author": "AGENT", **({"owner_id": agent[0]} if agent[0] else {})}
