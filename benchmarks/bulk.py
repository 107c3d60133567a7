"""The engine's part of an import: bulk calls, beside COPY into a native table and creating through batches.

A service's engine as it is: its rules, unique keys, match keys, history and events. CPU of the client and of the server
process behind its connection is told apart; on two cores both work at once when there is more than one worker.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

from benchmarks import native
from benchmarks.loading import declare_customs
from benchmarks.people import NAMES, People, newcomer
from benchmarks.server import Meter, own_server, version
from benchmarks.tables import show
from services.contacts.manifest import MANIFEST
from shared.eav import definitions, uniqueness
from shared.eav.bulk.items import BulkItem
from shared.eav.engine import Engine
from shared.eav.entity import View
from shared.eav.requests import Draft, Ref
from shared.eav.slots import provision
from shared.kernel.config import Settings
from shared.kernel.context import Context
from shared.kernel.copying import NULL, blocks, escaped
from shared.kernel.db import Connection, Database
from shared.service.app import migrate
from shared.service.runtime import Runtime

KEY = "account_code"
CALL, BATCH = 5000, 100
CONTEXT = Context(source="IMPORT", source_id="1")
HEADS = ("", "rows", "rows/s, wall", "client us", "server us", "rows/s by CPU, one core", "two cores")
Person = dict[str, Any]
Write = Callable[[Sequence[Person]], Any]


@dataclass(frozen=True)
class Cost:
    """What so many rows took: seconds of waiting, and of CPU on either side."""

    rows: int
    wall: float
    client: float
    server: float

    def line(self, name: str) -> tuple[str, ...]:
        """A row of the table."""
        each = (self.client + self.server) / self.rows
        return (
            name,
            f"{self.rows:,}",
            f"{self.rows / self.wall:,.0f}",
            f"{1e6 * self.client / self.rows:,.0f}",
            f"{1e6 * self.server / self.rows:,.0f}",
            f"{1 / each:,.0f}",
            f"{2 / each:,.0f}",
        )


def run(size: int, home: Path | None = None) -> None:
    """Measure and print."""
    with own_server(home) as url, _runtime(url) as runtime, Database(url).connect() as other:
        engine = runtime.engine
        _prepare(engine, other)
        people = list(People(size, seed=7))
        with engine.database.connect() as connection:
            meter = Meter(connection)
            print(f"PostgreSQL {version(connection)}, {size:,} contacts x {len(NAMES)} attributes, {CALL:,} per call")
        changed = [{**one, "contract_value": "1.5", "job_title": "Chief"} for one in people]
        fewer = [
            {**one, KEY: f"b{one[KEY]}", "email": f"b{n}@batch.example"} for n, one in enumerate(people[: size // 4])
        ]
        turns = (
            ("COPY into a native table, all indexed", Meter(other), people, CALL, _copied(other)),
            ("bulk: created", meter, people, CALL, _bulk(engine)),
            ("bulk: unchanged", meter, people, CALL, _bulk(engine)),
            ("bulk: 2 of 20 changed", meter, changed, CALL, _bulk(engine)),
            (f"batches of {BATCH}: created", meter, fewer, BATCH, _batch(engine)),
        )
        rows = [_measured(*rest).line(name) for name, *rest in turns]
        show("Writing many contacts, the engine alone", HEADS, rows)


@contextmanager
def _runtime(url: str) -> Iterator[Runtime]:
    """The contacts service on one connection, so that its backend is known."""
    with patch.dict(os.environ, {"CONTACTS_DATABASE_URL": url, "CRM_POOL_SIZE": "1"}):
        settings = Settings()
        migrate(MANIFEST, settings)
        runtime = Runtime(MANIFEST, settings)
        yield runtime
        runtime.db.dispose()


def _prepare(engine: Engine, other: Connection) -> None:
    """Attributes, a unique key, slots and indexes; and the native table."""
    engine.catalog.refresh()
    declare_customs(engine)
    live = engine.catalog.type("contact")
    with engine.database.transaction() as connection:
        definitions.exclusively(connection, live)
        uniqueness.switch(connection, live, live.attributes[KEY], on=True)
        definitions.change_attribute(connection, live, live.attributes[KEY], {"unique": True})
    engine.catalog.refresh()
    engine.bulk.write("contact", [BulkItem(newcomer(Random(1), "first"))], CONTEXT)
    provision(engine.database)
    engine.catalog.refresh()
    made = (*native.table_statements("native20", NAMES), *native.index_statements("native20", NAMES, every=True))
    for statement in made:
        other.run(statement)


def _measured(meter: Meter, people: Sequence[Person], size: int, write: Write) -> Cost:
    wall, client, server = time.perf_counter(), time.process_time(), meter.read()
    for start in range(0, len(people), size):
        write(people[start : start + size])
    wall, client = time.perf_counter() - wall, time.process_time() - client
    return Cost(len(people), wall, client, (meter.read() - server) / 1000)


def _bulk(engine: Engine) -> Write:
    def write(people: Sequence[Person]) -> None:
        items = [BulkItem(one, Ref(attribute=KEY, value=one[KEY])) for one in people]
        refused = [one for one in engine.bulk.write("contact", items, CONTEXT) if one.outcome == "rejected"]
        assert not refused, refused[:3]

    return write


def _batch(engine: Engine) -> Write:
    nothing = View("text", ())
    return lambda people: engine.writes.create("contact", [Draft(one) for one in people], CONTEXT, nothing)


def _copied(connection: Connection) -> Write:
    def write(people: Sequence[Person]) -> None:
        lines = ("\t".join(_cell(one.get(name)) for name in NAMES) + "\n" for one in people)
        connection.copy(f"copy native20({', '.join(NAMES)}) from stdin", blocks(lines))

    return write


def _cell(value: str | None) -> str:
    return NULL if value is None else escaped(value)
