"""Filters over links at every door that takes a filter, the rights they need, and what the log tells of links."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.bus.feed import Feed
from shared.contracts.event import LINK
from tests.integration.service.conftest import System, follow

OBJECTS, NATIVE = "/crm/v3/objects", "/api/v1/objects"
LINKED: tuple[tuple[str, Any], ...] = (
    ("associations.companies", "{firm}"),
    ("company.industry", "TRAVEL_TEST"),
    ("0-2.name", "Linked Filters Ltd"),
    ("companies.domain", "HTTPS://www.Linked-Filters.example/about"),
)


@pytest.fixture(scope="module")
def world(system: System) -> dict[str, str]:
    """A company with one contact of two."""
    web = system.client("contacts")
    values = {"name": "Linked Filters Ltd", "domain": "linked-filters.example"}
    firm = web.post(f"{OBJECTS}/companies", json={"properties": values}).json["id"]
    linked = {"to": {"id": firm}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]}
    person = web.post(f"{OBJECTS}/contacts", json={"properties": {}, "associations": [linked]}).json["id"]
    web.post(f"{OBJECTS}/contacts", json={"properties": {}})
    return {"firm": firm, "person": person}


def asked(system: System, scopes: list[str]) -> Any:
    """A client with these rights."""
    made = system.client("workspace").post("/api/v1/tokens", json={"name": "f", "scopes": scopes})
    follow(system.runtime("workspace").db, system.runtime("contacts").db)
    return system.client("contacts", made.json["token"])


def searched(web: Any, name: str, value: str) -> Any:
    filters = [{"propertyName": name, "operator": "EQ", "value": value}]
    return web.post(f"{OBJECTS}/contacts/search", json={"filterGroups": [{"filters": filters}]})


def queried(web: Any, name: str, value: str) -> Any:
    condition = {"not": {"not": {"attribute": name, "operator": "EQ", "value": value}}}
    return web.post(f"{NATIVE}/contacts/query", json={"filter": condition, "total": "exact"})


def exported(web: Any, name: str, value: str) -> Any:
    condition = json.dumps({"and": [{"attribute": name, "operator": "EQ", "value": value}]})
    return web.get(
        f"{NATIVE}/contacts/export", query_string={"format": "ndjson", "filter": condition, "attributes": "id"}
    )


@pytest.mark.parametrize("door", [searched, queried, exported])
@pytest.mark.parametrize(("name", "value"), [one for one in LINKED if one[1] != "TRAVEL_TEST"])
def test_every_door_filters_by_links(system: System, world: dict[str, str], door: Any, name: str, value: str) -> None:
    answer = door(system.client("contacts"), name, value.format(**world))
    assert answer.status_code == 200, answer.text
    found = [json.loads(line) for line in answer.text.splitlines()] if door is exported else answer.json["results"]
    assert [str(one["id"]) for one in found] == [world["person"]]


@pytest.mark.parametrize("door", [searched, queried, exported])
@pytest.mark.parametrize(("name", "value"), LINKED)
def test_foreign_values_need_the_right_to_read_them(
    system: System, world: dict[str, str], door: Any, name: str, value: str
) -> None:
    alone = asked(system, ["crm.objects.contacts.read"])
    answer = door(alone, name, value.format(**world))
    assert (answer.status_code, answer.json["category"]) == (403, "MISSING_SCOPES"), answer.text
    assert "crm.objects.companies.read" in answer.text
    if value != "TRAVEL_TEST":
        both = asked(system, ["crm.objects.contacts.read", "crm.objects.companies.read"])
        assert door(both, name, value.format(**world)).status_code == 200


@pytest.mark.parametrize(("name", "near"), [("company.industri", "company.industry"), ("associations.firm", "")])
def test_wrong_names(system: System, world: dict[str, str], name: str, near: str) -> None:
    for door in (searched, queried):
        answer = door(system.client("contacts"), name, "1")
        assert answer.status_code == 400, answer.text
        assert name in answer.text
        assert near in answer.text


def test_the_log_tells_of_every_link_once(system: System) -> None:
    web = system.client("contacts")
    firm = web.post(f"{OBJECTS}/companies", json={"properties": {}}).json["id"]
    person = web.post(f"{OBJECTS}/contacts", json={"properties": {}}).json["id"]
    path = f"/crm/v4/objects/companies/{firm}/associations/default/contacts/{person}"
    assert web.put(path).status_code == 200
    assert web.put(path).status_code == 200
    assert web.delete(f"/crm/v4/objects/contacts/{person}/associations/companies/{firm}").status_code == 204
    told = [one for one in _links(system) if {one.detail["from"]["id"], one.detail["to"]["id"]} == {firm, person}]
    made, undone = told[:2], told[2:]
    assert [(one.entity_type, str(one.entity_id), one.detail["relation"], one.detail["inverse"]) for one in made] == [
        ("company", firm, 280, 279),
        ("company", firm, 2, 1),
    ]
    assert {(one.entity_type, one.detail["relation"]) for one in undone} == {("contact", 279), ("contact", 1)}
    assert [one.detail["live"] for one in told] == [True, True, False, False]
    clocks = [int(one.detail["clock"]) for one in told]
    assert clocks[0] == clocks[1] < clocks[2] == clocks[3]
    for one in told:
        assert (one.detail["origin"], one.source) == ("contacts", "API")
        assert one.detail["to"] == {"type": {"company": "contact", "contact": "company"}[one.entity_type],
                                    "id": person if one.entity_type == "company" else firm}  # fmt: skip


def _links(system: System) -> list[Any]:
    found: list[Any] = []
    after: str | None = None
    while True:
        page = Feed(system.runtime("contacts").db).read(after, types=(LINK,)).page()
        found += page.events
        after = str(page.next)
        if page.up_to_date:
            return found


@pytest.mark.parametrize("door", [searched, queried, exported])
def test_a_condition_reaches_one_link_far_and_says_so(system: System, door: Any) -> None:
    answer = door(system.client("contacts"), "company.parent.industry", "MEDIA")
    assert answer.status_code == 400
    assert "leads over more than one link" in answer.text
    assert "associations.company IN" in answer.text
