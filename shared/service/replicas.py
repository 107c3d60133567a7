"""Replicas every service keeps of workspace's facts, fed by workspace's log like any other consumer.

Tokens, so that a revoked one stops working here too; owners and teams, so that made-up ids of them are refused here,
and so that it is known whose team something is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import httpx

from shared.bus.client import HttpSource
from shared.bus.consumer import Subscription, pull_once
from shared.contracts.event import CATALOG_RELATION, CATALOG_TYPE, TOKEN, Event
from shared.kernel.certificates import trusted
from shared.kernel.clock import now
from shared.kernel.config import Settings
from shared.kernel.db import Connection, Database
from shared.kernel.errors import Unavailable
from shared.service.foreign import apply_entity_events, put_known
from shared.service.label_events import apply_relation_events, copy_details
from shared.service.people import OWNER, Owner, apply_owner_events, owner_of, put_owners
from shared.service.tokens import apply_token_events

WORKSPACE = "workspace"
TEAM = "team"
PEOPLE = frozenset({OWNER, TEAM})
"""Types of workspace whose ids every service tells real from made up."""
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


def _apply_people(connection: Connection, events: Sequence[Event]) -> None:
    apply_entity_events(connection, events)
    apply_owner_events(connection, events)


def people_replica(service: str, settings: Settings) -> Subscription:
    """Follow workspace's owners and teams; a replica that begins late reads the present ones first."""

    def rebuild(database: Database) -> None:
        told = {one["name"]: one for one in _ask(settings, "GET", f"/api/v1/{WORKSPACE}/catalog")["types"]}
        for kind in PEOPLE:
            names = {str(one["id"]): str(one["name"]) for one in told[kind]["attributes"]}
            at = Event(CATALOG_TYPE, kind, now(), detail=told[kind])
            for page in _entities(settings, kind):
                with database.transaction() as connection:
                    apply_owner_events(connection, [at])
                    put_known(connection, kind, [(int(o["id"]), int(o["version"]), bool(o["archived"])) for o in page])
                    put_owners(connection, [_owner(one, names) for one in page] if kind == OWNER else [])

    return Subscription(
        name=f"{service}.people",
        source=WORKSPACE,
        handler=_apply_people,
        types=PEOPLE,
        rebuild=rebuild,
    )


def _entities(settings: Settings, kind: str) -> Iterator[list[dict[str, Any]]]:
    """All of a kind as they are, by pages, archived ones among them."""
    after = "0"
    while after:
        page = _ask(settings, "GET", f"/api/v1/{WORKSPACE}/entities/{kind}?after={after}")
        yield page["results"]
        after = str(page.get("next_after") or "")


def _owner(one: Mapping[str, Any], names: Mapping[str, str]) -> Owner:
    values = {names[key]: value for key, value in one["values"].items() if key in names}
    return owner_of(int(one["id"]), int(one["version"]), values, archived=bool(one["archived"]))


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
        answer = httpx.request(method, settings.workspace + path, headers=headers, timeout=_SECONDS, verify=trusted())
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
