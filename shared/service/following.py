"""What a service needs that follows others: subscriptions, connections beside the consumers' for those that read and
write more than they are handed, and a way to ask a source for what its log cannot tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakValueDictionary

import httpx

from shared.bus.account import Account, accounts
from shared.bus.consumer import Subscription
from shared.bus.dead_letters import letters, passes_by_itself, told
from shared.bus.pulses import hurry
from shared.bus.settling import replay
from shared.kernel.certificates import trusted
from shared.kernel.config import Settings
from shared.kernel.db import Database
from shared.kernel.errors import Unavailable
from shared.service.replicas import WORKSPACE

__all__ = [
    "Account",
    "Subscription",
    "accounts",
    "asker",
    "beside",
    "hurry",
    "letters",
    "passes_by_itself",
    "replay",
    "told",
]

_SECONDS = 30.0
_POOL = 4
_pools: WeakValueDictionary[tuple[str, bool], Database] = WeakValueDictionary()


def beside(settings: Settings, service: str) -> Database:
    """A service's own database for its followers: one pool for all of them in a process, opened when first needed.

    For what a handler reads or writes beside the connection it is handed; not for doors, whose pool is larger.
    """
    key = settings.service_database_url(service) or "", settings.prepare
    return _pools.setdefault(key, Database(key[0], pool_size=_POOL, prepare=key[1]))


def asker(settings: Settings, source: str, seconds: float = _SECONDS) -> Callable[[str], Mapping[str, Any]]:
    """Answers GET paths of another service with its JSON, by this service's own token. seconds: how long it may take.
    Raises Unavailable."""
    address = settings.workspace if source == WORKSPACE else settings.front
    token = settings.service_token.get_secret_value() if settings.service_token else ""

    def ask(path: str) -> Mapping[str, Any]:
        headers = {"Authorization": f"Bearer {token}"}
        try:
            found = httpx.get(address + path, headers=headers, timeout=seconds, verify=trusted())
            found.raise_for_status()
        except httpx.HTTPError as error:
            raise Unavailable(f"{source} cannot be asked: {type(error).__name__}") from error
        return dict(found.json())

    return ask
