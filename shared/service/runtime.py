"""A running service's parts, made once per process from its manifest and settings, and handed to every handler."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cache, partial

import redis

from shared.bus.feed import Feed
from shared.contracts.event import CATALOG_RELATION, TOKEN
from shared.eav.batches import nothing_kept_out
from shared.eav.catalog import LiveType
from shared.kernel.config import Settings
from shared.kernel.db import Connection, Database
from shared.kernel.errors import CrmError
from shared.service.assignment import Assignment
from shared.service.definitions import Definitions
from shared.service.engines import engine_of, ensure_partitions
from shared.service.entities import Entities
from shared.service.erasure.corridor import Erasure
from shared.service.erasure.secret import secrets_of
from shared.service.exports import Exports
from shared.service.following import asker
from shared.service.foreign import Foreign
from shared.service.holdings import Holdings
from shared.service.label_events import Learning
from shared.service.labels import Labels
from shared.service.links import Links
from shared.service.manifest import Manifest
from shared.service.mass.changes import MassChanges
from shared.service.matching.duplicates import Duplicates
from shared.service.matching.keeping import Keeping
from shared.service.merging import Merging
from shared.service.mirrors.knowing import Neighbours
from shared.service.mirrors.positions import Waiting
from shared.service.pipelines import Pipelines
from shared.service.pipelines.visits import Visits
from shared.service.replicas import OWNER, PEOPLE, people_replica, puller, relation_replica, token_replica
from shared.service.subscriptions import subscriptions
from shared.service.tokens import TokenStore
from shared.service.views import SavedViews
from shared.service.walks import RedisWalk
from shared.service.work.ledger import NEWS
from shared.service.work.nudging import nudge

_SECONDS_ON_REQUEST = 3.0
"""How long another service may take to answer while somebody waits for ours."""


def database_url(manifest: Manifest, settings: Settings) -> str:
    """The service's own URL; raises RuntimeError without. DATABASE_URL is an administrator's and never served from."""
    url = settings.service_database_url(manifest.name)
    if url is None:
        raise RuntimeError(f"{manifest.name.upper()}_DATABASE_URL is not set")
    return url


class Runtime:
    """Database, catalog, corridor, definitions, tokens and feed of one service in one process."""

    def __init__(self, manifest: Manifest, settings: Settings) -> None:
        self.manifest = manifest
        self.settings = settings
        url = settings.redis_url.get_secret_value() if settings.redis_url else None
        self.redis = redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=1) if url else None
        self.db = Database(database_url(manifest, settings), pool_size=settings.pool_size, prepare=settings.prepare)
        if self.redis is not None:
            self.db.signals[NEWS] = nudge(self.redis, manifest.name)
        walk = RedisWalk(self.redis, manifest.name)
        keeping = Keeping(manifest.matching, self.db)
        kept_out = self._kept_out if settings.erasure_block else nothing_kept_out
        self.engine = engine_of(manifest, self.db, keeping, walk, kept_out)
        self.catalog = self.engine.catalog
        pulls = {} if manifest.owns_tokens else self._pulls()
        self.foreign = Foreign(self.db, {*PEOPLE, *manifest.refers} if pulls else (), pulls.get(OWNER))
        self.duplicates = Duplicates(self.engine, keeping)
        self.entities = Entities(self.engine, self.foreign, self.duplicates, manifest.copies, manifest.trees)
        self.assignment = Assignment(self.engine, self.foreign, manifest.assigned)
        self.views = SavedViews(self.engine)
        self.links = Links(self.engine, Learning(self.engine.relations, pulls.get(CATALOG_RELATION)))
        self.neighbours = Neighbours(self.engine, partial(asker, settings, seconds=_SECONDS_ON_REQUEST))
        self.heard = Waiting(self.redis, self.db, manifest.name)
        self.labels = Labels(self.engine, lambda: ensure_partitions(self.db))
        self.merging = Merging(self.engine)
        self.erasure = Erasure(
            self.engine, cache(lambda: secrets_of(settings)), walk.forget, manifest.belongings, manifest.forgets,
            manifest.parts,
        )  # fmt: skip
        self.exports = Exports(self.engine)
        self.mass = MassChanges(self.engine, self.entities)
        self.definitions = Definitions(self.engine, manifest, lambda: ensure_partitions(self.db))
        self.pipelines = Pipelines(self.engine, manifest.pipelines, lambda: ensure_partitions(self.db))
        self.visits = Visits(self.engine, manifest.pipelines)
        self.holdings = Holdings(self.engine, manifest.metrics)
        self.feed = Feed(self.db)
        self.tokens = TokenStore(self.db, settings, pulls.get(TOKEN))
        self.own = manifest.own(self) if manifest.own else None
        self.follows = {one.name: one for one in subscriptions(manifest, settings)}

    def _kept_out(
        self, connection: Connection, live: LiveType, keys: Collection[tuple[int, str]]
    ) -> Mapping[tuple[int, str], CrmError]:
        """The engine asks the ledger of erasures, which needs the engine."""
        return self.erasure.refused(connection, live, keys)

    def _pulls(self) -> dict[str, Callable[[], None]]:
        """How this process brings its replicas up to date when something is unknown."""
        name, settings = self.manifest.name, self.settings
        return {
            TOKEN: puller(self.db, settings, token_replica(name, settings)),
            OWNER: puller(self.db, settings, people_replica(name, settings)),
            CATALOG_RELATION: puller(self.db, settings, relation_replica(name, settings)),
        }
