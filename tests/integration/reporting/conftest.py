"""Contacts with its log, and reporting that follows it: three services on fresh databases, in this process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from services.reporting.backfill import backfill
from services.reporting.manifest import MANIFEST as REPORTING
from services.reporting.projections import Projections
from shared.bus.client import DirectSource
from shared.bus.consumer import Subscription, pull
from shared.kernel.context import Context
from shared.kernel.db import Database
from tests.integration.service.conftest import ADMIN, System, application, system  # noqa: F401 (a fixture)


@dataclass
class Reporting:
    """Reporting's app and what it makes of events, to be pulled by hand."""

    app: Any
    system: System
    projections: Projections

    @property
    def db(self) -> Database:
        return self.app.extensions["crm"].db

    @property
    def contacts(self) -> Any:
        return self.system.runtime("contacts")

    def client(self, token: str = ADMIN) -> Any:
        made = self.app.test_client()
        made.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        return made

    def fill(self, metric: int, **more: Any) -> bool:
        """One piece of a backfill; whether there is more."""
        with self.db.transaction() as connection:
            return backfill(connection, self.projections, metric, **more)

    def subscription(self, source: str = "contacts", **more: Any) -> Subscription:
        def handle(connection: Any, events: Any) -> None:
            self.projections.apply(connection, source, events)

        return replace(Subscription(f"reporting.{source}", source, handle), **more)

    def catch_up(self, source: str = "contacts", **more: Any) -> None:
        """Apply everything that lies on a source's log."""
        feeds = DirectSource({source: self.system.runtime(source).feed})
        subscription = self.subscription(source, **more)
        while pull(self.db, feeds, subscription).behind:
            pass
        assert pull(self.db, feeds, subscription).applied == 0


@pytest.fixture(scope="module")
def reporting(system: System, new_database: Any, redis_url: str) -> Iterator[Reporting]:  # noqa: F811
    with pytest.MonkeyPatch.context() as monkeypatch:
        app = application(REPORTING, new_database(REPORTING), redis_url, monkeypatch)
        app.extensions["crm"].own.recent.window = 0.0  # what is applied here by hand is seen by the next request
        yield Reporting(app, system, Projections())
        app.extensions["crm"].db.dispose()


@pytest.fixture
def ctx() -> Context:
    return Context()
