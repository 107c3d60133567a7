"""The engine of a service as its manifest describes it: for its runtime, and for followers that write its entities.

Not for tests of the engine, nor for reading alone (`Home`).
"""

from __future__ import annotations

from shared.bus.schema import ensure_partitions as ensure_log_partitions
from shared.eav.batches import KeptOut, nothing_kept_out
from shared.eav.catalog import LiveType
from shared.eav.engine import Engine
from shared.eav.install import ensure_partitions as ensure_history_partitions
from shared.kernel.db import Database
from shared.service.entities import DomainJudge
from shared.service.heeding import heeded
from shared.service.known_types import KNOWN_TYPES
from shared.service.manifest import Manifest
from shared.service.matching.keeping import Keeping
from shared.service.mirrors.positions import noting
from shared.service.pipelines.visits import telling
from shared.service.publishing import LinkPublisher, in_turn
from shared.service.relations import BUILTIN
from shared.service.walks import RedisWalk


def ensure_partitions(database: Database) -> None:
    """Partitions of log and history."""
    ensure_history_partitions(database)
    with database.connect() as connection:
        ensure_log_partitions(connection)


def engine_of(
    manifest: Manifest,
    database: Database,
    keeping: Keeping,
    walk: RedisWalk,
    kept_out: KeptOut = nothing_kept_out,
) -> Engine:
    """What writes and reads, with everything that happens in the transaction of a write."""

    def live(name: str) -> LiveType:
        return engine.catalog.type(name)  # the service's own steps ask the engine for types, which needs the steps

    engine = Engine(
        database,
        judge=DomainJudge(manifest.rules, manifest.pipelines),
        publish=in_turn(keeping, telling(manifest.pipelines, manifest.steps(live))),
        walk=walk,
        partitions=ensure_partitions,
        relations=BUILTIN,
        elsewhere={one.name: one.wire_id for one in KNOWN_TYPES},
        publish_links=noting(heeded(LinkPublisher(manifest.name), manifest.heeding), manifest.mirrors),
        gatherings=manifest.gatherings,
        kept_out=kept_out,
    )
    return engine
