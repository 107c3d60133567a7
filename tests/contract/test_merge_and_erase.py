"""Merging and erasing through the official SDK."""

from __future__ import annotations

from typing import Any

import httpx
import hubspot.crm.associations.v4 as associations
import hubspot.crm.companies as companies
import hubspot.crm.contacts as contacts
import pytest

from tests.contract.test_objects import make


def merge(sdk: Any, primary: str, other: str) -> Any:
    given = contacts.PublicMergeInput(primary_object_id=primary, object_id_to_merge=other)
    return sdk.crm.contacts.basic_api.merge(given)


def purge(sdk: Any, ident: str, id_property: str | None = None) -> Any:
    given = contacts.PublicGdprDeleteInput(object_id=ident, id_property=id_property)
    return sdk.crm.contacts.basic_api.purge(given)


def test_two_contacts_become_one(sdk: Any, unique: str) -> None:
    api = sdk.crm.contacts.basic_api
    first = make(sdk, email=f"{unique}@example.org", firstname="Ada")
    second = make(sdk, email=f"2{unique}@example.org", firstname="Eve", lastname="Lovelace")
    firm = sdk.crm.companies.basic_api.create(companies.SimplePublicObjectInputForCreate(properties={"name": unique}))
    sdk.crm.associations.v4.basic_api.create_default("contacts", second.id, "companies", firm.id)

    merged = merge(sdk, first.id, second.id)
    assert merged.id == first.id
    assert merged.properties["firstname"] == "Ada"
    assert merged.properties["lastname"] == "Lovelace"

    asked = ["hs_merged_object_ids", "hs_additional_emails", "email"]
    for ident in (first.id, second.id):
        read = api.get_by_id(ident, properties=asked, associations=["companies"])
        assert read.id == first.id
        assert read.properties["hs_merged_object_ids"] == second.id
        assert read.properties["hs_additional_emails"] == f"2{unique}@example.org"
        assert {one.id for one in read.associations["companies"].results} == {firm.id}
    page = sdk.crm.associations.v4.basic_api.get_page("companies", firm.id, "contacts")
    assert {str(one.to_object_id) for one in page.results} == {first.id}
    assert api.get_by_id(f"2{unique}@example.org", id_property="email").id == first.id
    api.update(second.id, contacts.SimplePublicObjectInput(properties={"city": "London"}))
    assert api.get_by_id(first.id, properties=["city"]).properties["city"] == "London"

    found = sdk.crm.contacts.search_api.do_search(contacts.PublicObjectSearchRequest(query=f"2{unique}", limit=5))
    assert [one.id for one in found.results] == [first.id]
    assert second.id not in {one.id for one in api.get_page(limit=100, archived=True).results}


def test_chains_lead_to_the_last_survivor(sdk: Any, unique: str) -> None:
    one, two, three = (make(sdk, email=f"{n}{unique}@example.org") for n in range(3))
    merge(sdk, two.id, three.id)
    merge(sdk, one.id, two.id)
    for ident in (one.id, two.id, three.id):
        assert sdk.crm.contacts.basic_api.get_by_id(ident).id == one.id


def test_companies_merge_as_well(sdk: Any, unique: str) -> None:
    api = sdk.crm.companies.basic_api
    made = [
        api.create(
            companies.SimplePublicObjectInputForCreate(properties={"name": unique, "domain": f"{n}.{unique}.test"})
        )
        for n in range(2)
    ]
    given = companies.PublicMergeInput(primary_object_id=made[0].id, object_id_to_merge=made[1].id)
    assert api.merge(given).id == made[0].id


def test_what_cannot_be_merged(sdk: Any, unique: str) -> None:
    made = make(sdk, email=f"{unique}@example.org")
    for other, status in ((made.id, 400), ("99999999999", 404)):
        with pytest.raises(contacts.ApiException) as caught:
            merge(sdk, made.id, other)
        assert caught.value.status == status


@pytest.mark.parametrize("by", ["id", "email"])
def test_an_erased_contact_is_gone(sdk: Any, http: httpx.Client, unique: str, by: str) -> None:
    api = sdk.crm.contacts.basic_api
    made = make(sdk, email=f"{unique}@example.org", firstname=unique)
    other = make(sdk, email=f"2{unique}@example.org")
    merge(sdk, made.id, other.id)
    assert purge(sdk, *((made.id,) if by == "id" else (f"{unique}@Example.org", "email"))) is None
    for ident in (made.id, other.id):
        for archived in (False, True):
            with pytest.raises(contacts.ApiException) as caught:
                api.get_by_id(ident, archived=archived)
            assert caught.value.status == 404
    found = sdk.crm.contacts.search_api.do_search(contacts.PublicObjectSearchRequest(query=unique, limit=5))
    assert found.total == 0
    feed = http.get("/api/v1/contacts/changes", params={"after": "start", "types": "contact", "limit": 1000})
    assert unique not in feed.text
    assert purge(sdk, made.id) is None
    with pytest.raises(contacts.ApiException) as refused:
        make(sdk, email=f"{unique}@example.org")
    assert (refused.value.status, "ERASED_VALUE" in refused.value.body) == (400, True)
    lifted = {"type": "contact", "attribute": "email", "value": f"{unique}@example.org"}
    assert http.post("/api/v1/contacts/erasures/lift", json=lifted).status_code == 200
    assert int(make(sdk, email=f"{unique}@example.org").id) > int(other.id)


def test_erasing_takes_links_along(sdk: Any, unique: str) -> None:
    made = make(sdk, email=f"{unique}@example.org")
    firm = sdk.crm.companies.basic_api.create(companies.SimplePublicObjectInputForCreate(properties={"name": unique}))
    label = associations.AssociationSpec(association_category="HUBSPOT_DEFINED", association_type_id=279)
    sdk.crm.associations.v4.basic_api.create("contacts", made.id, "companies", firm.id, [label])
    purge(sdk, made.id)
    assert sdk.crm.associations.v4.basic_api.get_page("companies", firm.id, "contacts").results == []
