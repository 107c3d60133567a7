"""The service as a value: see README.md beside it for what it owns, publishes and hears."""

from __future__ import annotations

from pathlib import Path

from services.workspace.api import OPERATIONS
from services.workspace.handlers import subscriptions
from services.workspace.jobs import KINDS
from services.workspace.retention import drop_old_files
from services.workspace.rules import RULES
from services.workspace.schema import TYPES
from shared.service.manifest import Manifest

MANIFEST = Manifest(
    name="workspace",
    types=TYPES,
    rules=RULES,
    operations=OPERATIONS,
    follows=subscriptions,
    work=KINDS,
    upkeep={"import_files_dropped": drop_old_files},
    custom_types=True,
    migrations=Path(__file__).parent / "migrations",
)
