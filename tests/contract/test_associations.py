"""Associations through the official SDK: single and batch, labels and limits, old and new, on create and on read."""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import hubspot.crm.associations as v3
import hubspot.crm.associations.v4 as v4
import hubspot.crm.associations.v4.schema as v4_schema
import hubspot.crm.companies as companies
import hubspot.crm.contacts as contacts
import hubspot.crm.schemas as schemas
import pytest


def contact(sdk: Any, **more: Any) -> str:
    made = sdk.crm.contacts.basic_api.create(contacts.SimplePublicObjectInputForCreate(properties={}, **more))
    return str(made.id)


def company(sdk: Any, name: str = "Analytical Engines") -> str:
    made = sdk.crm.companies.basic_api.create(companies.SimplePublicObjectInputForCreate(properties={"name": name}))
    return str(made.id)


def spec(ident: int, category: str = "HUBSPOT_DEFINED") -> Any:
    return v4.AssociationSpec(association_category=category, association_type_id=ident)


def linked(sdk: Any, kind: str, ident: str, to: str, **more: Any) -> dict[str, list[int]]:
    page = sdk.crm.associations.v4.basic_api.get_page(kind, ident, to, **more)
    return {str(one.to_object_id): [each.type_id for each in one.association_types] for one in page.results}


def test_single(sdk: Any) -> None:
    api, one, other = sdk.crm.associations.v4.basic_api, contact(sdk), company(sdk)
    done = api.create_default("contacts", one, "companies", other)
    assert done.status == "COMPLETE"
    assert [each.association_spec.association_type_id for each in done.results] == [279, 280]
    assert linked(sdk, "contacts", one, "companies") == {other: [279, 1]}
    assert linked(sdk, "company", other, "contact") == {one: [280, 2]}
    done = api.create("contacts", one, "companies", other, [spec(1)])
    assert (done.from_object_type_id, str(done.from_object_id), str(done.to_object_id)) == ("0-1", one, other)
    assert done.labels == ["Primary"]
    assert api.archive("contacts", one, "companies", other) is None
    assert linked(sdk, "contacts", one, "companies") == {}
    with pytest.raises(v4.ApiException) as refused:
        api.create("contacts", one, "companies", "999999999", [spec(279)])
    assert refused.value.status == 404
    with pytest.raises(v4.ApiException) as refused:
        api.create("contacts", one, "companies", other, [spec(280)])
    assert refused.value.status == 400


def test_pages(sdk: Any) -> None:
    other, ones = company(sdk), sorted((contact(sdk) for _ in range(5)), key=int)
    inputs = [v4.PublicDefaultAssociationMultiPost(_from={"id": other}, to={"id": one}) for one in ones]
    batch = v4.BatchInputPublicDefaultAssociationMultiPost(inputs=inputs)
    done = sdk.crm.associations.v4.batch_api.create_default("companies", "contacts", batch)
    assert len(done.results) == 10
    api, seen, after = sdk.crm.associations.v4.basic_api, [], None
    while True:
        page = api.get_page("companies", other, "contacts", limit=2, **({"after": after} if after else {}))
        seen += [str(one.to_object_id) for one in page.results]
        if page.paging is None:
            break
        after = page.paging.next.after
    assert seen == ones


def test_batches(sdk: Any) -> None:
    api, ones, other = sdk.crm.associations.v4.batch_api, [contact(sdk) for _ in range(3)], company(sdk)
    inputs = [
        v4.PublicAssociationMultiPost(_from={"id": one}, to={"id": other}, types=[spec(1), spec(279)])
        for one in ones[:2]
    ]
    done = api.create("contacts", "companies", v4.BatchInputPublicAssociationMultiPost(inputs=inputs))
    assert [one.labels for one in done.results] == [["Primary"]] * 2
    asked = [v4.PublicFetchAssociationsBatchRequest(id=one) for one in ones]
    found = api.get_page("contacts", "companies", v4.BatchInputPublicFetchAssociationsBatchRequest(inputs=asked))
    assert type(found).__name__ == "BatchResponsePublicAssociationMultiWithLabelWithErrors"
    assert [one._from.id for one in found.results] == ones[:2]
    assert [str(one.to_object_id) for one in found.results[0].to] == [other]
    assert found.errors[0].sub_category == "crm.associations.NO_ASSOCIATIONS_FOUND"
    lost = v4.PublicAssociationMultiPost(_from={"id": ones[2]}, to={"id": "999999999"}, types=[spec(279)])
    done = api.create("contacts", "companies", v4.BatchInputPublicAssociationMultiPost(inputs=[lost, inputs[0]]))
    assert type(done).__name__ == "BatchResponseLabelsBetweenObjectPairWithErrors"
    assert (done.num_errors, len(done.results)) == (1, 1)
    primary = v4.PublicAssociationMultiPost(_from={"id": ones[0]}, to={"id": other}, types=[spec(1)])
    api.archive_labels("contacts", "companies", v4.BatchInputPublicAssociationMultiPost(inputs=[primary]))
    assert linked(sdk, "contacts", ones[0], "companies") == {other: [279]}
    gone = v4.PublicAssociationMultiArchive(_from={"id": ones[0]}, to=[{"id": other}])
    api.archive("contacts", "companies", v4.BatchInputPublicAssociationMultiArchive(inputs=[gone]))
    assert linked(sdk, "contacts", ones[0], "companies") == {}


def test_a_label_is_usable_in_the_very_next_request(sdk: Any, unique: str) -> None:
    """Made in one service, used in another whose copy is asked for it."""
    api = sdk.crm.associations.v4.schema.definitions_api
    one, other = contact(sdk), company(sdk)
    known = {each.type_id: each.label for each in api.get_all("contacts", "companies").results}
    assert {279, 1} <= set(known)
    for number in range(5):
        wanted = v4_schema.PublicAssociationDefinitionCreateRequest(
            name=f"{unique}_{number}", label=f"Advises {unique} {number}", inverse_label=f"Is advised {unique} {number}"
        )
        ahead, back = api.create("contacts", "companies", wanted).results
        assert (ahead.category, ahead.label, back.label) == ("USER_DEFINED", wanted.label, wanted.inverse_label)
        used = spec(ahead.type_id, "USER_DEFINED")
        done = sdk.crm.associations.v4.basic_api.create("contacts", one, "companies", other, [used])
        assert wanted.label in done.labels
    assert linked(sdk, "companies", other, "contacts")[one] == [280, 2, back.type_id]
    change = v4_schema.PublicAssociationDefinitionUpdateRequest(
        association_type_id=ahead.type_id, label=f"Tells {unique}"
    )
    assert api.update("contacts", "companies", change) is None
    assert f"Tells {unique}" in [each.label for each in api.get_all("contacts", "companies").results]
    assert api.remove("contacts", "companies", ahead.type_id) is None
    assert ahead.type_id not in [each.type_id for each in api.get_all("contacts", "companies").results]


def test_limits(sdk: Any) -> None:
    api = sdk.crm.associations.v4.schema.definition_configurations_api
    wanted = v4_schema.PublicAssociationDefinitionConfigurationCreateRequest(
        category="HUBSPOT_DEFINED", type_id=449, max_to_object_ids=900_000
    )
    batch = v4_schema.BatchInputPublicAssociationDefinitionConfigurationCreateRequest(inputs=[wanted])
    assert api.batch_create("contacts", "contacts", batch).results[0].user_enforced_max_to_object_ids == 900_000
    assert 449 in [one.type_id for one in api.get_all().results]
    assert [one.type_id for one in api.get_all_between_two_object_types("contacts", "contacts").results] == [449]
    changed = v4_schema.PublicAssociationDefinitionConfigurationUpdateRequest(
        category="HUBSPOT_DEFINED", type_id=449, max_to_object_ids=800_000
    )
    batch = v4_schema.BatchInputPublicAssociationDefinitionConfigurationUpdateRequest(inputs=[changed])
    assert api.batch_update("contacts", "contacts", batch).results[0].user_enforced_max_to_object_ids == 800_000
    gone = v4_schema.BatchInputPublicAssociationSpec(
        inputs=[v4_schema.PublicAssociationSpec(category="HUBSPOT_DEFINED", type_id=449)]
    )
    api.batch_remove("contacts", "contacts", gone)
    assert api.get_all_between_two_object_types("contacts", "contacts").results == []


def test_version_3(sdk: Any) -> None:
    api, one, other = sdk.crm.associations.batch_api, contact(sdk), company(sdk)
    pair = v3.PublicAssociation(_from={"id": one}, to={"id": other}, type="contact_to_company")
    done = api.create("contacts", "companies", v3.BatchInputPublicAssociation(inputs=[pair]))
    assert done.results[0].type == "contact_to_company"
    asked = v3.BatchInputPublicObjectId(inputs=[v3.PublicObjectId(id=one)])
    found = api.read("contacts", "companies", asked)
    assert {(each.id, each.type) for each in found.results[0].to} == {
        (other, "contact_to_company"),
        (other, "contact_to_company_unlabeled"),
    }
    types = sdk.crm.associations.schema.types_api.get_all("company", "contact").results
    assert {each.name for each in types} >= {"company_to_contact", "company_to_contact_unlabeled"}
    pair.type = "contact_to_company_unlabeled"
    api.archive("contacts", "companies", v3.BatchInputPublicAssociation(inputs=[pair]))
    assert linked(sdk, "contacts", one, "companies") == {}


def test_create_and_read_with_associations(sdk: Any) -> None:
    """Create, link and read, without a retry."""
    first, second = company(sdk), company(sdk)
    wanted = [
        contacts.PublicAssociationsForObject(
            to=contacts.PublicObjectId(id=ident),
            types=[contacts.AssociationSpec(association_category="HUBSPOT_DEFINED", association_type_id=279)],
        )
        for ident in (first, second)
    ]
    one = contact(sdk, associations=wanted)
    assert linked(sdk, "contacts", one, "companies") == {first: [279, 1], second: [279]}
    found = sdk.crm.contacts.basic_api.get_by_id(one, associations=["companies", "deals"])
    assert set(found.associations) == {"companies"}
    assert [(each.id, each.type) for each in found.associations["companies"].results] == [
        (first, "contact_to_company"),
        (first, "contact_to_company_unlabeled"),
        (second, "contact_to_company_unlabeled"),
    ]
    page = sdk.crm.contacts.basic_api.get_page(limit=1, after=str(int(one) - 1), associations=["companies"])
    assert len(page.results[0].associations["companies"].results) == 3
    batch = contacts.BatchInputSimplePublicObjectBatchInputForCreate(
        inputs=[contacts.SimplePublicObjectBatchInputForCreate(properties={}, associations=wanted)]
    )
    made = sdk.crm.contacts.batch_api.create(batch).results[0].id
    assert set(linked(sdk, "contacts", made, "companies")) == {first, second}


def test_search_by_association(sdk: Any, unique: str) -> None:
    other, ones = company(sdk, unique), [contact(sdk) for _ in range(3)]
    for one in ones[:2]:
        sdk.crm.associations.v4.basic_api.create_default("contacts", one, "companies", other)
    for name, operator, value in (
        ("associations.company", "EQ", other),
        ("associations.companies", "IN", [other]),
        ("company.name", "EQ", unique),
    ):
        told = {"values": value} if isinstance(value, list) else {"value": value}
        asked = contacts.Filter(property_name=name, operator=operator, **told)
        request = contacts.PublicObjectSearchRequest(filter_groups=[contacts.FilterGroup(filters=[asked])])
        found = sdk.crm.contacts.search_api.do_search(request)
        assert {each.id for each in found.results} == set(ones[:2]), name


def test_custom_types_declare_and_use_links(sdk: Any, car: str, http: httpx.Client) -> None:
    schema = sdk.crm.schemas.core_api.get_by_id(car)
    (declared,) = [one for one in schema.associations if one.from_object_type_id == schema.object_type_id]
    assert (declared.name, declared.to_object_type_id) == (f"{car}_to_contact", "0-1")
    egg = schemas.AssociationDefinitionEgg(
        from_object_type_id=schema.object_type_id, to_object_type_id=schema.object_type_id, name="spare"
    )
    made = sdk.crm.schemas.core_api.create_association(car, egg)
    labels = sdk.crm.associations.v4.schema.definitions_api.get_all(car, car).results
    assert int(made.id) in [one.type_id for one in labels]
    one, other = (http.post(f"/crm/v3/objects/{car}", json={"properties": {"model": "T"}}).json()["id"] for _ in "ab")
    sdk.crm.associations.v4.basic_api.create(car, one, car, other, [spec(int(made.id), "USER_DEFINED")])
    assert set(linked(sdk, car, other, car)) == {one}
    assert int(made.id) in linked(sdk, car, one, car)[other]
    sdk.crm.schemas.core_api.archive_association(car, made.id)
    assert len(linked(sdk, car, one, car)[other]) == 1
    with pytest.raises(schemas.ApiException) as refused:
        sdk.crm.schemas.core_api.archive_association(car, made.id)
    assert refused.value.status == 404


def test_links_to_types_that_live_elsewhere(sdk: Any, http: httpx.Client, car: str) -> None:
    one = contact(sdk)
    assert linked(sdk, "contacts", one, "deals") == {}
    assert linked(sdk, "contacts", one, "0-5") == {}
    refused = http.put(f"/crm/v4/objects/contacts/{one}/associations/default/orders/1")
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, "NOT_AVAILABLE")
    labels = sdk.crm.associations.v4.schema.definitions_api.get_all("contacts", car).results
    assert (labels[0].category, labels[0].label) == ("HUBSPOT_DEFINED", None)


def test_dated_paths(http: httpx.Client, sdk: Any) -> None:
    one, other = contact(sdk), company(sdk)
    path = f"/crm/objects/2026-03/contacts/{one}/associations"
    assert http.put(f"{path}/default/companies/{other}").status_code == 200
    assert http.get(f"{path}/companies").json()["results"][0]["toObjectId"] == int(other)
    read = {"inputs": [{"id": one}]}
    assert http.post("/crm/associations/2026-03/contacts/companies/batch/read", json=read).status_code == 200
    assert http.get("/crm/associations/2026-03/contacts/companies/labels").json()["results"][0]["typeId"] == 279
    assert http.get(f"/crm/pipelines/2026-03/{uuid.uuid4().hex}").status_code == 404
    assert http.get("/crm/pipelines/2026-03/contacts").json() == {"results": []}
