"""Single records through the official SDK: contacts, companies and a custom type."""

from __future__ import annotations

from typing import Any

import hubspot.crm.companies as companies
import hubspot.crm.contacts as contacts
import hubspot.crm.objects as objects
import pytest


def make(sdk: Any, **properties: str) -> Any:
    given = contacts.SimplePublicObjectInputForCreate(properties=properties)
    return sdk.crm.contacts.basic_api.create(given)


def test_a_contact_from_making_to_archiving(sdk: Any, unique: str) -> None:
    api = sdk.crm.contacts.basic_api
    made = make(sdk, email=f"{unique}@Example.org", firstname="Ada", phone="+49 30 1234567")
    assert made.id.isdigit()
    assert made.properties["email"] == f"{unique}@example.org"
    assert made.properties["phone"]
    assert {"hs_object_id", "createdate", "lastmodifieddate"} <= made.properties.keys()
    assert made.properties["hs_object_id"] == made.id
    assert made.archived is False

    read = api.get_by_id(made.id)
    assert set(read.properties) == {
        "createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname",
    }  # fmt: skip
    assert read.properties["lastname"] is None
    assert read.created_at == made.created_at

    read = api.get_by_id(made.id, properties=["city", "firstname", "no_such_property"])
    assert read.properties["city"] is None
    assert read.properties["firstname"] == "Ada"
    assert "email" not in read.properties

    change = contacts.SimplePublicObjectInput(properties={"city": "London", "firstname": ""})
    changed = api.update(made.id, change)
    assert (changed.properties["city"], changed.properties["firstname"]) == ("London", None)
    assert changed.updated_at > made.updated_at
    by_email = api.get_by_id(f"{unique}@example.org", id_property="email", properties=["city"])
    assert (by_email.id, by_email.properties["city"]) == (made.id, "London")
    api.update(f"{unique}@EXAMPLE.org", change, id_property="email")

    for _ in range(2):
        api.archive(made.id)
    with pytest.raises(contacts.ApiException) as caught:
        api.get_by_id(made.id)
    assert caught.value.status == 404
    gone = api.get_by_id(made.id, archived=True)
    assert gone.archived is True
    assert gone.archived_at is not None
    again = make(sdk, email=f"{unique}@example.org")
    assert int(again.id) > int(made.id)


def test_history_newest_first_without_repetition(sdk: Any, unique: str) -> None:
    api = sdk.crm.contacts.basic_api
    made = make(sdk, firstname="one")
    for value in ("two", "two", ""):
        api.update(made.id, contacts.SimplePublicObjectInput(properties={"firstname": value}))
    found = api.get_by_id(made.id, properties_with_history=["firstname"])
    history = found.properties_with_history["firstname"]
    assert [one.value for one in history] == ["", "two", "one"]
    assert {one.source_type for one in history} == {"API"}
    assert history[0].timestamp >= history[1].timestamp >= history[2].timestamp


def test_a_taken_address(sdk: Any, unique: str) -> None:
    made = make(sdk, email=f"{unique}@example.org")
    with pytest.raises(contacts.ApiException) as caught:
        make(sdk, email=f"{unique.upper()}@example.org")
    assert caught.value.status == 409
    assert f"Contact already exists. Existing ID: {made.id}" in caught.value.body


def test_several_wrong_values_come_back_together(sdk: Any) -> None:
    with pytest.raises(contacts.ApiException) as caught:
        make(sdk, email="no address", lifecyclestage="nothing", no_such="1", createdate="2020-01-01")
    assert caught.value.status == 400
    for code in ("INVALID_EMAIL", "INVALID_OPTION", "PROPERTY_DOESNT_EXIST", "READ_ONLY_VALUE"):
        assert code in caught.value.body


def test_paging_meets_every_record_once(sdk: Any) -> None:
    made = [make(sdk, firstname="page").id for _ in range(5)]
    ids = [one.id for one in sdk.crm.contacts.get_all()]
    assert len(ids) == len(set(ids))
    assert set(made) <= set(ids)
    assert [int(one) for one in ids] == sorted(int(one) for one in ids)
    first = sdk.crm.contacts.basic_api.get_page(limit=2, properties=["email"])
    assert len(first.results) == 2
    assert first.paging.next.after == first.results[-1].id
    with_history = sdk.crm.contacts.get_all(properties_with_history=["firstname"], limit=3)
    assert len(with_history) == 3


def test_archived_records_are_listed_apart(sdk: Any) -> None:
    api = sdk.crm.contacts.basic_api
    made = make(sdk, firstname="gone")
    api.archive(made.id)
    assert made.id not in {one.id for one in sdk.crm.contacts.get_all()}
    assert made.id in {one.id for one in sdk.crm.contacts.get_all(archived=True)}


def test_companies(sdk: Any, unique: str) -> None:
    api = sdk.crm.companies.basic_api
    given = {"name": unique, "domain": f"https://www.{unique}.example.org/x", "numberofemployees": "12.50"}
    made = api.create(companies.SimplePublicObjectInputForCreate(properties=given))
    assert made.properties["domain"] == f"{unique}.example.org"
    assert made.properties["numberofemployees"] == "12.5"
    read = api.get_by_id(made.id)
    assert set(read.properties) == {"createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"}
    changed = api.update(made.id, companies.SimplePublicObjectInput(properties={"is_public": "TRUE"}))
    assert changed.properties["is_public"] == "true"
    api.archive(made.id)
    with pytest.raises(companies.ApiException):
        api.get_by_id(made.id)


def test_a_custom_type(sdk: Any, car: str, unique: str) -> None:
    api = sdk.crm.objects.basic_api
    given = objects.SimplePublicObjectInputForCreate(properties={"model": "T", "price": "1e3", "plate": unique})
    made = api.create(car, given)
    assert made.properties["price"] == "1000"
    for name in (f"p1_{car}", f"p_{car}"):
        assert api.get_by_id(name, made.id, properties=["model"]).properties["model"] == "T"
    assert api.get_by_id(car, unique, id_property="plate").id == made.id
    changed = api.update(car, made.id, objects.SimplePublicObjectInput(properties={"price": "7"}))
    assert changed.properties["price"] == "7"
    with pytest.raises(objects.ApiException) as caught:
        api.create(car, objects.SimplePublicObjectInputForCreate(properties={"price": "1"}))
    assert (caught.value.status, "REQUIRED_FIELD" in caught.value.body) == (400, True)
    with pytest.raises(objects.ApiException) as caught:
        api.create(car, given)
    assert (caught.value.status, f"Existing ID: {made.id}" in caught.value.body) == (409, True)
    assert made.id in {one.id for one in sdk.crm.objects.get_all(car)}
    api.archive(car, made.id)
    assert made.id not in {one.id for one in sdk.crm.objects.get_all(car)}


@pytest.mark.parametrize("name", ["contacts", "contact", "0-1"])
def test_types_have_synonyms(sdk: Any, name: str) -> None:
    made = sdk.crm.objects.basic_api.create(name, objects.SimplePublicObjectInputForCreate(properties={}))
    assert sdk.crm.contacts.basic_api.get_by_id(made.id).id == made.id


def test_an_unknown_type(sdk: Any) -> None:
    with pytest.raises(objects.ApiException) as caught:
        sdk.crm.objects.basic_api.get_page("spaceships")
    assert caught.value.status in (400, 404)
    assert "spaceships" in caught.value.body
