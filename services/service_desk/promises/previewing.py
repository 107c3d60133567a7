"""What other promises would have meant: drafts of calendars and policies over the history of tickets, beside today's.

A draft counts as if it had always been so, in place of every version of its name; everything else stays as it was. So
does the first version of a calendar that a draft is counted by: before its time nothing else is known.
Nothing is written, and nothing that is looked at is held.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from services.service_desk.domain.clocks import caught_up, reading
from services.service_desk.domain.policies import Target
from services.service_desk.promises import store
from services.service_desk.promises.books import Loaded, bound
from services.service_desk.promises.commands import opened
from services.service_desk.promises.folding import progress_of
from services.service_desk.promises.instants import asked, ms, naive
from services.service_desk.promises.judging import judge_calendar, judge_policy
from services.service_desk.promises.keeping import TICKET
from services.service_desk.promises.spelling import read_calendar
from services.service_desk.promises.store import Declared
from services.service_desk.promises.sweeping import Desk
from shared.kernel.clock import now
from shared.kernel.db import Connection
from shared.kernel.errors import ErrorList, Invalid, NotFound
from shared.service.home import Home

MOST_TICKETS = 20_000
MOST_LISTED = 1000
_AT_ONCE = 500
_EVER = 0
_IDS = """
select ticket_id from sla_clock where not gone and ticket_id > %(after)s
    and (%(since)s::timestamp is null or at >= %(since)s) order by ticket_id limit %(limit)s
"""
Breaches = dict[int, set[str]]
Draft = tuple[str, Mapping[str, Any]]


def previewed(desk: Desk, raw: Mapping[str, Any]) -> dict[str, Any]:
    """{"tickets", "breaches": {target: {"today", "draft"}}, "more", "fewer": tickets by target}, and
    "whole": false when not all tickets were looked at or not all of those found are listed. Raises Invalid."""
    since = _since(raw)
    live = desk.home.fresh(TICKET)
    with desk.home.database.connect() as connection:
        today = desk.book(connection)
        kept = [store.every(connection, one) for one in (store.CALENDAR, store.POLICY)]
        drafts = [_drafts(raw, name) for name in ("calendars", "policies")]
        _judge(desk.home, *drafts)
        unknown = [name for name, body in drafts[1] if body.get("withdrawn") is True and not _named(kept[1], name)]
        if unknown:
            raise NotFound(store.POLICY, unknown)
        if not any(drafts):
            raise Invalid.one("policies", "REQUIRED_FIELD", "name at least one draft in policies or calendars")
        both = [_in_place(old, new) for old, new in zip(kept, drafts, strict=True)]
        draft = bound(live, today.revision, *both)
        counted, before, after, whole = _compared(connection, desk, today, draft, since)
    more, fewer = _news(after, before), _news(before, after)
    return {
        "tickets": counted,
        "whole": whole and max(len(more), len(fewer)) <= MOST_LISTED,
        "breaches": {
            target.value: {"today": _count(before, target), "draft": _count(after, target)} for target in Target
        },
        "more": more[:MOST_LISTED],
        "fewer": fewer[:MOST_LISTED],
    }


def _compared(
    connection: Connection, desk: Desk, today: Loaded, draft: Loaded, since: int | None
) -> tuple[int, Breaches, Breaches, bool]:
    at, after, counted = ms(now()), 0, 0
    before_breaches: Breaches = {}
    after_breaches: Breaches = {}
    moment = None if since is None else naive(since)
    while counted < MOST_TICKETS:
        found = connection.rows(_IDS, {"after": after, "since": moment, "limit": _AT_ONCE})
        ids = [row[0] for row in found]
        if not ids:
            return counted, before_breaches, after_breaches, True
        before_breaches |= _breaches(connection, desk, today, ids, at)
        after_breaches |= _breaches(connection, desk, draft, ids, at)
        counted, after = counted + len(ids), ids[-1]
    return counted, before_breaches, after_breaches, False


def _breaches(connection: Connection, desk: Desk, loaded: Loaded, ids: Sequence[int], at: int) -> Breaches:
    found: Breaches = {}
    for ticket, progress in progress_of(connection, desk.home, loaded, ids).items():
        now_known = caught_up(loaded.book, progress, max(at, progress.at))
        for one in now_known.clocks:
            shown = reading(loaded.book.timelines, one, max(at, one.as_of) if one.stopped is None else one.stopped)
            if shown.breached is not None:
                found.setdefault(ticket, set()).add(one.target.value)
    return found


def _count(breaches: Breaches, target: Target) -> int:
    return sum(target.value in one for one in breaches.values())


def _news(some: Breaches, others: Breaches) -> list[dict[str, Any]]:
    """Tickets with breaches that the others have not."""
    found = []
    for ticket, targets in some.items():
        own = targets - others.get(ticket, set())
        if own:
            found.append({"ticket": str(ticket), "targets": sorted(own)})
    return found


def _drafts(raw: Mapping[str, Any], name: str) -> list[tuple[str, Mapping[str, Any]]]:
    given = raw.get(name) or []
    if not isinstance(given, list) or not all(isinstance(one, Mapping) for one in given):
        raise Invalid.one(name, "INVALID_TYPE", f"{name} must be a list of objects")
    found = [opened(one) for one in given]
    ErrorList([error for *_, errors in found for error in errors]).raise_if_any()
    return [(draft, body) for draft, _, body, _ in found]


def _judge(home: Home, calendars: Iterable[Draft], policies: Iterable[Draft]) -> None:
    for _, body in calendars:
        read_calendar(body)
    errors = [one for _, body in calendars for one in judge_calendar(body)]
    errors += [one for _, body in policies for one in judge_policy(body, home, None)]
    ErrorList(errors).raise_if_any()


def _named(kept: Iterable[Declared], name: str) -> bool:
    return any(one.name == name for one in kept)


def _in_place(kept: Iterable[Declared], drafts: Iterable[tuple[str, Mapping[str, Any]]]) -> list[Declared]:
    """What is kept, drafts in the place of what has their name."""
    held = list(kept)
    ids = {one.name: one.id for one in held}
    fresh = max(ids.values(), default=0)
    for name, body in drafts:
        fresh += 1
        ident = ids.get(name, fresh)
        held = [one for one in held if one.name != name]
        held.append(Declared(ident, name, 1, _EVER, body))
    return held


def _since(raw: Mapping[str, Any]) -> int | None:
    given = raw.get("since")
    return None if given is None else asked("since", given)
