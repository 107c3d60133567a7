"""The contacts service on a fresh database of the module, without the web."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from services.contacts.manifest import MANIFEST
from shared.kernel.config import Settings
from shared.service.runtime import Runtime


@pytest.fixture(scope="module")
def runtime(new_database: Callable[..., str], redis_url: str) -> Iterator[Any]:
    """A runtime that takes references on trust: nobody can be asked."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("CONTACTS_DATABASE_URL", new_database(MANIFEST))
        settings = Settings(redis_url=redis_url, pool_size=6, workspace_url="http://127.0.0.1:1")  # type: ignore[arg-type]
        made = Runtime(MANIFEST, settings)
    yield made
    made.db.dispose()
    if made.redis is not None:
        made.redis.close()
