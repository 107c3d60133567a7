"""Filling a database with the benchmark's contacts through the engine itself, batch by batch."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from benchmarks.people import CUSTOMS, People
from shared.eav.definitions import add_attributes
from shared.eav.engine import Engine
from shared.eav.entity import View
from shared.eav.requests import Draft
from shared.eav.slots import provision
from shared.kernel.context import Context

BATCH = 500
TYPE = "contact"


def declare_customs(engine: Engine) -> None:
    """Make the ten custom attributes, unless they are there."""
    live = engine.catalog.type(TYPE)
    missing = [one for one in CUSTOMS if one.name not in live.attributes]
    with engine.database.transaction() as connection:
        add_attributes(connection, live.id, missing)
    engine.catalog.refresh()


def load(engine: Engine, people: People) -> float:
    """Create all contacts; the first one alone, so that slots are taken and indexes built before. Entities/s."""
    stories = iter(people)
    _create(engine, [next(stories)])
    provision(engine.database)
    engine.catalog.refresh()
    started, done = time.monotonic(), 1
    for batch in _batches(stories):
        _create(engine, batch)
        done += len(batch)
        if done // 20_000 != (done - len(batch)) // 20_000:
            print(f"  loaded {done:,}", file=sys.stderr, flush=True)
    rate = done / (time.monotonic() - started)
    live = engine.catalog.type(TYPE)
    with engine.database.connect() as connection:
        for table in (f"eav_entity_{live.table}", f"eav_search_{live.table}", "eav_unique"):
            connection.run(f"vacuum analyze {table}")
    return rate


def _create(engine: Engine, batch: Iterable[dict[str, Any]]) -> None:
    engine.writes.create(TYPE, [Draft(one) for one in batch], Context(), View(attributes=()))


def _batches(stories: Iterator[dict[str, str]]) -> Iterator[list[dict[str, str]]]:
    while batch := list(islice(stories, BATCH)):
        yield batch
