"""A person who is erased while other services are down: when they are back, nothing of that person is left there."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from services.service_desk.manifest import MANIFEST as SERVICE_DESK
from shared.bus.client import DirectSource
from shared.bus.consumer import pull
from tests.integration.service.conftest import application
from tests.integration.timeline.conftest import Desk

_TABLES = """
select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and n.nspname = 'public' order by 1
"""


@pytest.fixture(scope="module")
def others(desk: Desk, new_database: Any, redis_url: str) -> Iterator[dict[str, Any]]:
    """The services that keep copies of people, by entity type: they hear of contacts when the test says so."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        tickets = application(SERVICE_DESK, new_database(SERVICE_DESK), redis_url, monkeypatch).extensions["crm"]
        monkeypatch.setenv("OPPORTUNITIES_DATABASE_URL", desk.deals.db.url)
        yield {"deals": desk.deals, "tickets": tickets}
    tickets.db.dispose()
    tickets.redis.close()


def back(desk: Desk, service: Any) -> None:
    """The service is there again, and hears what happened meanwhile."""
    feeds = DirectSource({"contacts": desk.runtime.feed})
    for one in service.follows.values():
        if one.source == "contacts":
            while pull(service.db, feeds, one).behind:
                pass


def places(service: Any, secret: str) -> list[str]:
    """Tables of its database in which there is anything of a person, in whatever column."""
    with service.db.connect() as connection:
        tables = [row[0] for row in connection.rows(_TABLES)]
        sql = "select 1 from {} t where lower(t::text) like %(like)s limit 1"
        return [one for one in tables if connection.rows(sql.format(one), {"like": f"%{secret}%"})]


def test_nothing_is_left_of_who_was_erased_meanwhile(desk: Desk, others: dict[str, Any]) -> None:
    secret = f"x{uuid.uuid4().hex[:12]}"
    person = {"first_name": secret, "last_name": f"{secret}sen", "email": f"{secret}@down.example", "city": secret}
    ada = desk.make("contacts", **person)
    for service in others.values():
        back(desk, service)
        assert places(service, secret), "there is a copy"
    deal = desk.deal(name="Engine")
    path = f"/crm/v4/objects/deals/{deal}/associations/default/contacts/{ada}"
    assert desk.deals_client().put(path).status_code == 200
    # Both are down from here on. What changes first is a last value that they have not heard of.
    desk.change("contacts", ada, city=f"{secret} am See", last_name=f"{secret}son")
    answer = desk.client().post("/crm/v3/objects/contacts/gdpr-delete", json={"objectId": str(ada)})
    assert answer.status_code == 204
    for service in others.values():
        assert places(service, secret), "it has not heard yet"
        back(desk, service)
        assert places(service, secret) == []
    assert desk.deals_client().put(path).status_code == 404
    shown = desk.deals_client().get(f"/crm/v4/objects/deals/{deal}/associations/contacts").json
    assert shown["results"] == []


def test_linked_values_are_shown_and_asked_for_through_both_doors(desk: Desk) -> None:
    """Of the companies and contacts that a deal is linked to, from the copy beside it: nobody else is asked."""
    word = f"y{uuid.uuid4().hex[:12]}"
    company = desk.make("companies", name=word, domain=f"{word}.example", industry="AEROSPACE")
    contact = desk.make("contacts", email=f"{word}@down.example", first_name=word)
    back(desk, desk.deals)
    deal, other = desk.deal(name=word), desk.deal(name=word)
    client = desk.deals_client()
    for kind, ident in (("companies", company), ("contacts", contact)):
        assert client.put(f"/crm/v4/objects/deals/{deal}/associations/default/{kind}/{ident}").status_code == 200
    asked = [
        {"attribute": "company.industry", "operator": "EQ", "value": "AEROSPACE"},
        {"attribute": "contact.email", "operator": "EQ", "value": f"{word}@down.example"},
    ]
    mine = {"attribute": "name", "operator": "EQ", "value": word}
    body: dict[str, Any] = {"filter": {"and": [mine, *asked]}, "total": "exact"}
    found = desk.post("/api/v1/objects/deals/query", body, client)
    assert ([one["id"] for one in found["results"]], found["total"]) == ([str(deal)], 1)
    named = [{"propertyName": one["attribute"], "operator": "EQ", "value": one["value"]} for one in asked]
    found = desk.post("/crm/v3/objects/deals/search", {"filterGroups": [{"filters": named}]}, client)
    assert ([one["id"] for one in found["results"]], found["total"]) == ([str(deal)], 1)
    lacking = [mine, {"not": asked[0]}]
    found = desk.post("/api/v1/objects/deals/query", {"filter": {"and": lacking}}, client)
    assert [one["id"] for one in found["results"]] == [str(other)]
