"""The service desk on a fresh database, in this process, and a client that speaks to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from services.service_desk.manifest import MANIFEST
from tests.factories.answers import untold
from tests.integration.service.conftest import ADMIN, application

TICKETS = "/api/v1/objects/tickets"
ENTRIES = "/api/v1/objects/ticket_entries"
SURVEYS = "/api/v1/objects/ticket_surveys"


@dataclass(frozen=True)
class Desk:
    """The service, by its runtime and by a client with the admin's token."""

    runtime: Any
    client: Any

    def ask(self, method: str, path: str, status: int = 200, **body: Any) -> Any:
        """One request; what it answers."""
        answer = self.client.open(path, method=method, json=body or None)
        assert answer.status_code == status, answer.text
        assert not (wrong := untold(self.client.application, method, path, answer)), wrong
        return answer.json

    def ticket(self, at: str | None = None, **values: Any) -> str:
        """The id of a new ticket."""
        return str(self.ask("POST", TICKETS, 201, values=values, **({"effective_at": at} if at else {}))["id"])

    def write(self, ident: str, status: int = 200, at: str | None = None, **values: Any) -> Any:
        """A change of a ticket."""
        return self.ask("PATCH", f"{TICKETS}/{ident}", status, values=values, **({"effective_at": at} if at else {}))

    def read(self, ident: str) -> dict[str, Any]:
        """A ticket's values."""
        names = ",".join(self.runtime.catalog.type("ticket").attributes)
        return dict(self.ask("GET", f"{TICKETS}/{ident}?attributes={names}")["values"])

    def asked(self, ident: str) -> str:
        """The path of the link that asks how a ticket was served in its present cycle."""
        url = self.ask("POST", "/api/v1/service_desk/surveys", 201, ticket=ident)["url"]
        return str(url[url.index("/api/") :])

    def surveys(self, ident: str) -> list[dict[str, Any]]:
        """What was asked about a ticket and answered, in order."""
        about = {"attribute": "ticket_id", "operator": "EQ", "value": ident}
        names = [*self.runtime.catalog.type("ticket_survey").attributes]
        found = self.ask("POST", SURVEYS + "/query", filter=about, attributes=names, sorts=["asked_at"])["results"]
        return [{**one["values"], "version": one["version"]} for one in found]

    def say(self, ident: str, author: str = "AGENT", status: int = 201, at: str | None = None, **values: Any) -> Any:
        """Something is said about a ticket."""
        values = {"ticket_id": ident, "author": author, "body": "Hello", **values}
        return self.ask("POST", ENTRIES, status, values=values, **({"effective_at": at} if at else {}))


@pytest.fixture(scope="module")
def desk(new_database: Callable[..., str], new_redis: Callable[[], str]) -> Iterator[Desk]:
    """The service. Tries of links are counted by address, which is everybody's here: in a Redis of its own."""
    with serving(new_database, new_redis()) as found:
        yield found


@contextmanager
def serving(new_database: Callable[..., str], redis_url: str) -> Iterator[Desk]:
    """The service, as long as it is needed."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        app = application(MANIFEST, new_database(MANIFEST), redis_url, monkeypatch)
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {ADMIN}"
    runtime = app.extensions["crm"]
    yield Desk(runtime, client)
    runtime.db.dispose()
    if runtime.redis is not None:
        runtime.redis.close()
