"""Other processes of a service: each has connections and a copy of the catalog of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from shared.kernel.context import Actor, Context
from shared.service.runtime import Runtime

ANYBODY = Context(Actor("tests", "Tests", frozenset({"*"})))
"""Somebody who may do everything."""


@contextmanager
def processes(runtime: Any) -> Iterator[Callable[[], Runtime]]:
    """Starts further processes beside one. Each has looked at the catalog once, when it was started."""
    made: list[Runtime] = []

    def start() -> Runtime:
        with pytest.MonkeyPatch.context() as monkeypatch:
            monkeypatch.setenv(f"{runtime.manifest.name.upper()}_DATABASE_URL", runtime.db.url)
            made.append(Runtime(runtime.manifest, runtime.settings))
        made[-1].catalog.refresh()
        return made[-1]

    yield start
    for one in made:
        one.db.dispose()
        if one.redis is not None:
            one.redis.close()
