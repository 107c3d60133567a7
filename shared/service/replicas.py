"""Replicas every service keeps of workspace's facts, fed by workspace's log like any other consumer.

Tokens, so that a revoked one stops working here too; owners, so that a made-up owner id is refused here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import httpx

from shared.bus.client import HttpSource
from shared.bus.consumer import Subscription, pull_once
from shared.contracts.event import CATALOG_RELATION, TOKEN, Event
from shared.kernel.config import Settings
from shared.kernel.db import Connection, Database
from shared.kernel.errors import Unavailable
from shared.service.foreign import apply_entity_events, put_known
from shared.service.label_events import apply_relation_events, copy_details
from shared.service.tokens import apply_token_events

WORKSPACE = "workspace"
OWNER = "owner"
_PAGE = 100
_SECONDS = 10.0


def feed_source(settings: Settings) -> HttpSource:
    """Other services' feeds over HTTP: workspace at its own address, everything else at the front."""
    return HttpSource(lambda service: settings.workspace if service == WORKSPACE else settings.front, _token(settings))


def _token(settings: Settings) -> str:
    return settings.service_token.get_secret_value() if settings.service_token else ""


def _apply_tokens(connection: Connection, events: Sequence[Event]) -> None:
    apply_token_events(connection, events)


def token_replica(service: str, settings: Settings) -> Subscription:
    """Follow workspace's tokens. When the log no longer begins at its origin, workspace announces them anew."""

    def rebuild(database: Database) -> None:
        _ask(settings, "POST", "/api/v1/tokens/announce")

    return Subscription(
        name=f"{service}.tokens",
        source=WORKSPACE,
        handler=_apply_tokens,
        types=frozenset({TOKEN}),
        rebuild=rebuild,
    )


def owner_replica(service: str, settings: Settings) -> Subscription:
    """Follow workspace's owners; a replica that begins late reads the present ones first."""

    def rebuild(database: Database) -> None:
        for archived in ("false", "true"):
            after = ""
            while True:
                path = f"/api/v1/objects/owners?attributes=id&limit={_PAGE}&archived={archived}"
                page = _ask(settings, "GET", f"{path}&cursor={after}" if after else path)
                rows = [(int(one["id"]), int(one["version"]), archived == "true") for one in page["results"]]
                with database.transaction() as connection:
                    put_known(connection, OWNER, rows)
                after = str(page.get("next_cursor") or "")
                if not after:
                    break

    return Subscription(
        name=f"{service}.owners",
        source=WORKSPACE,
        handler=apply_entity_events,
        types=frozenset({OWNER}),
        rebuild=rebuild,
    )


def relation_replica(service: str, settings: Settings) -> Subscription:
    """Follow the labels made in workspace; a copy that begins late becomes what there is."""

    def rebuild(database: Database) -> None:
        details = _ask(settings, "GET", "/api/v1/relations?details=true")["results"]
        with database.transaction() as connection:
            copy_details(connection, details)

    return Subscription(
        name=f"{service}.relations",
        source=WORKSPACE,
        handler=apply_relation_events,
        types=frozenset({CATALOG_RELATION}),
        rebuild=rebuild,
    )


def _ask(settings: Settings, method: str, path: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {_token(settings)}"}
    try:
        answer = httpx.request(method, settings.workspace + path, headers=headers, timeout=_SECONDS)
        answer.raise_for_status()
    except httpx.HTTPError as error:
        raise Unavailable(f"workspace cannot be asked: {type(error).__name__}") from error
    return answer.json() if answer.content else {}


def puller(database: Database, settings: Settings, subscription: Subscription) -> Callable[[], None]:
    """A function that brings one replica up to date now."""
    source = feed_source(settings)

    def pull() -> None:
        while pull_once(database, source, subscription):
            pass

    return pull
