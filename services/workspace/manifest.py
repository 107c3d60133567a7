"""The service as a value: see README.md beside it for what it owns, publishes and hears."""

from __future__ import annotations

from services.workspace.api import OPERATIONS
from services.workspace.rules import RULES
from services.workspace.schema import TYPES
from shared.service.manifest import Manifest

MANIFEST = Manifest(name="workspace", types=TYPES, rules=RULES, operations=OPERATIONS, custom_types=True)
