"""Carrying out one change of definitions: its own transaction, again when it met a busy moment, a fresh catalog after.

For the corridors of definitions and pipelines. Not for values: those have guards of their own in the engine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TypeVar

import psycopg

from shared.eav.declare import AttributeDef
from shared.eav.engine import Engine
from shared.kernel.db import Connection
from shared.kernel.errors import Unavailable
from shared.kernel.partitions import is_missing_partition

T = TypeVar("T")
ATTEMPTS = 5


class DefinitionChanges:
    """Runs changes of definitions of one database."""

    def __init__(self, engine: Engine, ensure_partitions: Callable[[], None]) -> None:
        self._engine = engine
        self._ensure_partitions = ensure_partitions

    def run(self, step: Callable[[Connection], T]) -> T:
        """Run a change in its own transaction, again when it met a busy moment; then refresh the catalog."""
        for _ in range(ATTEMPTS):
            try:
                with self._engine.database.transaction() as connection:
                    done = step(connection)
                self._engine.catalog.refresh()
                return done
            except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
                continue
            except psycopg.errors.CheckViolation as error:
                if not is_missing_partition(error):
                    raise
                self._ensure_partitions()
        raise Unavailable("a long write to this entity type is under way: try again")


def attribute_detail(one: AttributeDef) -> dict[str, Any]:
    """An attribute as catalog events tell it."""
    plain = {key: value for key, value in asdict(one).items() if key not in ("column", "bank", "indexed", "retired")}
    plain = {key: value for key, value in plain.items() if not key.endswith("_at")}
    return {**plain, "archived": one.archived_at is not None}
