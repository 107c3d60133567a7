"""What keeps a service's database healthy, done again and again: partitions, spare slots and indexes, retention.

Idempotent and safe from several processes. Run it as a Celery task (see worker.py), or inside the bus process of a
service that runs alone.
"""

from __future__ import annotations

from typing import Any

from shared.bus.retention import drop_old_partitions
from shared.eav.slots import provision
from shared.eav.statistics import analyse_new_slots
from shared.kernel.db import Database
from shared.kernel.telemetry import logger
from shared.service import notices
from shared.service.counting import recounted
from shared.service.giving_out import sweep as give_out
from shared.service.idempotency import purge
from shared.service.imports.leftovers import purge_seen
from shared.service.manifest import Manifest
from shared.service.matching.backfill import backfill
from shared.service.mirrors.sweeping import sweep
from shared.service.runtime import ensure_partitions
from shared.service.schema import SPARE_POOL

_log = logger("maintenance")


def maintain(manifest: Manifest, database: Database) -> dict[str, Any]:
    """One round; says what was done."""
    ensure_partitions(database)
    made = provision(database, SPARE_POOL if manifest.custom_types else None)
    analysed = analyse_new_slots(database)
    dropped = drop_old_partitions(database)
    matched = backfill(manifest.matching, database) if manifest.matching else 0
    purged = 0
    with database.connect() as connection:
        while done := purge(connection):
            purged += done
    purged += purge_seen(database)
    undone = sweep(database, manifest.name, manifest.mirrors) if manifest.mirrors else 0
    outcome = {
        "service": manifest.name,
        "provisioned": made,
        "analysed": analysed,
        "dropped": dropped,
        "purged": purged,
        "matched": matched,
        "undone": undone,
        "assigned": give_out(manifest, database) if manifest.assigned else 0,
        "counted": recounted(database, manifest.counts) if manifest.counts else 0,
        "notices": notices.tidy(database),
        **{name: one(database) for name, one in manifest.upkeep.items()},
    }
    if any(outcome[name] for name in outcome if name != "service"):
        _log.info("maintained", **outcome)
    return outcome
