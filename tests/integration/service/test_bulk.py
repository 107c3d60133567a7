"""The corridor's bulk: rights, references to other services, and events in the log however many there are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.eav.requests import LinkTo, Ref
from shared.kernel.context import Actor, Context
from shared.kernel.errors import Forbidden
from shared.service.entities import BulkItem, Entities
from shared.service.foreign import Foreign
from shared.service.publishing import MANY
from tests.integration.service.conftest import System

WRITER = Actor("w", "w", frozenset({"crm.objects.contacts.write"}))


@pytest.fixture
def contacts(system: System) -> Any:
    """The service's runtime."""
    return system.runtime("contacts")


def _events(runtime: Any, count: int) -> list[tuple[Any, ...]]:
    with runtime.db.connect() as connection:
        sql = "select kind, entity_id, version, body from outbox order by id desc limit %(n)s"
        return connection.rows(sql, {"n": count})[::-1]


def test_writing_needs_the_right_to_write(contacts: Any) -> None:
    items = [BulkItem({"first_name": "Anna"})]
    with pytest.raises(Forbidden):
        contacts.entities.bulk(Context(Actor("r", "r", frozenset({"crm.objects.contacts.read"}))), "contacts", items)
    (one,) = contacts.entities.bulk(Context(WRITER), "contacts", items)
    assert one.outcome == "created"
    past = [BulkItem({"first_name": "Anna"}, effective_at=datetime(2020, 1, 1, tzinfo=UTC))]
    with pytest.raises(Forbidden):
        contacts.entities.bulk(Context(WRITER), "contacts", past)
    linked = [BulkItem({"first_name": "Anna"}, links=(LinkTo("company", 1),))]
    with pytest.raises(Forbidden):
        contacts.entities.bulk(Context(WRITER), "contacts", linked)


def test_events_are_the_same_however_many(contacts: Any) -> None:
    context = Context(WRITER, source="IMPORT", source_id="7")

    def told(mark: str, size: int) -> list[dict[str, Any]]:
        items = [
            BulkItem({"email": f"{mark}{n}@bulk.example", "first_name": "A", "city": 'x"\\\n'}) for n in range(size)
        ]
        items.append(BulkItem({"first_name": "B"}, Ref(attribute="email", value=f"{mark}0@bulk.example")))
        made = contacts.entities.bulk(context, "contacts", items)
        rows = _events(contacts, size + 1)
        assert [(row[1], row[2]) for row in rows] == [(one.id, one.version) for one in made]
        assert all(row[3]["entity_id"] == str(row[1]) and row[3]["kind"] == row[0] for row in rows)
        own = ("entity_id", "at", "correlation")
        return [
            {name: value for name, value in row[3].items() if name not in own}
            | {"changed": {key: change for key, change in row[3]["changed"].items() if "@" not in str(change)}}
            for row in (rows[0], rows[-1])
        ]

    few, many = told("few", 2), told("many", MANY + 5)
    assert few == many
    assert [one["kind"] for one in few] == ["entity.created", "entity.updated"]


def test_owners_that_nobody_knows_are_refused(contacts: Any) -> None:
    items = [BulkItem({"first_name": "A", "owner_id": "987654321987"}), BulkItem({"first_name": "B"})]
    entities = Entities(contacts.engine, Foreign(contacts.db, {"owner"}, None), contacts.duplicates)
    refused, made = entities.bulk(Context(WRITER), "contacts", items)
    assert (refused.outcome, made.outcome) == ("rejected", "created")
    assert [one.name for one in refused.errors] == ["owner_id"]
