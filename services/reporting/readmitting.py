"""Letting entities through again whose events lie aside, once they are what their source says they are: their letters
are replayed, which has no effect on versions that are here, and what follows is applied as it comes.

Not for events that are to be given up: see `crm bus skip`.
"""

from __future__ import annotations

from collections.abc import Collection

from services.reporting.handlers import subscriptions
from shared.kernel.config import Settings
from shared.kernel.db import Database
from shared.kernel.telemetry import logger
from shared.service.following import letters, passes_by_itself, replay, told

_MOST = 1000
_log = logger("reporting.readmitting")


def readmit(database: Database, settings: Settings, source: str, entities: Collection[tuple[str, int]]) -> int:
    """Replay what was put aside of these entities (type, id); how many events. What fails again stays aside."""
    if not entities:
        return 0
    subscription = next(one for one in subscriptions(settings) if one.source == source)
    with database.connect() as connection:
        aside = letters(connection, subscription.name, limit=_MOST)
    done = 0
    for one in aside:
        if one.behind or (one.entity_type, one.entity_id) not in entities:
            continue
        try:
            done += replay(database, subscription.name, subscription.handler, one.id, subscription.renew).applied
        except Exception as error:
            if passes_by_itself(error):
                raise
            _log.warning("an event stays aside", subscription=subscription.name, letter=one.id, error=told(error))
    return done
