"""A lead becomes one deal, however often and from however many sides that is asked."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from shared.contracts.event import ERASED, MERGED, Event
from shared.kernel.clock import now
from shared.kernel.context import Context
from shared.service.entities import BulkItem
from shared.service.mirrors.entities import apply_entity_events
from shared.service.tokens import token_hash
from tests.integration.opportunities.conftest import DEALS, Service
from tests.integration.opportunities.neighbours import Home, mirror, tell_types

PATH = "/api/v1/opportunities/convert"
PEOPLE = (501, 502, 503, 504, 505, 506)


@pytest.fixture(scope="module", autouse=True)
def home(service: Service) -> Home:
    """Contacts and companies that their service knows; the mirror here knows none of them."""
    made = Home({**{("contact", one): {} for one in PEOPLE}, ("company", 601): {}})
    service.runtime.neighbours.ask = lambda _: made.ask
    tell_types(service.runtime, contact=("first_name", "last_name"), company=("name",))
    return made


def convert(service: Service, status: int, **body: Any) -> Any:
    answer = service.client.post(PATH, json=body)
    assert answer.status_code == status, answer.text
    return answer.json


def test_a_lead_becomes_one_deal(service: Service):
    body = {"contact": "501", "company": "601", "values": {"name": "Machines", "stage": "qualifiedtobuy"}}
    made = convert(service, 201, **body)
    again = convert(service, 200, **{**body, "values": {"name": "Other"}})
    assert (again["id"], again["version"], again["values"]["name"]) == (made["id"], 1, "Machines")
    assert service.read(made["id"])["values"]["converted_from"] == "contact/501"
    other = convert(service, 201, **body, key="second")
    assert other["id"] != made["id"]
    for kind, ident in (("contacts", "501"), ("companies", "601")):
        found = service.client.get(f"{DEALS}/{made['id']}/links/{kind}").json["results"]
        assert [str(one["id"]) for one in found] == [ident], kind


def test_many_at_once_make_one_deal(service: Service):
    def ask(_: int) -> tuple[int, str]:
        client = service.client.application.test_client()
        client.environ_base.update(service.client.environ_base)
        answer = client.post(PATH, json={"contact": "502", "values": {"name": "Race"}})
        return answer.status_code, answer.json["id"]

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(ask, range(12)))
    assert len({ident for _, ident in found}) == 1
    assert sorted(status for status, _ in found) == [200] * 11 + [201]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"contact": "x"},
        {"contact": "0"},
        {"contact": "1", "values": []},
        {"contact": "1", "values": {"converted_from": "me"}},
    ],
)
def test_what_cannot_be_converted(service: Service, body: dict[str, Any]):
    convert(service, 400, **body)


def test_made_up_ids_are_refused_all_at_once_and_nothing_is_written(service: Service, home: Home):
    home.there["company", 777] = {}
    mirror(service.runtime, "contact", 778, archived=True)
    before = service.client.get("/crm/v3/objects/deals?limit=100").json["results"]
    body = {"contact": "777", "company": "999", "values": {"amount": "much", "stage": "nowhere"}}
    errors = convert(service, 400, **body)["errors"]
    named = [one["context"]["propertyName"][0] if "context" in one else one.get("in") for one in errors]
    assert len(errors) == 4, errors
    assert {"contact", "company"} <= {*named, *(one["message"].partition(":")[0] for one in errors)}
    convert(service, 400, contact="778")
    assert service.client.get("/crm/v3/objects/deals?limit=100").json["results"] == before


def test_a_home_that_is_away_holds_up_nothing(service: Service, home: Home):
    home.away = True
    try:
        made = convert(service, 201, contact="888")
    finally:
        home.away = False
    assert service.read(made["id"])["values"]["name"] == "Lead 888"


def test_a_deal_is_named_after_whom_it_is_with(service: Service, home: Home):
    home.there["contact", 511] = {"1": "Grace", "9": "unseen"}
    mirror(service.runtime, "contact", 510, first_name="Ada", last_name="Byron")
    mirror(service.runtime, "company", 610, name="Engines")
    for body, name in (
        ({"contact": "510"}, "Ada Byron"),
        ({"contact": "511"}, "Grace"),
        ({"contact": "510", "company": "610", "key": "a"}, "Engines"),
        ({"contact": "510", "company": "610", "key": "b", "values": {"dealname": "Said"}}, "Said"),
        ({"contact": "510", "key": "c", "values": {"name": None}}, "Ada Byron"),
    ):
        assert service.read(convert(service, 201, **body)["id"])["values"]["name"] == name


def test_what_a_deal_was_made_of_is_written_by_a_conversion_only(service: Service):
    mine = service.deal(name="mine")["id"]
    said = {"converted_from": "contact/506"}
    wire = "/crm/v3/objects/deals"
    answers = (
        service.client.post(DEALS, json={"values": {"name": "bad", **said}}),
        service.client.patch(f"{DEALS}/{mine}", json={"values": said}),
        service.client.post(wire, json={"properties": {"dealname": "bad", **said}}),
        service.client.patch(f"{wire}/{mine}", json={"properties": said}),
    )
    for answer in answers:
        assert (answer.status_code, "READ_ONLY_VALUE" in answer.text) == (400, True), answer.text
    line = BulkItem({"name": "bad", **said}, mode="create")
    (imported,) = service.runtime.entities.bulk(Context(source="IMPORT"), "deal", [line])
    assert [one.code for one in imported.errors] == ["READ_ONLY_VALUE"]
    assert service.read(convert(service, 201, contact="506")["id"])["values"]["converted_from"] == "contact/506"


def merged(service: Service, survivor: int, absorbed: int, version: int = 2) -> None:
    """Have the mirror hear of a merge of contacts."""
    told = Event(MERGED, "contact", now(), survivor, version, detail={"absorbed": [{"id": str(absorbed)}]})
    with service.runtime.db.transaction() as connection:
        apply_entity_events(connection, service.runtime.catalog.linkable("contact"), {}, [told])


def test_a_contact_that_absorbed_another_has_its_deal(service: Service):
    for one in (520, 521, 522):
        mirror(service.runtime, "contact", one)
    made = [convert(service, 201, contact="520", **more)["id"] for more in ({}, {"key": "again"})]
    merged(service, 521, 520)
    for contact in ("520", "521"):
        assert convert(service, 200, contact=contact)["id"] == made[0]
        assert convert(service, 200, contact=contact, key="again")["id"] == made[1]
    merged(service, 522, 521)
    assert {convert(service, 200, contact=one)["id"] for one in ("520", "521", "522")} == {made[0]}


def test_of_two_deals_of_merged_contacts_the_survivors_counts(service: Service):
    for one in (523, 524, 525):
        mirror(service.runtime, "contact", one)
    convert(service, 201, contact="523")
    own = convert(service, 201, contact="524")["id"]
    merged(service, 524, 523)
    assert {convert(service, 200, contact=one)["id"] for one in ("523", "524")} == {own}
    merged(service, 525, 524, version=2)
    late = convert(service, 201, contact="523", key="later")["id"]
    assert service.read(late)["values"]["converted_from"].startswith("contact/525/")
    assert {convert(service, 200, contact=str(one), key="later")["id"] for one in (523, 524, 525)} == {late}


def test_a_callers_key_is_kept_by_nobody(service: Service):
    made = convert(service, 201, contact="503", key="ada@example.test")
    assert convert(service, 200, contact="503", key="ada@example.test")["id"] == made["id"]
    assert convert(service, 201, contact="503", key="other")["id"] != made["id"]
    with service.runtime.db.connect() as connection:
        for table in ("outbox", "eav_history", "eav_unique", "eav_entity_1"):
            rows = connection.rows(f"select count(*) from {table} t where t::text like '%%ada@example%%'", {})
            assert rows == [(0,)], table


def test_an_erased_persons_deals_are_listed_to_be_looked_at(service: Service):
    made = convert(service, 201, contact="504", key="x")["id"]
    convert(service, 201, contact="505")
    subscription = service.runtime.follows["opportunities.leads"]
    with service.runtime.db.transaction() as connection:
        for _ in range(2):
            subscription.handler(connection, [Event(ERASED, "contact", now(), 504, 2)])
    listed = service.client.get("/api/v1/opportunities/erasures/review").json["results"]
    assert [one["entity"] for one in listed] == [{"type": "deal", "id": made}]


def test_who_may_not_link_to_contacts_learns_of_none(service: Service):
    token = "crm_only_deals_" + "0" * 48
    sql = """insert into service_token (id, name, hash, scopes, created_at, version)
    values (7101, 'deals', %(hash)s, array['crm.objects.deals.read', 'crm.objects.deals.write'],
        now() at time zone 'UTC', 1)"""
    with service.runtime.db.transaction() as connection:
        connection.run(sql, {"hash": token_hash(token)})
    client = service.client.application.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    for contact in ("501", "999"):
        assert client.post(PATH, json={"contact": contact}).status_code == 403
