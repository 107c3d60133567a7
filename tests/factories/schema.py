"""Changing definitions of an engine on its own, as the kit does it: checked, locked, tried again when overtaken."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import psycopg

from shared.eav import definitions, uniqueness
from shared.eav.catalog import LiveType, StaleCatalog
from shared.eav.declare import AttributeDef, OptionDef, TypeDef
from shared.eav.engine import Engine
from shared.kernel.clock import now
from shared.kernel.db import Connection

T = TypeVar("T")


class Schema:
    """The definitions of one database."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def live(self, name: str) -> LiveType:
        """The type in force."""
        self.engine.catalog.refresh()
        return self.engine.catalog.type(name)

    def add_type(self, defn: TypeDef) -> LiveType:
        """Make an entity type."""
        with self.engine.database.transaction() as connection:
            definitions.add_type(connection, defn)
        return self.live(defn.name)

    def add(self, name: str, *attributes: AttributeDef) -> LiveType:
        """Add attributes; archived ones of that name come back."""
        self._changed(name, lambda connection, live: definitions.put_attributes(connection, live, attributes))
        return self.live(name)

    def archive(self, name: str, attribute: str) -> None:
        """Put an attribute aside."""
        gone = {"archived_at": now().replace(tzinfo=None)}
        self._changed(
            name,
            lambda connection, live: definitions.change_attribute(connection, live, live.attributes[attribute], gone),
        )

    def offer(self, name: str, attribute: str, options: tuple[OptionDef, ...]) -> None:
        """Make these the offered options."""
        self._changed(
            name,
            lambda connection, live: definitions.change_attribute(
                connection, live, live.attributes[attribute], {"options": options}
            ),
        )

    def unique(self, name: str, attribute: str, on: bool = True) -> None:
        """Switch uniqueness; raises Conflict."""

        def step(connection: Connection, live: LiveType) -> None:
            definitions.exclusively(connection, live)
            one = live.attributes[attribute]
            uniqueness.switch(connection, live, one, on=on)
            definitions.change_attribute(connection, live, one, {"unique": on})

        self._changed(name, step)

    def _changed(self, name: str, step: Callable[[Connection, LiveType], T]) -> T:
        while True:
            live = self.live(name)
            try:
                with self.engine.database.transaction() as connection:
                    done = step(connection, live)
            except (StaleCatalog, psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
                continue
            self.engine.catalog.refresh()
            return done
