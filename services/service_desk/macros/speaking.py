"""What the variables of texts mean for a ticket: plain texts about it, who asked, and who answers.

The requester is the contact that the ticket is linked to, as far as it is mirrored here and as whoever asks for the
text may read contacts; of one who is not linked, address and name are what the ticket says. The agent is the owner who
is named, else the ticket's owner, by their name; where there is none, the name of whoever asks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.service_desk.macros.templates import uses
from services.service_desk.promises.keeping import TICKET
from shared.kernel.context import Actor
from shared.kernel.db import Connection
from shared.kernel.errors import FieldError
from shared.service.home import Home, LiveType, State
from shared.service.people import owners
from shared.service.permissions import allowed

CONTACT = "contact"
_SYSTEM = ("id", "created_at", "updated_at")
REQUESTER = ("email", "first_name", "last_name", "name", "company", "phone", "language")
AGENT = ("id", "name")
SATISFACTION = ("url",)
_CHOICES = frozenset({"enumeration", "multi_enumeration"})


def vocabulary(live: LiveType, *, asking: bool = False) -> dict[str, tuple[str, ...]]:
    """The variables there are. asking: the text goes with a question of how it was."""
    found = {"ticket": (*_SYSTEM, *live.stored), "requester": REQUESTER, "agent": AGENT}
    return {**found, "satisfaction": SATISFACTION} if asking else found


def unasked(source: object, where: str) -> list[FieldError]:
    """What is wrong with a text when it goes with no question of how it was."""
    if not uses(str(source), "satisfaction"):
        return []
    message = f"{where}: satisfaction.url is there only in what a trigger's ask says"
    return [FieldError(where, "UNKNOWN_VARIABLE", message)]


def linkless(source: str, where: str, asks: str = "an ask") -> list[FieldError]:
    """What is wrong with a text without problems that asks how it was: without the link, nobody can answer."""
    if uses(source, "satisfaction"):
        return []
    message = f"{where}: {asks} says it, and nobody can answer without the link: {{{{ satisfaction.url }}}}"
    return [FieldError(where, "MISSING_VARIABLE", message)]


class Speaker:
    """Words about some tickets. agent: who answers, by an owner's id, a ticket's owner where none is named; and what
    they are called whose name nobody knows. reader: who is shown the words."""

    def __init__(
        self, connection: Connection, home: Home, states: Mapping[int, State], agent: tuple[str, str], reader: Actor
    ) -> None:
        self._live = home.type(TICKET)
        self._states = states
        self._agent = agent
        may = allowed(reader, "objects", home.definition(CONTACT), "read")
        self._people = _requesters(connection, home, list(states)) if may else {}
        self._owners = owners(connection, {int(one) for ident in states if (one := self._answers(ident)).isdecimal()})

    def words(self, ticket: int) -> dict[str, dict[str, str]]:
        """What variables mean for a ticket; values that are missing are empty."""
        state = self._states[ticket]
        about = {name: self._text(state, name) for name in self._live.stored}
        about |= {"id": str(ticket), "created_at": _instant(state.created_at), "updated_at": _instant(state.updated_at)}
        person = {name: str(one) for name, one in self._people.get(ticket, {}).items() if one is not None}
        person.setdefault("email", about.get("requester_email", ""))
        names = (person.get("first_name", ""), person.get("last_name", ""))
        person["name"] = " ".join(one for one in names if one) or about.get("requester_name", "")
        ident = self._answers(ticket)
        owner = self._owners.get(int(ident)) if ident.isdecimal() else None
        agent = {"id": ident, "name": (owner.name or owner.email if owner else "") or self._agent[1]}
        return {"ticket": about, "requester": {one: person.get(one, "") for one in REQUESTER}, "agent": agent}

    def _answers(self, ticket: int) -> str:
        """The id of the owner who answers, "" for none."""
        return self._agent[0] or self._text(self._states[ticket], "owner_id")

    def _text(self, state: State, name: str) -> str:
        attribute = self._live.attributes[name]
        value = state.values.get(attribute.key)
        if value is None:
            return ""
        if attribute.kind in _CHOICES:
            labels = {one.value: one.label for one in attribute.options}
            several = value if isinstance(value, list) else [value]
            return ", ".join(labels.get(one, str(one)) for one in several)
        if attribute.kind == "boolean":
            return "yes" if value else "no"
        return _instant(value) if attribute.kind == "datetime" else str(value)


def _requesters(connection: Connection, home: Home, tickets: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Of tickets, the contact with the lowest id of those linked that are there. Contacts live in another service: its
    mirrors are read."""
    linked = [(ticket, contact) for ticket, (_, contact) in home.linked(connection, TICKET, tickets, [CONTACT])]
    if not linked:
        return {}
    asked = tuple(one for one in REQUESTER if one != "name")
    known = home.shown(CONTACT, sorted({contact for _, contact in linked}), asked)
    return {ticket: known[contact] for ticket, contact in sorted(linked, reverse=True) if contact in known}


def _instant(shown: str) -> str:
    """A moment as people read it."""
    return f"{shown[:10]} {shown[11:16]} UTC"
