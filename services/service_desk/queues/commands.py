"""Declaring queues. Raises Invalid with everything wrong, Conflict for a name that is taken or a queue in use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psycopg

from services.service_desk.promises.judging import judge_empty
from services.service_desk.promises.keeping import TICKET
from services.service_desk.queues import store
from services.service_desk.queues.store import Queue
from services.service_desk.references import QUEUE
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.kernel.errors import Conflict, ErrorList, FieldError, Invalid, NotFound
from shared.service.assignment import Tally
from shared.service.foreign import drop_known, put_known
from shared.service.permissions import Mode, require
from shared.service.questions import Asking
from shared.service.web.request import known_keys

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

KEYS = ("name", "description", "position", "filter", "pool", "automatic", "sticky_days", "skills")
MOST = 200
_MOST_NAME = 100
_MOST_SKILLS = 100
_KINDS: Mapping[str, tuple[type | tuple[type, ...], str]] = {
    "name": (str, "a text"),
    "description": (str, "a text"),
    "position": (int, "a whole number"),
    "filter": ((dict, type(None)), "a filter, or null"),
    "pool": ((str, type(None)), "the name of a pool, or null"),
    "automatic": (bool, "true or false"),
    "sticky_days": ((int, type(None)), "a whole number of days, or null"),
    "skills": (list, "a list of names"),
}


def permit(service: Runtime, ctx: Context, mode: Mode) -> None:
    """Reading queues takes the right to read tickets, declaring them that to change what tickets are."""
    require(ctx.actor, "objects" if mode == "read" else "schemas", service.catalog.type(TICKET).defn, mode)


def listed(service: Runtime, ctx: Context) -> list[Queue]:
    """All queues in order."""
    permit(service, ctx, "read")
    with service.db.connect() as connection:
        return store.every(connection)


def found(service: Runtime, ctx: Context, ident: int) -> Queue:
    """One queue. Raises NotFound."""
    permit(service, ctx, "read")
    with service.db.connect() as connection:
        return _there(connection, ident)


def declare(service: Runtime, ctx: Context, body: Mapping[str, Any]) -> Queue:
    """A new queue."""
    permit(service, ctx, "write")
    service.catalog.refresh()  # its filter may ask for what another process has just made
    queue = _checked(service, ctx, Queue(""), body)
    try:
        with service.db.transaction() as connection:
            if len(store.every(connection)) >= MOST:
                raise Invalid.one("queues", "LIMIT_EXCEEDED", f"there are at most {MOST} queues")
            made = replace(queue, id=store.add(connection, queue))
            put_known(connection, QUEUE, [(made.id, 1, False)])
            return made
    except psycopg.errors.UniqueViolation as error:
        raise Conflict(f"There is a queue {queue.name} already") from error


def change(service: Runtime, ctx: Context, ident: int, body: Mapping[str, Any]) -> Queue:
    """Another of it, in what the body names."""
    permit(service, ctx, "write")
    service.catalog.refresh()
    try:
        with service.db.transaction() as connection:
            queue = _checked(service, ctx, _there(connection, ident, lock=True), body)
            store.change(connection, queue)
            return queue
    except psycopg.errors.UniqueViolation as error:
        raise Conflict("There is a queue of that name already") from error


def withdraw(service: Runtime, ctx: Context, ident: int) -> None:
    """Do away with it, unless tickets name it."""
    permit(service, ctx, "write")
    named = Tally(service.engine).of(ctx, TICKET, Queue("", id=ident).tickets)
    if named:
        raise Conflict(f"{named} tickets name this queue: move them to another one first")
    with service.db.transaction() as connection:
        _there(connection, ident, lock=True)
        store.drop(connection, ident)
        drop_known(connection, QUEUE, [ident])


def _there(connection: Connection, ident: int, *, lock: bool = False) -> Queue:
    queue = store.find(connection, ident, lock=lock)
    if queue is None:
        raise NotFound(QUEUE, [str(ident)])
    return queue


def _checked(service: Runtime, ctx: Context, queue: Queue, body: Mapping[str, Any]) -> Queue:
    """What the body makes of a queue. Raises Invalid with everything wrong."""
    known_keys(body, KEYS)
    errors = ErrorList()
    queue = _read(queue, body, errors)
    told = {one.name for one in errors.errors}
    errors.errors += [one for one in _wrong(service, ctx, queue) if one.name not in told]
    errors.raise_if_any()
    return queue


def _read(queue: Queue, body: Mapping[str, Any], errors: ErrorList) -> Queue:
    """With those words of the body that can be read."""
    for key, value in body.items():
        kind, said = _KINDS[key]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            errors.add(key, "INVALID_TYPE", f"{key} must be {said}")
    errors.errors += judge_empty(body, "filter", "the tickets that name the queue")
    skills = body.get("skills", list(queue.skills))
    if isinstance(skills, list) and not all(isinstance(one, str) and one.strip() and ";" not in one for one in skills):
        errors.add("skills", "INVALID_LIST", "skills are names without semicolons")
    elif isinstance(skills, list) and len(skills) > _MOST_SKILLS:
        errors.add("skills", "LIMIT_EXCEEDED", f"a queue takes at most {_MOST_SKILLS} skills")
    told = {one.name for one in errors.errors}
    found = {"skills": tuple(skills)} if "skills" not in told else {}
    return replace(queue, **{**{key: value for key, value in body.items() if key not in told}, **found})


def _wrong(service: Runtime, ctx: Context, queue: Queue) -> list[FieldError]:
    errors = ErrorList()
    if not queue.name.strip() or len(queue.name) > _MOST_NAME:
        errors.add("name", "INVALID_NAME", f"name must have 1 to {_MOST_NAME} characters")
    if queue.sticky_days is not None and not 1 <= queue.sticky_days <= 3650:
        errors.add("sticky_days", "INVALID_INTEGER", "sticky_days must be a whole number from 1 to 3650")
    if abs(queue.position) > 1_000_000:
        errors.add("position", "INVALID_INTEGER", "position must be a whole number up to 1,000,000")
    if queue.automatic and queue.pool is None:
        errors.add("pool", "REQUIRED_FIELD", "a queue that gives its tickets out needs a pool")
    if queue.pool is not None and queue.pool not in service.assignment.pools(ctx, TICKET):
        errors.add("pool", "INVALID_OPTION", f"there is no pool {queue.pool[:80]} of tickets")
    asking = Asking(service.engine.catalog, service.engine.relations)
    try:
        asking.check(TICKET, queue.filter)
        asking.permit(ctx, TICKET, queue.filter)
    except Invalid as problem:
        errors.errors.extend(problem.errors)
    return errors.errors
