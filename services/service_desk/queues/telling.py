"""What followers and owners of tickets are told: one line each, in the transaction that marks the event as heard.

So nothing is told twice, and nothing is left out. Lines are the kit's notices; the text of a trigger's notice may quote
the ticket, and goes with it when that is erased.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.service_desk.promises.keeping import ENTRY, TICKET
from services.service_desk.queues import followers
from shared.contracts.event import CREATED, DESK_NOTICE, ERASED, SLA_REACHED, UPDATED, Event
from shared.kernel.config import Settings
from shared.kernel.db import Connection
from shared.service import notices
from shared.service.following import Subscription, beside
from shared.service.home import Home, LiveType
from shared.service.notices import Notice

OWN = "service_desk"
NAME = f"{OWN}.notifications"
IMPORT = "IMPORT"
ENTRY_ID = "entry"
"""In the detail of a notice about something that was said: which entry."""
_FORGET = "delete from desk_follower where ticket_id = any(%(ids)s::bigint[])"


@dataclass(frozen=True, slots=True)
class News:
    """Something that happened to a ticket. to: who is told; None: its owner and everybody who follows it, except for
    who did it."""

    ticket: int
    kind: str
    at: datetime
    entry: int | None = None
    detail: dict[str, Any] = field(default_factory=dict)
    to: int | None = None
    by: int | None = None


def subscriptions(settings: Settings) -> tuple[Subscription, ...]:
    """The follower of tickets and of what is said about them."""
    return (follower(Home.of(beside(settings, OWN))),)


def follower(home: Home) -> Subscription:
    """The same over what is at hand."""

    def hear(connection: Connection, events: Sequence[Event]) -> None:
        tell(connection, home, news(home, events))
        gone = [one.entity_id or 0 for one in events if one.kind == ERASED and one.entity_type == TICKET]
        if gone:
            forget(connection, TICKET, gone)

    return Subscription(
        name=NAME,
        source=OWN,
        handler=hear,
        types=frozenset({TICKET, ENTRY}),
        begin="start",
        rebuild=lambda _database: None,  # what nobody can tell any more is no news
    )


def news(home: Home, events: Iterable[Event]) -> list[News]:
    """What of events is worth telling."""
    found: list[News] = []
    for one in events:
        if one.entity_id is None or one.source == IMPORT:
            continue  # what an import tells of happened long ago
        if one.entity_type == ENTRY and one.kind == CREATED:
            found += _entry(home.type(ENTRY, one.changed), one, one.entity_id)
        elif one.kind == SLA_REACHED:
            told = {name: one.detail.get(name) for name in ("target", "threshold", "policy")}
            found.append(News(one.entity_id, "promise", one.at, detail=told))
        elif one.kind == DESK_NOTICE:
            owners = [int(owner) for owner in one.detail.get("owners", ()) if str(owner).isdigit()]
            said = {"text": one.detail.get("text")}
            found += [News(one.entity_id, "notice", one.at, detail=said, to=owner) for owner in owners]
        elif one.entity_type == TICKET and one.kind in (CREATED, UPDATED):
            found += _ticket(home.type(TICKET, one.changed), one, one.entity_id)
    return found


def tell(connection: Connection, home: Home, found: Sequence[News]) -> int:
    """Write it down for everybody concerned; how many lines."""
    if not found:
        return 0
    ids = sorted({one.ticket for one in found})
    concerned: dict[int, set[int]] = {}
    for ticket, owner in followers.followers(connection, ids):
        concerned.setdefault(ticket, set()).add(owner)
    key = home.type(TICKET).attributes["owner_id"].key
    for ticket, state in home.states(connection, TICKET, ids).items():
        if (held := state.values.get(key)) is not None:
            concerned.setdefault(ticket, set()).add(int(held))
    return notices.tell(
        connection,
        [
            Notice(owner, one.at, one.kind, TICKET, one.ticket, _detail(one))
            for one in found
            for owner in ([one.to] if one.to is not None else sorted(concerned.get(one.ticket, ())))
            if owner != one.by
        ],
    )


def _detail(one: News) -> dict[str, Any]:
    return one.detail if one.entry is None else {**one.detail, ENTRY_ID: str(one.entry)}


def forget(connection: Connection, entity_type: str, ids: Collection[int]) -> None:
    """Take erased tickets out."""
    if entity_type == TICKET:
        connection.run(_FORGET, {"ids": list(ids)})
        notices.forget(connection, TICKET, ids)


def _entry(live: LiveType, one: Event, ident: int) -> list[News]:
    said = {name: _new(live, one, name) for name in ("ticket_id", "author", "visibility", "owner_id")}
    if said["ticket_id"] is None:
        return []
    by = None if said["owner_id"] is None else int(said["owner_id"])
    detail = {"author": said["author"], "visibility": said["visibility"]}
    return [News(int(said["ticket_id"]), "entry", one.at, ident, detail, by=by)]


def _ticket(live: LiveType, one: Event, ident: int) -> list[News]:
    found, owner = [], _new(live, one, "owner_id")
    if owner is not None:
        found.append(News(ident, "assigned", one.at, to=int(owner)))
    change = one.changed.get(live.attributes["status"].key)
    if change is not None and one.kind == UPDATED:
        found.append(News(ident, "status", one.at, detail={"from": change[0], "to": change[1]}))
    return found


def _new(live: LiveType, one: Event, name: str) -> Any:
    change = one.changed.get(live.attributes[name].key)
    return None if change is None else change[1]
