"""The service as a value: see README.md beside it for what it owns, publishes and hears."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from services.reporting.answering import Answers
from services.reporting.api import OPERATIONS as DOORS
from services.reporting.asking_api import OPERATIONS as ASKING
from services.reporting.cache import Cache
from services.reporting.commands import name_types
from services.reporting.filter_api import OPERATIONS as FILTERS
from services.reporting.handlers import subscriptions
from services.reporting.jobs import (
    BACKFILL,
    FOLD,
    VERIFY,
    WARM,
    Backfill,
    Fold,
    Verify,
    Warm,
    fold_when_due,
    verify_when_due,
    warm_when_due,
)
from services.reporting.linking import RELINK
from services.reporting.pages import OPERATIONS as PAGES
from services.reporting.projections import Projections
from services.reporting.rebuild_doors import OPERATIONS as REBUILDS
from services.reporting.rebuilding import REPLICA, Replica
from services.reporting.relinking import Relink, relinks_due
from services.reporting.suggesting import define_suggested
from services.reporting.verify_doors import OPERATIONS as PROOFS
from shared.kernel.db import Database
from shared.service.manifest import Manifest

if TYPE_CHECKING:
    from shared.service.runtime import Runtime


def suggested(database: Database) -> int:
    """Define what services suggest."""
    return define_suggested(database, Projections())


def named(database: Database) -> int:
    """Mend what was kept under another name of its type."""
    return name_types(database, Projections())


def answers(service: Runtime) -> Answers:
    """What the doors need."""
    return Answers(service.db, Projections(), Cache(service.redis))


def relinks(database: Database) -> int:
    """Begin again what waits without a job."""
    return relinks_due(database, Projections())


MANIFEST = Manifest(
    name="reporting",
    types=(),
    operations=(*DOORS, *ASKING, *FILTERS, *REBUILDS, *PROOFS, *PAGES),
    follows=subscriptions,
    own=answers,
    upkeep={
        "metrics_defined": suggested,
        "metrics_named": named,
        "verifications_started": verify_when_due,
        "relinks_waiting": relinks,
        "foldings_started": fold_when_due,
        "warmings_started": warm_when_due,
    },
    work={BACKFILL: Backfill(), VERIFY: Verify(), RELINK: Relink(), REPLICA: Replica(), FOLD: Fold(), WARM: Warm()},
    migrations=Path(__file__).parent / "migrations",
)
