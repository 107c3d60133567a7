"""Replicas every service keeps of workspace's facts, fed by workspace's log like any other consumer."""

from __future__ import annotations

from collections.abc import Sequence

from shared.bus.consumer import Subscription
from shared.contracts.event import TOKEN, Event
from shared.kernel.db import Connection
from shared.service.manifest import WORKSPACE
from shared.service.tokens import apply_token_events


def _apply(connection: Connection, events: Sequence[Event]) -> None:
    apply_token_events(connection, events)


def token_replica(service: str) -> Subscription:
    """Follow workspace's tokens: a revoked one stops working here too."""
    return Subscription(
        name=f"{service}.tokens", source=WORKSPACE, handler=_apply, types=frozenset({TOKEN}), begin="start"
    )
