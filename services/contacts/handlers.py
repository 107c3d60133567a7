"""What contacts hears besides what every service does: its own log and those of deals and tickets, for the timeline.

Handlers write to this database alone, in the transaction that moves the watermark.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from services.contacts.reminders import TASK
from services.contacts.timeline import store
from services.contacts.timeline.entries import ENTRY, HOMES, TICKET
from services.contacts.timeline.following import OWN, Timeline
from services.contacts.timeline.rebuilding import rebuild_foreign, rebuild_own
from shared.contracts.event import CATALOG_ATTRIBUTE, CATALOG_TYPE, LINK, Event
from shared.kernel.config import Settings
from shared.kernel.db import Connection, Database
from shared.service import notices
from shared.service.following import Subscription, asker, beside
from shared.service.home import Home


def subscriptions(settings: Settings) -> tuple[Subscription, ...]:
    """The timeline's followers."""
    return followers(Home.of(beside(settings, OWN)), settings)


def followers(home: Home, settings: Settings) -> tuple[Subscription, ...]:
    """The same over a database at hand."""
    timeline = Timeline(home)
    return (
        Subscription(
            name=f"{OWN}.timeline",
            source=OWN,
            handler=_hearing(timeline, OWN),
            types=frozenset({"entity", LINK}),
            rebuild=lambda database: rebuild_own(home, timeline, database),
        ),
        *(_of(timeline, source, kind, settings) for kind, source in HOMES.items()),
    )


def _of(timeline: Timeline, source: str, kind: str, settings: Settings) -> Subscription:
    """What another service tells of its entities that stand in timelines."""

    kinds = (kind, ENTRY) if kind == TICKET else (kind,)

    def rebuild(database: Database) -> None:
        rebuild_foreign(source, kinds, asker(settings, source), database, timeline)

    return Subscription(
        name=f"{OWN}.timeline.of.{source}",
        source=source,
        handler=_hearing(timeline, source),
        types=frozenset({*kinds, LINK, CATALOG_TYPE, CATALOG_ATTRIBUTE}),
        rebuild=rebuild,
    )


def _hearing(timeline: Timeline, source: str) -> Callable[[Connection, Sequence[Event]], None]:
    def hear(connection: Connection, events: Sequence[Event]) -> None:
        timeline.apply(connection, source, events)

    return hear


def turn(database: Database) -> int:
    """Upkeep: activities that were to come and have come; how many entities that was looked at for."""
    timeline = Timeline(Home.of(database))
    with database.transaction() as connection:
        return timeline.turn(connection)


def forget(connection: Connection, entity_type: str, ids: Collection[int]) -> None:
    """What the timeline, and lines that owners were told, have of erased entities goes in the transaction of the
    erasure."""
    if entity_type == TASK:
        notices.forget(connection, TASK, ids)
    store.forget(connection, {(entity_type, ident) for ident in ids})
