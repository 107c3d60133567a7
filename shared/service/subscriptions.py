"""Everything a service follows: workspace's facts that every service keeps, and what its manifest says."""

from __future__ import annotations

from shared.bus.consumer import Subscription
from shared.kernel.config import Settings
from shared.service.imports.orders import import_orders
from shared.service.manifest import Manifest
from shared.service.replicas import owner_replica, relation_replica, token_replica


def subscriptions(manifest: Manifest, settings: Settings) -> tuple[Subscription, ...]:
    """Of one service; workspace follows itself for imports into its own types, not for what it owns."""
    own = (import_orders(manifest.name), *manifest.hears, *(manifest.follows(settings) if manifest.follows else ()))
    if manifest.owns_tokens:
        return own
    replicas = (token_replica, owner_replica, relation_replica)
    return (*(one(manifest.name, settings) for one in replicas), *own)
