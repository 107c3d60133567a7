"""Everything a service follows: workspace's facts that every service keeps, and what its manifest says."""

from __future__ import annotations

from shared.bus.consumer import Subscription
from shared.kernel.config import Settings
from shared.service import counting
from shared.service.bereft import Bereft
from shared.service.giving_out import subscription as assignment_subscription
from shared.service.imports.orders import import_orders
from shared.service.manifest import Manifest
from shared.service.mirrors.following import mirror_subscriptions
from shared.service.replicas import people_replica, relation_replica, token_replica


def subscriptions(manifest: Manifest, settings: Settings) -> tuple[Subscription, ...]:
    """Of one service; workspace follows itself for imports into its own types, not for what it owns.

    A service without entities needs no more than tokens of it.
    """
    more = (*manifest.hears, *(manifest.follows(settings) if manifest.follows else ()))
    if manifest.assigned:
        more = (*more, assignment_subscription(manifest, settings))
    tokens = () if manifest.owns_tokens else (token_replica(manifest.name, settings),)
    if not manifest.types:
        return (*tokens, *more)
    replicas = () if manifest.owns_tokens else (people_replica, relation_replica)
    bereft = Bereft(manifest, settings)
    mirrors = mirror_subscriptions(manifest.name, manifest.mirrors, settings, bereft, manifest.heeding)
    if manifest.counts:
        mirrors = tuple(counting.counting_after(one, manifest.name, manifest.counts, settings) for one in mirrors)
        more = (*more, counting.subscription(manifest.name, manifest.counts, settings))
    return (*tokens, *(one(manifest.name, settings) for one in replicas), import_orders(manifest.name), *mirrors, *more)
