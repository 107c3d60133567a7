"""The opportunities service on a fresh database, in this process, and clients of both doors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from services.opportunities.manifest import MANIFEST
from tests.integration.service.conftest import ADMIN, application

DEALS = "/api/v1/objects/deals"


@dataclass(frozen=True)
class Service:
    """The service, by its runtime and by a client with the admin's token."""

    runtime: Any
    client: Any

    def deal(self, at: str | None = None, **values: Any) -> dict[str, Any]:
        """A new deal by the native door, with all its values."""
        made = self.client.post(DEALS, json={"values": values, **({"effective_at": at} if at else {})})
        assert made.status_code == 201, made.text
        return self.read(made.json["id"])

    def read(self, ident: str) -> dict[str, Any]:
        """A deal with all its values."""
        names = ",".join(self.runtime.catalog.type("deal").attributes)
        found = self.client.get(f"{DEALS}/{ident}?attributes={names}")
        assert found.status_code == 200, found.text
        return dict(found.json)

    def write(self, ident: str, status: int = 200, at: str | None = None, **values: Any) -> Any:
        """A change by the native door; the deal as it is then, or the errors."""
        body = {"values": values, **({"effective_at": at} if at else {})}
        answer = self.client.patch(f"{DEALS}/{ident}", json=body)
        assert answer.status_code == status, answer.text
        return self.read(ident)["values"] if status == 200 else answer.json["errors"]

    def wire(self, ident: str, status: int = 200, **properties: Any) -> Any:
        """A change in the wire dialect."""
        answer = self.client.patch(f"/crm/v3/objects/deals/{ident}", json={"properties": properties})
        assert answer.status_code == status, answer.text
        return answer.json

    def visits(self, ident: str) -> list[dict[str, Any]]:
        """Where it stood."""
        found = self.client.get(f"{DEALS}/{ident}/visits")
        assert found.status_code == 200, found.text
        return list(found.json["results"])

    def pipeline(self, label: str, stages: list[dict[str, Any]], **metadata: str) -> dict[str, Any]:
        """A pipeline by the native door."""
        body = {"label": label, "metadata": metadata, "stages": stages}
        made = self.client.post("/api/v1/types/deals/pipelines", json=body)
        assert made.status_code == 201, made.text
        return dict(made.json)


@pytest.fixture(scope="module")
def service(new_database: Callable[..., str], redis_url: str) -> Iterator[Service]:
    """The service."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        app = application(MANIFEST, new_database(MANIFEST), redis_url, monkeypatch)
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {ADMIN}"
    runtime = app.extensions["crm"]
    yield Service(runtime, client)
    runtime.db.dispose()
    if runtime.redis is not None:
        runtime.redis.close()
