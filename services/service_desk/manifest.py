"""The service as a value: see README.md beside it for what it owns, publishes and hears."""

from __future__ import annotations

from services.service_desk.gathering import GATHERINGS
from services.service_desk.metrics import METRICS
from services.service_desk.mirrors import MIRRORS
from services.service_desk.pipelines import PIPELINES
from services.service_desk.rules import RULES
from services.service_desk.schema import TYPES
from shared.service.manifest import Manifest

MANIFEST = Manifest(
    name="service_desk",
    types=TYPES,
    rules=RULES,
    pipelines=PIPELINES,
    mirrors=MIRRORS,
    gatherings=GATHERINGS,
    metrics=METRICS,
)
