"""The event door: which logs are followed, and what is made of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from services.reporting.projections import Projections
from services.reporting.sources import SOURCES
from shared.contracts.event import Event
from shared.kernel.config import Settings
from shared.kernel.db import Connection, Database
from shared.service.following import Subscription, asker
from shared.service.replica.copying import copy, renewing

PAGE = 1000
"""Events at once, when that many are behind: the more there are, the more of them fall into the same cells."""


def subscriptions(settings: Settings) -> tuple[Subscription, ...]:
    """One per source: everything on its log, so that its account balances; what is not reported on has no effect."""
    projections = Projections()
    return tuple(_subscription(source, settings, projections) for source in SOURCES)


def _subscription(source: str, settings: Settings, projections: Projections) -> Subscription:
    def handle(connection: Connection, events: Sequence[Event]) -> None:
        projections.apply(connection, source, events)

    def rebuild(database: Database) -> None:
        ask = asker(settings, source)
        copy(database, projections.catalogs, source, ask, projections.project, projections.take_over_links)

    def renew(entity_type: str, ident: int | None) -> Callable[[Connection], None]:
        ask = asker(settings, source)
        return renewing(projections.catalogs, source, ask, projections.project)(entity_type, ident)

    return Subscription(f"reporting.{source}", source, handle, rebuild=rebuild, renew=renew, limit=PAGE)
