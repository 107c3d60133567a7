"""Links between services through the official SDK: written on one side, read on both, nothing asked twice."""

from __future__ import annotations

import time
import uuid
from typing import Any

import httpx
import hubspot.crm.associations.v4 as v4
import hubspot.crm.companies as companies
import hubspot.crm.contacts as contacts
import hubspot.crm.deals as deals
import pytest

from deploy.local.waiting import wait_until
from shared.service.mirrors.positions import SECONDS

CEILING = 60


def contact(sdk: Any, **properties: str) -> str:
    given = {"email": f"{uuid.uuid4().hex[:12]}@across.example", **properties}
    return str(sdk.crm.contacts.basic_api.create(contacts.SimplePublicObjectInputForCreate(properties=given)).id)


def company(sdk: Any, **properties: str) -> str:
    given = {"name": "Analytical Engines", **properties}
    return str(sdk.crm.companies.basic_api.create(companies.SimplePublicObjectInputForCreate(properties=given)).id)


def deal(sdk: Any, *links: tuple[str, int], **properties: str) -> str:
    associations = [{"to": {"id": ident}, "types": [spec(one)]} for ident, one in links]
    given = {"dealname": "Engine", "dealstage": "appointmentscheduled", **properties}
    draft = deals.SimplePublicObjectInputForCreate(properties=given, associations=associations)
    return str(sdk.crm.deals.basic_api.create(draft).id)


def spec(ident: int) -> Any:
    return v4.AssociationSpec(association_category="HUBSPOT_DEFINED", association_type_id=ident)


def linked(sdk: Any, kind: str, ident: str, to: str) -> dict[str, set[int]]:
    page = sdk.crm.associations.v4.basic_api.get_page(kind, ident, to)
    return {str(one.to_object_id): {each.type_id for each in one.association_types} for one in page.results}


def test_create_link_read_without_a_retry(sdk: Any) -> None:
    """A read shows what was written, or the write had waited as long as it may: then soon after."""
    api = sdk.crm.associations.v4.basic_api

    def shown_at_once() -> bool:
        one, other, sold = contact(sdk), company(sdk), deal(sdk)
        began = time.monotonic()
        api.create("deals", sold, "contacts", one, [spec(3)])
        took = time.monotonic() - began
        seen = linked(sdk, "contacts", one, "deals") == {sold: {4}}
        assert seen or took >= SECONDS or not followed
        assert linked(sdk, "deals", sold, "contacts") == {one: {3}}
        api.create_default("deals", sold, "companies", other)
        assert linked(sdk, "deals", sold, "companies") == {other: {341, 5}}
        assert wait_until(lambda: linked(sdk, "contacts", one, "deals") == {sold: {4}}, CEILING)
        assert wait_until(lambda: linked(sdk, "companies", other, "deals") == {sold: {342, 6}}, CEILING)
        followed.append(sold)
        return seen

    followed: list[str] = []  # the first one may be written before anybody follows
    assert wait_until(shown_at_once, CEILING)


def test_with_the_creation_and_shown_with_the_deal(sdk: Any) -> None:
    one, other = contact(sdk), company(sdk)
    sold = deal(sdk, (one, 3), (other, 341))
    read = sdk.crm.deals.basic_api.get_by_id(sold, associations=["contacts", "companies"])
    assert [(each.id, each.type) for each in read.associations["contacts"].results] == [(one, "deal_to_contact")]
    shown = {each.type for each in read.associations["companies"].results}
    assert shown == {"deal_to_company", "deal_to_company_unlabeled"}
    assert wait_until(lambda: linked(sdk, "contacts", one, "deals") == {sold: {4}}, CEILING)
    person = sdk.crm.contacts.basic_api.get_by_id(one, associations=["deals"])
    assert [each.id for each in person.associations["deals"].results] == [sold]


def test_from_the_other_side(sdk: Any) -> None:
    api, one, sold = sdk.crm.associations.v4.basic_api, contact(sdk), deal(sdk)
    api.create_default("contacts", one, "deals", sold)
    assert linked(sdk, "contacts", one, "deals") == {sold: {4}}
    assert wait_until(lambda: linked(sdk, "deals", sold, "contacts") == {one: {3}}, CEILING)
    api.archive("contacts", one, "deals", sold)
    assert linked(sdk, "contacts", one, "deals") == {}
    assert wait_until(lambda: linked(sdk, "deals", sold, "contacts") == {}, CEILING)


def test_the_primary_company_is_the_deals(sdk: Any) -> None:
    api, sold, first, second = sdk.crm.associations.v4.basic_api, deal(sdk), company(sdk), company(sdk)
    api.create_default("deals", sold, "companies", first)
    api.create("companies", second, "deals", sold, [spec(6)])
    wanted = {first: {341}, second: {341, 5}}
    assert wait_until(lambda: linked(sdk, "deals", sold, "companies") == wanted, CEILING)
    assert wait_until(lambda: linked(sdk, "companies", first, "deals") == {sold: {342}}, CEILING)
    assert linked(sdk, "companies", second, "deals") == {sold: {342, 6}}


def test_batches(sdk: Any, http: httpx.Client) -> None:
    sold, ones = [deal(sdk) for _ in range(3)], [contact(sdk) for _ in range(3)]
    inputs = [
        v4.PublicDefaultAssociationMultiPost(_from={"id": each}, to={"id": one})
        for each, one in zip(sold, ones, strict=True)
    ]
    batch = v4.BatchInputPublicDefaultAssociationMultiPost(inputs=inputs)
    done = sdk.crm.associations.v4.batch_api.create_default("deals", "contacts", batch)
    assert len(done.results) == 6
    assert wait_until(lambda: all(linked(sdk, "contacts", one, "deals") for one in ones), CEILING)
    asked = v4.BatchInputPublicFetchAssociationsBatchRequest(inputs=[{"id": one} for one in ones])
    found = sdk.crm.associations.v4.batch_api.get_page("contacts", "deals", asked)
    assert {str(one._from.id): str(one.to[0].to_object_id) for one in found.results} == dict(
        zip(ones, sold, strict=True)
    )
    read = http.post("/crm/v3/associations/contacts/deals/batch/read", json={"inputs": [{"id": one} for one in ones]})
    assert {one["from"]["id"]: one["to"][0]["id"] for one in read.json()["results"]} == dict(
        zip(ones, sold, strict=True)
    )
    old = {"inputs": [{"from": {"id": sold[0]}, "to": {"id": ones[1]}, "type": "deal_to_contact"}]}
    assert http.post("/crm/v3/associations/deals/contacts/batch/create", json=old).status_code == 201
    assert wait_until(lambda: set(linked(sdk, "contacts", ones[1], "deals")) == {sold[0], sold[1]}, CEILING)


def test_labels_that_people_make(sdk: Any, http: httpx.Client, unique: str) -> None:
    body = {"name": unique, "label": f"Advises {unique}", "inverseLabel": f"Advised {unique}"}
    made = http.post("/crm/v4/associations/contacts/deals/labels", json=body).json()["results"]
    ahead = next(one["typeId"] for one in made if one["label"] == body["label"])
    one, sold = contact(sdk), deal(sdk)
    label = v4.AssociationSpec(association_category="USER_DEFINED", association_type_id=ahead)
    sdk.crm.associations.v4.basic_api.create("contacts", one, "deals", sold, [label])
    assert linked(sdk, "contacts", one, "deals") == {sold: {4, ahead}}
    back = {each["typeId"] for each in made} | {3}
    assert wait_until(lambda: linked(sdk, "deals", sold, "contacts").get(one, set()) <= back, CEILING)
    assert wait_until(lambda: len(linked(sdk, "deals", sold, "contacts").get(one, ())) == 2, CEILING)


def test_filters_by_what_is_linked(sdk: Any, unique: str) -> None:
    one = contact(sdk, lastname=unique)
    other = company(sdk, industry="AEROSPACE", domain=f"{unique}.example")
    sold = deal(sdk, (one, 3), (other, 341))
    asked = [
        {"propertyName": "company.domain", "operator": "EQ", "value": f"{unique}.example"},
        {"propertyName": "company.industry", "operator": "EQ", "value": "AEROSPACE"},
        {"propertyName": "contact.lastname", "operator": "EQ", "value": unique},
    ]

    def found() -> list[str]:
        search = deals.PublicObjectSearchRequest(filter_groups=[{"filters": asked}], limit=10)
        return [one.id for one in sdk.crm.deals.search_api.do_search(search).results]

    assert wait_until(lambda: found() == [sold], CEILING)
    by_link = [{"propertyName": "associations.contact", "operator": "EQ", "value": one}]
    search = deals.PublicObjectSearchRequest(filter_groups=[{"filters": by_link}], limit=10)
    assert [each.id for each in sdk.crm.deals.search_api.do_search(search).results] == [sold]


def test_what_happens_at_home_follows(sdk: Any, http: httpx.Client) -> None:
    one, sold = contact(sdk), deal(sdk)
    sdk.crm.associations.v4.basic_api.create_default("deals", sold, "contacts", one)
    sdk.crm.contacts.basic_api.archive(one)
    assert wait_until(lambda: linked(sdk, "deals", sold, "contacts") == {}, CEILING)
    assert http.post(f"/api/v1/objects/contacts/{one}/restore").status_code == 200
    assert wait_until(lambda: set(linked(sdk, "deals", sold, "contacts")) == {one}, CEILING)
    assert http.post("/crm/v3/objects/contacts/gdpr-delete", json={"objectId": one}).status_code == 204
    assert wait_until(lambda: linked(sdk, "deals", sold, "contacts") == {}, CEILING)
    with pytest.raises(v4.ApiException) as refused:
        sdk.crm.associations.v4.basic_api.create_default("deals", sold, "contacts", one)
    assert refused.value.status == 404
