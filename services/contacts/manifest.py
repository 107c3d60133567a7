"""The service as a value: see README.md beside it for what it owns, publishes and hears."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from services.contacts.activity_rules import RULES as ACTIVITY_RULES
from services.contacts.api import OPERATIONS
from services.contacts.counts import COUNTS
from services.contacts.domain.activities import TYPES as ACTIVITIES
from services.contacts.gathering import GATHERINGS
from services.contacts.handlers import forget, subscriptions, turn
from services.contacts.matching import MATCHING
from services.contacts.metrics import METRICS
from services.contacts.mirrors import MIRRORS
from services.contacts.reminders import remind, steps
from services.contacts.rules import RULES
from services.contacts.schema import TYPES
from services.contacts.timeline.answering import Timelines
from shared.service.home import Home
from shared.service.manifest import Manifest

if TYPE_CHECKING:
    from shared.service.runtime import Runtime


def timelines(service: Runtime) -> Timelines:
    """What the timeline's door needs."""
    return Timelines(Home(service.engine))


MANIFEST = Manifest(
    name="contacts",
    types=TYPES,
    rules={**RULES, **ACTIVITY_RULES},
    gatherings=GATHERINGS,
    mirrors=MIRRORS,
    matching=MATCHING,
    metrics=METRICS,
    operations=OPERATIONS,
    follows=subscriptions,
    upkeep={"activities_turned": turn, "reminded": remind},
    steps=steps,
    counts=COUNTS,
    belongings={"contact": ACTIVITIES},
    forgets=forget,
    own=timelines,
    migrations=Path(__file__).parent / "migrations",
)
