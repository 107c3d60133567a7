"""What the event benchmarks are made of: contacts with a log, metrics over them, and what a piece of work costs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from random import Random
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit, urlunsplit

import psycopg

from benchmarks.people import AGENTS, CUSTOMS, TIERS, People, newcomer, segment
from benchmarks.server import Meter
from deploy.local.databases import EXTENSIONS
from services.contacts.manifest import MANIFEST as CONTACTS
from services.reporting.manifest import MANIFEST as REPORTING
from shared.eav.entity import View
from shared.eav.requests import Draft, Ref, Update
from shared.eav.slots import provision
from shared.kernel.config import Settings
from shared.kernel.context import Context
from shared.kernel.db import Database
from shared.service.app import migrate
from shared.service.runtime import Runtime

TYPE = "contact"
BATCH = 100
STATUS = ("NEW", "OPEN", "CONNECTED", "BAD_TIMING", None)
COUNTRIES = ("Germany", "Austria", "France", "Japan", "Brazil")
NOTHING = View(attributes=())


def _metric(name: str, measure: str, *dimensions: Any) -> dict[str, Any]:
    told = {"kind": "sum", "attribute": measure} if measure else {"kind": "count"}
    return {"name": name, "entity_type": TYPE, "measure": told, "dimensions": list(dimensions)}


METRICS = (
    _metric("by_status_and_tier", "", "lead_status", "tier"),
    _metric("by_country_and_segment", "", "country", "segment"),
    _metric("value_by_country_and_tier", "contract_value", "country", "tier"),
    _metric("rating_by_status_and_segment", "rating", "lead_status", "segment"),
    _metric(
        "value_by_agent_and_month",
        "contract_value",
        "agent",
        {"name": "month", "attribute": "last_seen_at", "bucket": "month"},
    ),
)
"""Five of counts and sums, two dimensions each; the last with some thousands of groups."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds that something took: by the clock, and of CPU here and in the server process behind a connection."""

    wall: float
    client: float
    server: float

    @property
    def cpu(self) -> float:
        """Both sides."""
        return self.client + self.server


def cost_of(meter: Meter, work: Callable[[], Any]) -> tuple[Cost, Any]:
    """Do it; what it took and what it answered."""
    wall, client, server = time.perf_counter(), time.process_time(), meter.read()
    found = work()
    wall, client = time.perf_counter() - wall, time.process_time() - client
    return Cost(wall, client, (meter.read() - server) / 1000), found


def create_database(admin_url: str, name: str, template: str = "template0") -> str:
    """A fresh database, or a copy of one that nobody is connected to; its URL."""
    url = urlunsplit(urlsplit(admin_url)._replace(path=f"/{name}"))
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(f"drop database if exists {name}")
        locale = " encoding 'UTF8' locale 'C.UTF-8'" if template == "template0" else " strategy file_copy"
        connection.execute(f"create database {name} template {template}{locale}")
    if template == "template0":
        with psycopg.connect(url, autocommit=True) as connection:
            for extension in EXTENSIONS:
                connection.execute(f"create extension {extension}")
    return url


@contextmanager
def services(admin_url: str) -> Iterator[tuple[Runtime, str]]:
    """Contacts on one connection, so that its backend is known, and the URL of reporting's database; both migrated."""
    urls = {f"{name.upper()}_DATABASE_URL": create_database(admin_url, name) for name in ("contacts", "reporting")}
    with patch.dict(os.environ, {**urls, "CRM_POOL_SIZE": "1"}):
        settings = Settings()
        for manifest in (CONTACTS, REPORTING):
            migrate(manifest, settings)
        runtime = Runtime(CONTACTS, settings)
        yield runtime, urls["REPORTING_DATABASE_URL"]
        runtime.db.dispose()


def create_contacts(runtime: Runtime, size: int) -> None:
    """Contacts of 20 attributes, each creation with its event."""
    runtime.definitions.add_attributes(Context(), TYPE, list(CUSTOMS))
    entities = runtime.entities
    entities.create(Context(), TYPE, [Draft(newcomer(Random(1), "first"))], NOTHING)
    provision(runtime.db)
    runtime.catalog.refresh()
    people = iter(People(size - 1, seed=7))
    while some := [Draft(one) for one in islice(people, BATCH)]:
        entities.create(Context(), TYPE, some, NOTHING)
    with runtime.db.connect() as connection:
        connection.run("vacuum analyze")


def changed(drawn: Random) -> dict[str, Any]:
    """New values of a contact that move it between groups of every metric."""
    told = {
        "lead_status": drawn.choice(STATUS),
        "tier": drawn.choice(TIERS),
        "country": drawn.choice(COUNTRIES),
        "segment": segment(drawn, drawn.choice((1, 10, 50))),
        "contract_value": f"{drawn.random() * 1000:.2f}",
        "agent": str(drawn.randrange(AGENTS)),
    }
    return {name: told[name] for name in drawn.sample(sorted(told), 3)}


def change_contacts(runtime: Runtime, ids: list[int], count: int, drawn: Random, batch: int = BATCH) -> None:
    """So many changes of random contacts, three attributes each."""
    while count > 0:
        chosen = drawn.sample(ids, min(batch, count, len(ids)))
        updates = [Update(Ref(one), changed(drawn)) for one in sorted(chosen)]
        runtime.entities.update(Context(), TYPE, updates, NOTHING)
        count -= len(chosen)


def contact_ids(database: Database, table: int) -> list[int]:
    """All of them."""
    with database.connect() as connection:
        return [row[0] for row in connection.rows(f"select id from eav_entity_{table} order by id")]
