"""The service as a value: see README.md beside it for what it owns, publishes and hears."""

from __future__ import annotations

from services.contacts.activity_rules import RULES as ACTIVITY_RULES
from services.contacts.api import OPERATIONS
from services.contacts.gathering import GATHERINGS
from services.contacts.matching import MATCHING
from services.contacts.metrics import METRICS
from services.contacts.rules import RULES
from services.contacts.schema import TYPES
from shared.service.manifest import Manifest

MANIFEST = Manifest(
    name="contacts",
    types=TYPES,
    rules={**RULES, **ACTIVITY_RULES},
    gatherings=GATHERINGS,
    matching=MATCHING,
    metrics=METRICS,
    operations=OPERATIONS,
)
