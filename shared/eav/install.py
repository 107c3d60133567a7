"""Getting a database ready for the engine: migrations, partitions of history, declared types.

A service does the same with its own migrations beside (see the kit); this is the engine on its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from shared.eav.declare import TypeDef
from shared.eav.definitions import declare
from shared.kernel.db import Database
from shared.kernel.migrate import migrate
from shared.kernel.partitions import PartitionedBy

MIGRATIONS = Path(__file__).parent / "migrations"
HISTORY = PartitionedBy(table="eav_history", period="month", ahead=3, prefix="eav_history")


def ensure_partitions(database: Database) -> None:
    """Make missing partitions of history. Cheap when none is missing."""
    with database.connect() as connection:
        HISTORY.ensure(connection)


def declare_types(database: Database, types: Sequence[TypeDef]) -> None:
    """Bring the built-in types to their declarations; safe from several processes at once."""
    for defn in types:
        with database.transaction() as connection:
            declare(connection, defn)


def install(database: Database, types: Sequence[TypeDef] = ()) -> None:
    """Migrate, make partitions, declare types. Idempotent."""
    migrate(database.url, [MIGRATIONS])
    ensure_partitions(database)
    declare_types(database, types)
