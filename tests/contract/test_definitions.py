"""Property definitions, groups, schemas and owners through the official SDK."""

from __future__ import annotations

import re
from typing import Any

import httpx
import hubspot.crm.objects as objects
import hubspot.crm.owners as owners
import hubspot.crm.properties as properties
import hubspot.crm.schemas as schemas
import pytest

PAIRS = [
    ("string", "text", "abc", "abc"),
    ("string", "textarea", "two\nlines", "two\nlines"),
    ("string", "html", "<b>x</b>", "<b>x</b>"),
    ("string", "file", "12", "12"),
    ("string", "phonenumber", "+49 30 123", "+49 30 123"),
    ("number", "number", "12.50", "12.5"),
    ("date", "date", "2024-02-29", "2024-02-29"),
    ("datetime", "date", "2024-02-29T10:00:00+02:00", "2024-02-29T08:00:00.000Z"),
    ("enumeration", "select", "a", "a"),
    ("enumeration", "radio", "b", "b"),
    ("enumeration", "booleancheckbox", "a", "a"),
    ("enumeration", "checkbox", "b;a", "b;a"),
    ("bool", "booleancheckbox", "True", "true"),
]
OPTIONS = [
    properties.OptionInput(label="A", value="a", hidden=False, display_order=0),
    properties.OptionInput(label="B", value="b", hidden=False, display_order=1),
]


def new(name: str, type: str = "string", field: str = "text", **more: Any) -> Any:
    return properties.PropertyCreate(
        name=name, label=name.title(), type=type, field_type=field, group_name="contactinformation", **more
    )


@pytest.mark.parametrize(("type", "field", "written", "stored"), PAIRS)
def test_a_property_of_each_kind(sdk: Any, unique: str, type: str, field: str, written: str, stored: str) -> None:
    options = OPTIONS if type == "enumeration" else []
    made = sdk.crm.properties.core_api.create("contacts", new(unique, type, field, options=options))
    assert (made.name, made.type, made.field_type, made.group_name) == (unique, type, field, "contactinformation")
    assert (made.hubspot_defined, made.archived, made.has_unique_value) == (False, False, False)
    assert made.created_at is not None
    if type == "enumeration":
        assert [(one.value, one.label, one.display_order) for one in made.options] == [("a", "A", 0), ("b", "B", 1)]
    given = objects.SimplePublicObjectInputForCreate(properties={unique: written})
    record = sdk.crm.objects.basic_api.create("contacts", given)
    assert set(record.properties[unique].split(";")) == set(stored.split(";"))


def test_from_making_to_reviving(sdk: Any, unique: str) -> None:
    api = sdk.crm.properties.core_api
    api.create("contacts", new(unique, "enumeration", "select", options=OPTIONS))
    with pytest.raises(properties.ApiException) as caught:
        api.create("contacts", new(unique))
    assert caught.value.status == 409
    record = sdk.crm.objects.basic_api.create(
        "contacts", objects.SimplePublicObjectInputForCreate(properties={unique: "b"})
    )
    changed = api.update(
        "contacts",
        unique,
        properties.PropertyUpdate(label="Other", description="why", hidden=True, options=OPTIONS[:1]),
    )
    assert (changed.label, changed.description, changed.hidden) == ("Other", "why", True)
    assert [one.value for one in changed.options] == ["a"]
    read = sdk.crm.objects.basic_api.get_by_id("contacts", record.id, properties=[unique])
    assert read.properties[unique] == "b"
    api.archive("contacts", unique)
    with pytest.raises(properties.ApiException) as caught:
        api.get_by_name("contacts", unique)
    assert caught.value.status == 404
    assert unique in {one.name for one in api.get_all("contacts", archived=True).results}
    assert unique not in {one.name for one in api.get_all("contacts").results}
    with pytest.raises(objects.ApiException) as caught:
        sdk.crm.objects.basic_api.update(
            "contacts", record.id, objects.SimplePublicObjectInput(properties={unique: "a"})
        )
    assert "PROPERTY_DOESNT_EXIST" in caught.value.body
    revived = api.create("contacts", new(unique, "enumeration", "select", options=OPTIONS))
    assert revived.archived is False
    read = sdk.crm.objects.basic_api.get_by_id("contacts", record.id, properties=[unique])
    assert read.properties[unique] == "b"


def test_builtin_ones_cannot_be_archived(sdk: Any) -> None:
    with pytest.raises(properties.ApiException) as caught:
        sdk.crm.properties.core_api.archive("contacts", "email")
    assert caught.value.status in (400, 403)
    email = sdk.crm.properties.core_api.get_by_name("contacts", "email")
    assert (email.hubspot_defined, email.has_unique_value) == (True, True)
    assert email.modification_metadata.archivable is False


def test_the_group_must_exist(sdk: Any, unique: str) -> None:
    body = properties.PropertyCreate(name=unique, label="X", type="string", field_type="text", group_name=unique)
    with pytest.raises(properties.ApiException) as caught:
        sdk.crm.properties.core_api.create("contacts", body)
    assert caught.value.status == 400


def test_unique_values(sdk: Any, unique: str) -> None:
    sdk.crm.properties.core_api.create("companies", properties.PropertyCreate(
        name=unique, label="Code", type="string", field_type="text", group_name="companyinformation",
        has_unique_value=True,
    ))  # fmt: skip
    api = sdk.crm.objects.basic_api
    given = objects.SimplePublicObjectInputForCreate(properties={unique: "Ab-1"})
    made = api.create("companies", given)
    with pytest.raises(objects.ApiException) as caught:
        api.create("companies", given)
    assert (caught.value.status, f"Existing ID: {made.id}" in caught.value.body) == (409, True)
    assert api.get_by_id("companies", "ab-1", id_property=unique).id == made.id


def test_batches(sdk: Any, unique: str) -> None:
    api = sdk.crm.properties.batch_api
    inputs = [new(f"{unique}{number}") for number in range(3)]
    made = api.create("contacts", properties.BatchInputPropertyCreate(inputs=inputs))
    assert [one.name for one in made.results] == [one.name for one in inputs]
    again = api.create("contacts", properties.BatchInputPropertyCreate(inputs=[*inputs[:1], new(f"{unique}9")]))
    assert ([one.name for one in again.results], again.num_errors) == ([f"{unique}9"], 1)
    names = [properties.PropertyName(name=one) for one in (f"{unique}0", f"{unique}1", "nothing")]
    found = api.read("contacts", properties.BatchReadInputPropertyName(archived=False, inputs=names))
    assert ([one.name for one in found.results], found.num_errors) == ([f"{unique}0", f"{unique}1"], 1)
    api.archive("contacts", properties.BatchInputPropertyName(inputs=names[:2]))
    live = {one.name for one in sdk.crm.properties.core_api.get_all("contacts").results}
    assert live.isdisjoint({f"{unique}0", f"{unique}1"})
    assert f"{unique}2" in live


def test_groups(sdk: Any, unique: str) -> None:
    api = sdk.crm.properties.groups_api
    assert "contactinformation" in {one.name for one in api.get_all("contacts").results}
    made = api.create("contacts", properties.PropertyGroupCreate(name=unique, label="Mine", display_order=7))
    assert (made.name, made.label, made.display_order, made.archived) == (unique, "Mine", 7, False)
    with pytest.raises(properties.ApiException) as caught:
        api.create("contacts", properties.PropertyGroupCreate(name=unique, label="Mine"))
    assert caught.value.status == 409
    changed = api.update("contacts", unique, properties.PropertyGroupUpdate(label="Yours"))
    assert (changed.label, api.get_by_name("contacts", unique).label) == ("Yours", "Yours")
    api.archive("contacts", unique)
    with pytest.raises(properties.ApiException) as caught:
        api.get_by_name("contacts", unique)
    assert caught.value.status == 404


def test_default_properties_are_defined(sdk: Any) -> None:
    for kind, names in {
        "contacts": "createdate email firstname hs_object_id lastmodifieddate lastname lifecyclestage phone",
        "companies": "createdate domain hs_lastmodifieddate hs_object_id name numberofemployees",
    }.items():
        found = {one.name: one for one in sdk.crm.properties.core_api.get_all(kind).results}
        assert set(names.split()) <= found.keys()
        assert all(re.fullmatch("[a-z][a-z0-9_]*", name) for name in found)
    owner = sdk.crm.properties.core_api.get_by_name("contacts", "hubspot_owner_id")
    assert (owner.type, owner.referenced_object_type, owner.external_options) == ("enumeration", "OWNER", True)


def test_schemas(sdk: Any, car: str) -> None:
    api = sdk.crm.schemas.core_api
    found = api.get_by_id(car)
    assert found.fully_qualified_name == f"p1_{car}"
    assert re.fullmatch(r"2-\d+", found.object_type_id)
    assert (found.labels.singular, found.required_properties) == ("Car", ["model"])
    assert {"model", "price", "plate", "hs_object_id"} <= {one.name for one in found.properties}
    assert next(one for one in found.properties if one.name == "plate").has_unique_value is True
    for name in (f"p1_{car}", f"p_{car}", found.object_type_id):
        assert api.get_by_id(name).id == found.id
    assert car in {one.name for one in api.get_all().results}
    changed = api.update(car, schemas.ObjectTypeDefinitionPatch(
        labels=schemas.ObjectTypeDefinitionLabels(singular="Auto", plural="Autos"), searchable_properties=["model"],
    ))  # fmt: skip
    assert (changed.labels.plural, changed.searchable_properties) == ("Autos", ["model"])
    added = properties.PropertyCreate(
        name="colour", label="Colour", type="string", field_type="text", group_name=f"{car}_information"
    )
    assert sdk.crm.properties.core_api.create(car, added).name == "colour"


def test_schemas_come_and_go(sdk: Any, unique: str) -> None:
    api = sdk.crm.schemas.core_api
    egg = schemas.ObjectSchemaEgg(
        name=unique,
        labels=schemas.ObjectTypeDefinitionLabels(singular="One", plural="Many"),
        required_properties=[],
        properties=[schemas.ObjectTypePropertyCreate(name="a", label="A", type="string", field_type="text")],
        associated_objects=[],
    )
    made = api.create(egg)
    assert made.name == unique
    with pytest.raises(schemas.ApiException) as caught:
        api.create(egg)
    assert caught.value.status == 409
    api.archive(unique)
    with pytest.raises(schemas.ApiException) as caught:
        api.get_by_id(unique)
    assert caught.value.status == 404
    with pytest.raises(schemas.ApiException) as caught:
        api.create(egg)
    assert caught.value.status == 409


def test_a_schema_removed_for_good_frees_its_name(sdk: Any, unique: str) -> None:
    api = sdk.crm.schemas.core_api
    egg = schemas.ObjectSchemaEgg(
        name=unique,
        labels=schemas.ObjectTypeDefinitionLabels(singular="One", plural="Many"),
        required_properties=[],
        properties=[schemas.ObjectTypePropertyCreate(name="a", label="A", type="string", field_type="text")],
        associated_objects=[],
    )
    api.create(egg)
    entity = sdk.crm.objects.basic_api.create(unique, objects.SimplePublicObjectInputForCreate(properties={"a": "x"}))
    with pytest.raises(schemas.ApiException) as caught:
        api.archive(unique, archived=True)
    assert (caught.value.status, "TYPE_IN_USE" in caught.value.body) == (400, True)
    sdk.crm.objects.basic_api.archive(unique, entity.id)
    api.archive(unique, archived=True)
    made = api.create(egg)
    assert [one.name for one in made.properties if one.name == "a"] == ["a"]
    found = sdk.crm.objects.search_api.do_search(unique, objects.PublicObjectSearchRequest())
    assert found.total == 0


def object_type_id(schema: Any) -> str:
    return str(schema.object_type_id)


def test_owners(sdk: Any, http: httpx.Client, unique: str) -> None:
    values = {"email": f"{unique}@example.org", "first_name": "Ada", "last_name": "L"}
    made = http.post("/api/v1/objects/owners", json={"values": values})
    assert made.status_code == 201, made.text
    ident = made.json()["id"]
    api = sdk.crm.owners.owners_api
    found = api.get_by_id(int(ident), id_property="id")
    assert (found.id, found.email, found.first_name, found.last_name) == (ident, f"{unique}@example.org", "Ada", "L")
    assert (found.type, found.archived) == ("PERSON", False)
    listed = api.get_page(email=f"{unique}@example.org", limit=500, archived=False)
    assert [one.id for one in listed.results] == [ident]
    assert ident in {one.id for one in sdk.crm.owners.get_all()}
    with pytest.raises(owners.ApiException) as caught:
        api.get_by_id(999999999)
    assert caught.value.status == 404
    contact = sdk.crm.objects.basic_api.create(
        "contacts", objects.SimplePublicObjectInputForCreate(properties={"hubspot_owner_id": ident})
    )
    assert contact.properties["hubspot_owner_id"] == ident


@pytest.mark.parametrize("name", ["contact", "companies", "deal", "owners"])
def test_a_custom_type_cannot_take_a_built_in_name(http: httpx.Client, name: str) -> None:
    answer = http.post("/crm/v3/schemas", json={"name": name, "labels": {"singular": "x"}, "properties": []})
    assert (answer.status_code, answer.json()["category"]) == (409, "OBJECT_ALREADY_EXISTS")


def test_a_type_with_entities_stays_reachable(sdk: Any, unique: str) -> None:
    api = sdk.crm.schemas.core_api
    labels = schemas.ObjectTypeDefinitionLabels(singular="One", plural="Many")
    api.create(
        schemas.ObjectSchemaEgg(
            name=unique, labels=labels, required_properties=[], properties=[], associated_objects=[]
        )
    )
    entity = sdk.crm.objects.basic_api.create(unique, objects.SimplePublicObjectInputForCreate(properties={}))
    with pytest.raises(schemas.ApiException) as caught:
        api.archive(unique)
    assert (caught.value.status, "TYPE_IN_USE" in caught.value.body) == (400, True)
    assert sdk.crm.objects.basic_api.get_by_id(unique, entity.id).id == entity.id
    sdk.crm.objects.basic_api.archive(unique, entity.id)
    api.archive(unique)


def test_a_group_with_properties_stays(http: httpx.Client) -> None:
    answer = http.delete("/crm/v3/properties/contacts/groups/contactinformation")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "GROUP_IN_USE")
    assert http.get("/crm/v3/properties/contacts/groups/contactinformation").status_code == 200


def test_a_label_asked_for_twice_is_one_attribute(http: httpx.Client, unique: str) -> None:
    body = {"label": f"标签 {unique}", "type": "number"}
    first = http.post("/api/v1/types/contact/attributes", json=body)
    again = http.post("/api/v1/types/contact/attributes", json=body)
    assert (first.status_code, again.status_code) == (201, 409)
    assert first.json()["name"] in again.json()["message"]
