"""Everything a service follows: workspace's facts that every service keeps, and what its manifest says."""

from __future__ import annotations

from shared.bus.consumer import Subscription
from shared.kernel.config import Settings
from shared.service.manifest import Manifest
from shared.service.replicas import owner_replica, token_replica


def subscriptions(manifest: Manifest, settings: Settings) -> tuple[Subscription, ...]:
    """Of one service; workspace does not follow itself for what it owns."""
    if manifest.owns_tokens:
        return manifest.hears
    return (token_replica(manifest.name, settings), owner_replica(manifest.name, settings), *manifest.hears)
