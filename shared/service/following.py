"""What a service needs that follows others: subscriptions, and a way to ask a source for what its log cannot tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import httpx

from shared.bus.account import Account, accounts
from shared.bus.consumer import Subscription
from shared.kernel.config import Settings
from shared.kernel.errors import Unavailable
from shared.service.replicas import WORKSPACE

__all__ = ["Account", "Subscription", "accounts", "asker"]

_SECONDS = 30.0


def asker(settings: Settings, source: str) -> Callable[[str], Mapping[str, Any]]:
    """Answers GET paths of another service with its JSON, by this service's own token. Raises Unavailable."""
    address = settings.workspace if source == WORKSPACE else settings.front
    token = settings.service_token.get_secret_value() if settings.service_token else ""

    def ask(path: str) -> Mapping[str, Any]:
        headers = {"Authorization": f"Bearer {token}"}
        try:
            found = httpx.get(address + path, headers=headers, timeout=_SECONDS)
            found.raise_for_status()
        except httpx.HTTPError as error:
            raise Unavailable(f"{source} cannot be asked: {type(error).__name__}") from error
        return dict(found.json())

    return ask
