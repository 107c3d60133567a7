"""Workspace and contacts on fresh databases, in this process, and a hand that moves events and work between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from services.contacts.manifest import MANIFEST as CONTACTS
from services.workspace.manifest import MANIFEST as WORKSPACE
from tests.integration.service.conftest import application
from tests.integration.workspace.moving import Moving


@pytest.fixture(scope="module")
def moving(new_database: Callable[..., str], redis_url: str) -> Iterator[Moving]:
    """Both services. Nothing moves unless told to."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        made = Moving(
            application(WORKSPACE, new_database(WORKSPACE), redis_url, monkeypatch),
            application(CONTACTS, new_database(CONTACTS), redis_url, monkeypatch),
        )
    made.move()
    yield made
    for app in (made.workspace, made.contacts):
        runtime = app.extensions["crm"]
        runtime.db.dispose()
        if runtime.redis is not None:
            runtime.redis.close()
