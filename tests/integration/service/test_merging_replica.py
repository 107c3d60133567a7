"""A copy folded from the log alone agrees with the service after merges, their undoing and erasures."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shared.bus.feed import Feed
from shared.kernel.db import Database
from shared.service.replica.catalogs import Catalogs
from shared.service.replica.fold import fold
from shared.service.replica.said import create_statement
from shared.service.replica.schema import create_statements
from tests.factories.searching import tables_with
from tests.integration.service.conftest import System

CONTACTS = "/api/v1/objects/contacts"


class Copy:
    """A replica of contacts."""

    def __init__(self, url: str, system: System) -> None:
        self.database, self.system = Database(url), system
        self._catalogs, self._after = Catalogs(), "start"
        with self.database.connect() as connection:
            for statement in (*create_statements(), create_statement()):
                connection.run(statement)

    def follow(self) -> None:
        """Fold what is new."""
        while True:
            page = Feed(self.system.runtime("contacts").db).read(self._after, limit=3).page()
            with self.database.transaction() as connection:
                fold(connection, self._catalogs, "contacts", page.events)
            self._after = str(page.next)
            if page.up_to_date:
                return

    def links(self) -> set[tuple[int, int, int]]:
        with self.database.connect() as connection:
            return set(connection.rows("select relation, from_id, to_id from fact_link"))  # type: ignore[arg-type]

    def live(self) -> set[int]:
        with self.database.connect() as connection:
            return {row[0] for row in connection.rows("select id from fact where not archived")}


@pytest.fixture
def copy(new_database: Callable[[], str], system: System) -> Iterator[Copy]:
    made = Copy(new_database(), system)
    yield made
    made.database.dispose()


def stored(system: System) -> tuple[set[Any], set[int]]:
    runtime = system.runtime("contacts")
    with runtime.db.connect() as connection:
        links = set(connection.rows("select relation, from_id, to_id from eav_link"))
        tables = [live.table for live in runtime.catalog.types()]
        ids = {row[0] for table in tables for row in connection.rows(f"select id from eav_entity_{table}")}
    return links, ids


def test_a_copy_agrees_at_every_step(system: System, copy: Copy) -> None:
    client = system.client("contacts")
    word = f"w{uuid.uuid4().hex[:10]}"
    a, b, c = (client.post(CONTACTS, json={"values": {"email": f"{n}{word}@x.test"}}).json["id"] for n in range(3))
    firms = [client.post("/api/v1/objects/companies", json={"values": {"name": "F"}}).json["id"] for _ in range(3)]
    for ident, firm in ((a, 0), (b, 0), (b, 1), (c, 2)):
        client.put(f"/crm/v4/objects/contacts/{ident}/associations/default/companies/{firms[firm]}")
    client.put(f"/crm/v4/objects/contacts/{b}/associations/default/contacts/{c}")
    steps: list[tuple[str, Any]] = [
        (f"{CONTACTS}/{a}/merge", {"absorb": [b]}),
        (f"{CONTACTS}/{c}/merge", {"absorb": [a]}),
        (f"{CONTACTS}/{c}/unmerge", {}),
        (f"{CONTACTS}/{a}/unmerge", {}),
        (f"/api/v1/objects/companies/{firms[0]}/merge", {"absorb": firms[1:]}),
        (f"{CONTACTS}/{b}/erase", {}),
    ]
    for path, body in steps:
        answer = client.post(path, json=body)
        assert answer.status_code == 200, answer.json
        copy.follow()
        assert (copy.links(), copy.live()) == stored(system), path
    with copy.database.connect() as connection:
        assert tables_with(connection, [f"1{word}"]) == {}
        assert tables_with(connection, [f"2{word}"])
