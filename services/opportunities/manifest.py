"""The service as a value: see README.md beside it for what it owns, publishes and hears."""

from __future__ import annotations

from pathlib import Path

from services.opportunities.api import OPERATIONS
from services.opportunities.assigned import ASSIGNED
from services.opportunities.commands import revaluing
from services.opportunities.copies import COPIES
from services.opportunities.counts import COUNTS
from services.opportunities.gathering import GATHERINGS
from services.opportunities.handlers import subscriptions
from services.opportunities.metrics import METRICS
from services.opportunities.mirrors import MIRRORS
from services.opportunities.pipelines import PIPELINES
from services.opportunities.rules import RULES
from services.opportunities.schema import TYPES
from shared.service.manifest import Manifest

MANIFEST = Manifest(
    name="opportunities",
    types=TYPES,
    rules=RULES,
    pipelines=PIPELINES,
    mirrors=MIRRORS,
    gatherings=GATHERINGS,
    metrics=METRICS,
    assigned=ASSIGNED,
    copies=COPIES,
    counts=COUNTS,
    operations=OPERATIONS,
    follows=subscriptions,
    work={revaluing.KIND: revaluing.Revalue()},
    migrations=Path(__file__).parent / "migrations",
)
