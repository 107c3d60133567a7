"""The contacts service on a fresh database of the module, without the web."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from services.contacts.manifest import MANIFEST
from shared.kernel.config import Settings
from shared.service.runtime import Runtime


@pytest.fixture(scope="module")
def started(new_database: Callable[..., str], redis_url: str) -> Iterator[Callable[[], Runtime]]:
    """Makes runtimes on one database that take references on trust: nobody can be asked."""
    url, made = new_database(MANIFEST), []

    def start() -> Runtime:
        with pytest.MonkeyPatch.context() as monkeypatch:
            monkeypatch.setenv("CONTACTS_DATABASE_URL", url)
            settings = Settings(redis_url=redis_url, pool_size=6, workspace_url="http://127.0.0.1:1")  # type: ignore[arg-type]
            made.append(Runtime(MANIFEST, settings))
        return made[-1]

    yield start
    for one in made:
        one.db.dispose()
        if one.redis is not None:
            one.redis.close()


@pytest.fixture(scope="module")
def runtime(started: Callable[[], Runtime]) -> Runtime:
    return started()
