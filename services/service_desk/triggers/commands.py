"""Declaring triggers: another version, which counts from now on. A change of one word is a version like any other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.service_desk.macros import store
from services.service_desk.macros.commands import wanted
from services.service_desk.macros.spelling import Reading, read_name
from services.service_desk.macros.store import REPLY, TRIGGER, Declared
from services.service_desk.triggers import timing
from services.service_desk.triggers.spelling import CONDITIONS, KEYS, Trigger, check, types
from shared.kernel.clock import now
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.kernel.errors import ErrorList, FieldError, Invalid
from shared.service.home import Home
from shared.service.web.request import known_keys

MOST_TRIGGERS = 200
Wrong = Sequence[FieldError]


def declare(home: Home, raw: Mapping[str, Any], ctx: Context, wrong: Wrong = ()) -> Declared:
    """A trigger, or another version of it. wrong: what else is. Raises Invalid with everything that is wrong."""
    known_keys(raw, KEYS)
    with home.database.transaction() as connection:
        store.hold(connection)
        return _declared(connection, home, raw, ctx, wrong)


def change(home: Home, name: str, changes: Mapping[str, Any], ctx: Context, wrong: Wrong = ()) -> Declared:
    """The same trigger with some words exchanged. Raises NotFound, Invalid."""
    known_keys(changes, [key for key in KEYS if key != "name"])
    with home.database.transaction() as connection:
        store.hold(connection)
        found = wanted(connection, TRIGGER, name)
        # Filters without conditions were taken earlier, and meant what null does.
        before = {key: None if key in CONDITIONS and one == {} else one for key, one in found.body.items()}
        return _declared(connection, home, {**before, **changes, "name": found.name}, ctx, wrong)


def draft(connection: Connection, home: Home, raw: Mapping[str, Any], wrong: Wrong = ()) -> Trigger:
    """A trigger that is only tried. Raises Invalid with everything that is wrong."""
    known_keys(raw, KEYS)
    reading = Reading(home, store.current(connection, REPLY), ErrorList(list(wrong)))
    body = {key: value for key, value in raw.items() if key != "name"}
    return check(Declared(0, str(raw.get("name", "draft")), 1, body, now()), *types(home.type), reading)


def _declared(connection: Connection, home: Home, raw: Mapping[str, Any], ctx: Context, wrong: Wrong) -> Declared:
    reading = Reading(home, store.current(connection, REPLY), ErrorList(list(wrong)))
    name = read_name(raw.get("name"), reading.errors)
    body = {key: value for key, value in raw.items() if key != "name"}
    there = store.current(connection, TRIGGER)
    if name not in there and len(there) >= MOST_TRIGGERS:
        raise Invalid.one("name", "LIMIT_EXCEEDED", f"there are {MOST_TRIGGERS} triggers: withdraw one of them first")
    trigger = check(Declared(0, name, 1, body, now()), *types(home.type), reading)
    made = store.add(connection, TRIGGER, name, body, ctx.actor.id)
    timing.begin(connection, made.id, waits=trigger.timing is not None and trigger.enabled)
    return made
