"""Declaring and withdrawing canned replies and macros."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.service_desk.macros import store
from services.service_desk.macros.speaking import linkless, vocabulary
from services.service_desk.macros.spelling import ASK, Action, Reading, read_actions, read_name
from services.service_desk.macros.store import MACRO, REPLY, Declared
from services.service_desk.macros.templates import problems
from services.service_desk.promises.keeping import TICKET
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.kernel.errors import Conflict, ErrorList, FieldError, NotFound
from shared.kernel.json import dumps
from shared.service.home import Home
from shared.service.web.request import known_keys

MOST_LABEL = 200


def declare_reply(home: Home, raw: Mapping[str, Any], ctx: Context) -> Declared:
    """A canned reply, or another version of it. Raises Invalid with everything wrong. Its text may use the page of
    satisfaction too, which is there where somebody is asked."""
    known_keys(raw, ("name", "label", "text"))
    errors = ErrorList()
    name, label = read_name(raw.get("name"), errors), read_label(raw, errors)
    errors.errors += problems(raw.get("text"), vocabulary(home.type(TICKET), asking=True), "text")
    errors.raise_if_any()
    with home.database.transaction() as connection:
        store.hold(connection)
        for one in _asking(connection, name):
            errors.errors += linkless(raw["text"], "text", f"the ask of trigger {one}")
        errors.raise_if_any()
        return store.add(connection, REPLY, name, {"label": label, "text": raw["text"]}, ctx.actor.id)


def declare_macro(home: Home, raw: Mapping[str, Any], ctx: Context, wrong: Sequence[FieldError] = ()) -> Declared:
    """A macro, or another version of it. wrong: what else is. Raises Invalid with everything wrong."""
    known_keys(raw, ("name", "label", "actions"))
    with home.database.transaction() as connection:
        store.hold(connection)
        reading = Reading(home, store.current(connection, REPLY), ErrorList(list(wrong)))
        name, label = read_name(raw.get("name"), reading.errors), read_label(raw, reading.errors)
        read_actions(raw.get("actions"), reading)
        reading.errors.raise_if_any()
        return store.add(connection, MACRO, name, {"label": label, "actions": raw["actions"]}, ctx.actor.id)


def withdraw(home: Home, kind: str, name: str) -> Declared:
    """Have something no longer in force. Raises NotFound, and Conflict for a canned reply that is in use."""
    with home.database.transaction() as connection:
        store.hold(connection)
        found = wanted(connection, kind, name)
        users = _users(connection, found.name) if kind == REPLY else []
        if users:
            raise Conflict(f"reply {found.name} is used by {', '.join(users)}")
        store.withdraw(connection, found.id)
        return found


def wanted(connection: Connection, kind: str, name: str) -> Declared:
    """The one in force of a name or id. Raises NotFound."""
    found = store.one(connection, kind, name)
    if found is None:
        raise NotFound(kind, [name[:80]])
    return found


def actions_of(home: Home, connection: Connection, body: Mapping[str, Any], *, automatic: bool) -> tuple[Action, ...]:
    """The actions of something declared; what has become wrong with them since is Invalid."""
    reading = Reading(home, store.current(connection, REPLY))
    found = read_actions(body.get("actions"), reading, automatic=automatic)
    reading.errors.raise_if_any()
    return found


def texts(connection: Connection) -> dict[str, str]:
    """Canned replies in force: name -> text."""
    return {name: one.body["text"] for name, one in store.current(connection, REPLY).items()}


def read_label(raw: Mapping[str, Any], errors: ErrorList) -> str:
    """What people read; nothing is the name."""
    label = raw.get("label") or ""
    if not isinstance(label, str) or len(label) > MOST_LABEL:
        errors.add("label", "INVALID_TYPE", f"label must be a text of at most {MOST_LABEL} characters")
    return str(label)


def _users(connection: Connection, name: str) -> list[str]:
    """What uses a canned reply."""
    mark = dumps({"canned": name}).decode().strip("{}")
    found = []
    for kind in (store.MACRO, store.TRIGGER):
        for one in store.current(connection, kind).values():
            if mark in dumps(one.body.get("actions")).decode():
                found.append(f"{kind} {one.name}")
    return found


def _asking(connection: Connection, name: str) -> list[str]:
    """Triggers that ask how it was with a canned reply."""
    triggers = store.current(connection, store.TRIGGER).values()
    asks = [(one.name, action.get(ASK)) for one in triggers for action in one.body.get("actions") or ()]
    return sorted({trigger for trigger, ask in asks if isinstance(ask, Mapping) and ask.get("canned") == name})
