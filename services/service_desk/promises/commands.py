"""Declaring calendars and policies: another version, valid from an instant on that does not lie behind us.

Promises of the past stay what they were, so that no report about them changes; before the first ticket there are no
reports, and an instant behind us is taken too: what is recorded later of the past is judged by it. One version that is
wrong is not taken back; another one takes its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from typing import Any, TypeVar

from services.service_desk.promises import linked, store
from services.service_desk.promises.books import bound
from services.service_desk.promises.instants import asked, ms, text
from services.service_desk.promises.judging import judge_calendar, judge_policy, storable
from services.service_desk.promises.keeping import TICKET
from services.service_desk.promises.spelling import read_calendar
from services.service_desk.promises.store import Declared
from services.service_desk.promises.sweeping import Desk
from shared.kernel.clock import now
from shared.kernel.context import Context
from shared.kernel.errors import ErrorList, FieldError, Invalid, NotFound
from shared.service.foreign import Foreign

_T = TypeVar("_T")
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
# How far an instant may lie behind us: a request takes its time.
_GRACE = 60_000


def declare(desk: Desk, kind: str, raw: Mapping[str, Any], ctx: Context, foreign: Foreign | None = None) -> Declared:
    """Another version. foreign: who knows which owners and queues there are. Raises Invalid with everything that is
    wrong with it."""
    name, valid_from, body, wrong = opened(raw)
    live = desk.home.fresh(TICKET)  # it may ask for what another process has just made
    errors = judge_calendar(body) if kind == store.CALENDAR else judge_policy(body, desk.home, foreign)
    errors += [*wrong, *storable(body)]
    with desk.home.database.transaction() as connection:
        store.hold(connection)
        # While there are no tickets, promises of the past change nothing that was ever told.
        fresh = valid_from is not None and not store.clocked(connection)
        since = valid_from if fresh and valid_from else tried(errors, lambda: _since(valid_from)) or ms(now())
        calendars, policies = (store.every(connection, one) for one in (store.CALENDAR, store.POLICY))
        own = [one for one in (calendars if kind == store.CALENDAR else policies) if one.name == name]
        if not own and not wrong and kind == store.POLICY and body.get("withdrawn") is True:
            raise NotFound(kind, [name])
        tried(errors, lambda: _follows(own, since))
        since = tried(errors, lambda: _counted(calendars, body, since)) or since
        try:
            if kind == store.CALENDAR:
                read_calendar(body)
            else:
                bound(live, 0, calendars, [Declared(0, name, 1, since, body)])
        except Invalid as refused:
            told = {one.name for one in refused.errors}
            errors = [*refused.errors, *(one for one in errors if one.name not in told)]
        ErrorList(errors).raise_if_any()
        linked.heed(connection, desk.home.asking.types(TICKET, body.get("filter")) if kind == store.POLICY else ())
        # The first version of anything counts from its instant on; what came before has no promise.
        return store.add(connection, kind, name, body, since, ctx.actor.id)


def add_holidays(
    desk: Desk, name: str, days: Collection[date], valid_from: int | None, ctx: Context
) -> tuple[Declared, list[date]]:
    """A calendar's last version with more holidays, as its next one; which were not among them. Without news the last
    version stays. Raises NotFound, and Invalid for an instant behind us or before the last version."""
    since = _since(valid_from)
    with desk.home.database.transaction() as connection:
        store.hold(connection)
        own = [one for one in store.every(connection, store.CALENDAR) if one.name == name]
        if not own:
            raise NotFound("calendar", [name])
        last = own[-1]
        since = max(since, last.valid_from) if valid_from is None else since
        _follows(own, since)
        known = {str(one) for one in last.body.get("holidays", ())}
        fresh = sorted(day for day in days if day.isoformat() not in known)
        if not fresh:
            return last, []
        body = {**last.body, "holidays": sorted({*known, *(day.isoformat() for day in fresh)})}
        read_calendar(body)
        return store.add(connection, store.CALENDAR, name, body, since, ctx.actor.id), fresh


def _since(valid_from: int | None) -> int:
    """From when on a version counts: now when nothing is said. Raises Invalid for what lies behind us."""
    moment = ms(now())
    if valid_from is not None and valid_from < moment - _GRACE:
        message = "valid_from must not lie in the past: promises of the past stay"
        raise Invalid.one("valid_from", "INVALID_DATE", message)
    return moment if valid_from is None else valid_from


def _counted(calendars: Sequence[Declared], body: Mapping[str, Any], since: int) -> int:
    """From when on a promise counts: not before its calendar does, since nobody has said what business was then. A
    moment's difference is one of clocks. Raises Invalid."""
    name = body.get("calendar")
    first = min((one.valid_from for one in calendars if one.name == name), default=since)
    if since < first - _GRACE and body.get("withdrawn") is not True:
        message = (
            f"valid_from: the calendar {name} is valid from {text(first)}; what is counted by it begins no earlier"
        )
        raise Invalid.one("valid_from", "INVALID_DATE", message)
    return max(since, first)


def _follows(own: Sequence[Declared], since: int) -> None:
    if own and since < own[-1].valid_from:
        message = f"version {own[-1].version} is valid from later on: another one follows it"
        raise Invalid.one("valid_from", "INVALID_DATE", message)


def opened(raw: Mapping[str, Any]) -> tuple[str, int | None, dict[str, Any], list[FieldError]]:
    """(name, valid from, what it says, what is wrong with the first two) of a declaration."""
    errors = ErrorList()
    name, since = raw.get("name"), raw.get("valid_from")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        errors.add("name", "INVALID_NAME", "name: small letters, digits, _ and - only, a letter first, at most 63")
    at = None
    if since is not None:
        at = tried(errors.errors, lambda: asked("valid_from", since, measured=True))
    body = {key: value for key, value in raw.items() if key not in ("name", "valid_from")}
    return str(name), at, body, errors.errors


def tried(errors: list[FieldError], do: Callable[[], _T]) -> _T | None:
    """What it comes to; None where that is Invalid, which is noted, so that the rest is looked at too."""
    try:
        return do()
    except Invalid as refused:
        errors += refused.errors
        return None
