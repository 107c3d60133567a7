"""Two real services on fresh databases, in this process: workspace, and contacts as its replica."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from services.contacts.manifest import MANIFEST as CONTACTS
from services.workspace.manifest import MANIFEST as WORKSPACE
from shared.bus.feed import Feed
from shared.contracts.event import CATALOG_RELATION
from shared.kernel.config import Settings
from shared.service.app import build_app, migrate
from shared.service.label_events import Learning, apply_relation_events
from shared.service.links import Links
from shared.service.manifest import Manifest
from shared.service.tokens import apply_token_events, ensure_bootstrap

ADMIN = "crm_" + "admin-token-for-tests-" * 2
SERVICE = "crm_" + "service-token-for-tests-" * 2


@dataclass
class System:
    """The apps, and clients that carry the admin's token."""

    workspace: Flask
    contacts: Flask

    def client(self, service: str, token: str | None = ADMIN) -> FlaskClient:
        """A client of one service."""
        made: FlaskClient = getattr(self, service).test_client()
        if token is not None:
            made.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        return made

    def runtime(self, service: str) -> Any:
        """A service's runtime."""
        return getattr(self, service).extensions["crm"]


def application(manifest: Manifest, url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Flask:
    monkeypatch.setenv(f"{manifest.name.upper()}_DATABASE_URL", url)
    settings = Settings(redis_url=redis_url, service_token=SERVICE, pool_size=4)  # type: ignore[arg-type]
    migrate(manifest, settings)
    app = build_app(manifest, settings)
    with app.extensions["crm"].db.connect() as conn:
        ensure_bootstrap(conn, ADMIN, SERVICE)
    return app


@pytest.fixture(scope="module")
def system(new_database: Callable[..., str], redis_url: str) -> Iterator[System]:
    """Both services. Contacts pulls tokens straight from workspace's log."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        made = System(
            application(WORKSPACE, new_database(WORKSPACE), redis_url, monkeypatch),
            application(CONTACTS, new_database(CONTACTS), redis_url, monkeypatch),
        )
    contacts, workspace = made.runtime("contacts"), made.runtime("workspace")
    contacts.tokens.pull = lambda: follow(workspace.db, contacts.db)
    contacts.links = Links(contacts.engine, Learning(contacts.engine.relations, lambda: follow_relations(made)))
    yield made
    for runtime in (contacts, workspace):
        runtime.db.dispose()
        if runtime.redis is not None:
            runtime.redis.close()


def follow_relations(system: System) -> None:
    """Apply all of workspace's relations to the copy that contacts keeps."""
    follow(system.runtime("workspace").db, system.runtime("contacts").db, CATALOG_RELATION, apply_relation_events)


def follow(source: Any, target: Any, kind: str = "token", apply: Any = apply_token_events) -> None:
    """Apply all of workspace's events of a kind to a replica."""
    after: str | None = None
    while True:
        page = Feed(source).read(after, types=(kind,)).page()
        with target.transaction() as conn:
            apply(conn, page.events)
        after = str(page.next)
        if page.up_to_date:
            return
