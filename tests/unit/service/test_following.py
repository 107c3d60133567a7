"""Followers of one service share a pool of connections."""

from __future__ import annotations

import gc
import weakref

from shared.kernel.config import Settings
from shared.service.following import beside


def test_one_pool_per_service_for_as_long_as_somebody_has_it(monkeypatch) -> None:
    for name in ("contacts", "opportunities"):
        monkeypatch.setenv(f"{name.upper()}_DATABASE_URL", f"postgresql://nobody@127.0.0.1:1/{name}")
    settings = Settings(redis_url=None)
    first = beside(settings, "contacts")
    assert beside(Settings(redis_url=None), "contacts") is first
    assert beside(settings, "opportunities") is not first
    assert beside(Settings(redis_url=None, prepare=not settings.prepare), "contacts") is not first
    before = weakref.ref(first)
    del first
    gc.collect()
    assert before() is None
