"""Property definitions, groups, schemas: bodies in both directions."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from shared.eav.declare import AttributeDef
from shared.eav.types import KINDS
from shared.kernel.errors import ErrorList
from shared.service.web.dialect import kinds
from shared.service.web.dialect.definition import definition, parse

URL = "/crm/v3/properties/contacts"
GOOD = {"name": "size", "label": "Size", "type": "number", "fieldType": "number", "groupName": "contactinformation"}
FIELDS = {
    "name", "label", "type", "fieldType", "groupName", "description", "options", "displayOrder", "hasUniqueValue",
    "hidden", "formField", "hubspotDefined", "calculated", "externalOptions", "modificationMetadata", "archived",
    "createdAt", "updatedAt",
}  # fmt: skip


def parsed(**body: Any) -> tuple[AttributeDef, list[str]]:
    errors = ErrorList()
    found = parse({**GOOD, **body}, errors)
    return found, [one.name for one in errors.errors]


@pytest.mark.parametrize("row", [row for row in kinds.WIRE_KINDS if row.made], ids=str)
def test_every_pair_comes_back_as_it_was_given(row: kinds.WireKind) -> None:
    found, errors = parsed(type=row.type, fieldType=row.field_type)
    assert not errors
    assert found.kind == row.kind
    shown = definition(found)
    assert (shown["type"], shown["fieldType"]) == (row.type, row.field_type)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_is_shown(kind: str) -> None:
    shown = definition(AttributeDef("size", "Size", kind))
    assert shown["type"] in kinds.TYPES
    assert shown.keys() >= FIELDS


def test_owners_are_references_with_choices_elsewhere() -> None:
    found, errors = parsed(
        type="enumeration", fieldType="select", referencedObjectType="OWNER", externalOptions=True, options=[]
    )
    assert not errors
    assert (found.kind, found.reference) == ("reference", "owner")
    shown = definition(found)
    assert (shown["type"], shown["referencedObjectType"], shown["externalOptions"]) == ("enumeration", "OWNER", True)


OPTION = {"label": "A", "value": "a", "hidden": False}
CHOICE = {"type": "enumeration", "fieldType": "select"}
WRONG: list[tuple[dict[str, Any], list[str]]] = [
    ({"name": None}, ["name"]),
    ({"name": ""}, ["name"]),
    ({"name": "Größe"}, ["name"]),
    ({"name": "Upper"}, ["name"]),
    ({"name": "a b"}, ["name"]),
    ({"name": "a;drop table"}, ["name"]),
    ({"name": "a\n"}, ["name"]),
    ({"name": "x" * 101}, ["name"]),
    ({"name": ["a"]}, ["name"]),
    ({"label": None}, ["label"]),
    ({"label": "x" * 251}, ["label"]),
    ({"label": {}}, ["label"]),
    ({"type": "text"}, ["type"]),
    ({"type": "number", "fieldType": "select"}, ["fieldType"]),
    ({"type": "bool", "fieldType": "checkbox"}, ["fieldType"]),
    ({"type": "string", "fieldType": "nothing"}, ["fieldType"]),
    ({"fieldType": "calculation_equation", "calculationFormula": "1"}, ["fieldType"]),
    ({"groupName": None}, ["groupName"]),
    ({"options": [OPTION]}, ["options"]),
    ({**CHOICE, "options": {}}, ["options"]),
    ({**CHOICE, "options": ["a"]}, ["options"]),
    ({**CHOICE, "options": [OPTION, OPTION]}, ["options[1].value"]),
    ({**CHOICE, "options": [{"label": "A"}]}, ["options[0].value"]),
    ({**CHOICE, "options": [{"label": "A", "value": "a;b"}]}, ["options[0].value"]),
    ({**CHOICE, "options": [{**OPTION, "hidden": "maybe"}]}, ["options[0].hidden"]),
    ({**CHOICE, "options": [{**OPTION, "displayOrder": "first"}]}, ["options[0].displayOrder"]),
    ({**CHOICE, "externalOptions": True}, ["referencedObjectType"]),
    ({**CHOICE, "referencedObjectType": "DEAL"}, ["referencedObjectType"]),
    ({"type": "bool", "fieldType": "booleancheckbox", "options": [OPTION]}, ["options"]),
    ({"hasUniqueValue": "x"}, ["hasUniqueValue"]),
    ({"type": "enumeration", "fieldType": "checkbox", "hasUniqueValue": True}, ["hasUniqueValue"]),
    ({"hidden": 1}, ["hidden"]),
    ({"displayOrder": 2**40}, ["displayOrder"]),
    ({"displayOrder": 1.5}, ["displayOrder"]),
    ({"name": "A", "label": "", "type": "x", "fieldType": "y", "groupName": ""},
     ["name", "type", "fieldType", "label", "groupName"]),
]  # fmt: skip


@pytest.mark.parametrize(("body", "places"), WRONG)
def test_all_that_is_wrong_is_named(body: dict[str, Any], places: list[str]) -> None:
    assert parsed(**body)[1] == places


def test_properties_from_making_to_archiving(client: FlaskClient) -> None:
    made = client.post(URL, json={**GOOD, "unknown": 1, "options": []})
    assert made.status_code == 201
    assert made.json.keys() >= FIELDS
    assert made.json["hubspotDefined"] is False
    assert client.post(URL, json=GOOD).status_code == 409
    assert client.get(f"{URL}/size").json == made.json
    changed = client.patch(f"{URL}/size", json={"label": "How big", "type": "number", "fieldType": "number"})
    assert (changed.status_code, changed.json["label"]) == (200, "How big")
    assert client.patch(f"{URL}/size", json={}).status_code == 200
    assert client.patch(f"{URL}/size", json={"label": ""}).status_code == 400
    assert client.delete(f"{URL}/size").status_code == 204
    assert client.get(f"{URL}/size").status_code == 404
    assert client.delete(f"{URL}/size").status_code == 404
    assert client.delete(f"{URL}/email").status_code == 400


def test_an_unknown_group_is_named_with_all_the_rest(client: FlaskClient) -> None:
    answer = client.post(URL, json={**GOOD, "name": "Wrong", "groupName": "contactinformatoin"})
    assert [one["in"] for one in answer.json["errors"]] == ["name", "groupName"]
    assert answer.json["errors"][1]["context"]["nearest"] == ["contactinformation"]
    assert client.patch(f"{URL}/color", json={"groupName": "nothing"}).json["errors"][0]["in"] == "groupName"


def test_options_are_replaced_as_a_whole(client: FlaskClient) -> None:
    answer = client.patch(f"{URL}/color", json={"options": [OPTION]})
    assert [one["value"] for one in answer.json["options"]] == ["a"]
    assert answer.json["options"][0]["displayOrder"] == 0


def test_listings(client: FlaskClient) -> None:
    names = [one["name"] for one in client.get(URL).json["results"]]
    assert {"email", "firstname", "hs_object_id"} <= set(names)
    assert [one["name"] for one in client.get(f"{URL}?properties=email").json["results"]] == ["email"]
    assert client.get(f"{URL}?archived=True").json == {"results": []}
    for address in ("/properties/v2/contacts/properties", "/properties/v1/contact/properties"):
        assert [one["name"] for one in client.get(address).json] == names
    assert client.get("/companies/v2/properties").status_code == 404  # this service has no companies


def test_batches_of_properties(client: FlaskClient) -> None:
    inputs = [GOOD, {**GOOD, "name": "email"}, {**GOOD, "name": "Wrong"}]
    made = client.post(f"{URL}/batch/create", json={"inputs": inputs})
    assert (made.status_code, made.json["numErrors"]) == (207, 2)
    assert [one["name"] for one in made.json["results"]] == ["size"]
    assert [one["context"]["name"] for one in made.json["errors"]] == [["email"], ["Wrong"]]
    assert client.post(f"{URL}/batch/create", json={"inputs": [{**GOOD, "name": "a"}]}).status_code == 201
    wanted = {"archived": False, "inputs": [{"name": "size"}, {"name": "nothing"}]}
    read = client.post(f"{URL}/batch/read", json=wanted)
    assert (read.status_code, [one["name"] for one in read.json["results"]]) == (207, ["size"])
    assert read.json["errors"][0]["context"]["ids"] == ["nothing"]
    assert client.post(f"{URL}/batch/archive", json=wanted).status_code == 204
    assert client.get(f"{URL}/size").status_code == 404


def test_groups(client: FlaskClient) -> None:
    base = f"{URL}/groups"
    assert [one["name"] for one in client.get(base).json["results"]] == ["contactinformation"]
    made = client.post(base, json={"name": "extra", "label": "Extra", "displayOrder": 3})
    assert made.status_code == 201
    assert made.json == {"name": "extra", "label": "Extra", "displayOrder": 3, "archived": False}
    assert client.post(base, json={"name": "extra", "label": "Extra"}).status_code == 409
    assert client.post(base, json={"name": "Ex tra"}).json["errors"][1]["code"] == "REQUIRED_FIELD"
    assert client.patch(f"{base}/extra", json={"label": "More"}).json["label"] == "More"
    assert client.get(f"{base}/extra/").json["label"] == "More"
    assert client.delete(f"{base}/extra").status_code == 204
    assert client.get(f"{base}/extra").status_code == 404


CAR = {
    "name": "car",
    "labels": {"singular": "Car", "plural": "Cars"},
    "primaryDisplayProperty": "model",
    "requiredProperties": ["model"],
    "searchableProperties": ["model"],
    "secondaryDisplayProperties": [],
    "properties": [{"name": "model", "label": "Model", "type": "string", "fieldType": "text"}],
    "associatedObjects": ["CONTACT"],
}


@pytest.mark.parametrize("place", ["crm-object-schemas/v3", "crm/v3"])
def test_schemas(client: FlaskClient, place: str) -> None:
    base = f"/{place}/schemas"
    made = client.post(base, json=CAR)
    assert made.status_code == 201, made.json
    assert made.json["fullyQualifiedName"] == "p1_car"
    assert made.json["requiredProperties"] == ["model"]
    assert made.json["objectTypeId"] == f"2-{made.json['id']}"
    model = next(one for one in made.json["properties"] if one["name"] == "model")
    assert model["groupName"] == "car_information"
    assert client.post(base, json=CAR).status_code == 409
    assert [one["name"] for one in client.get(base).json["results"]] == ["car"]
    for name in ("car", "p1_car", "p_car", "p77_car", made.json["objectTypeId"]):
        assert client.get(f"{base}/{name}").json["name"] == "car"
        assert client.get(f"/crm/v3/objects/{name}").status_code == 200
    changed = client.patch(f"{base}/car", json={"labels": {"singular": "Auto"}, "clearDescription": True})
    assert changed.json["labels"] == {"singular": "Auto", "plural": "Cars"}
    link = client.post(f"{base}/car/associations", json={})
    assert (link.status_code, link.json["errors"][0]["in"]) == (400, "toObjectTypeId")
    assert client.get(f"{base}/contacts").json["fullyQualifiedName"] == "contacts"
    assert client.delete(f"{base}/car").status_code == 204
    assert client.get(f"{base}/car").status_code == 404


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ({"name": None}, ["name"]),
        ({"name": "1car"}, ["name"]),
        ({"name": "my car"}, ["name"]),
        ({"name": "x" * 61}, ["name"]),
        ({"labels": None}, ["labels.singular"]),
        ({"labels": "Car"}, ["labels", "labels.singular"]),
        ({"properties": {}}, ["properties", "primaryDisplayProperty", "requiredProperties", "searchableProperties"]),
        ({"properties": CAR["properties"] * 2}, ["properties"]),
        ({"properties": [{**CAR["properties"][0], "type": "text"}]}, ["properties[0].type"]),
        ({"requiredProperties": ["nothing"]}, ["requiredProperties"]),
        ({"requiredProperties": "model"}, ["requiredProperties"]),
        ({"associatedObjects": [1]}, ["associatedObjects"]),
    ],
)
def test_wrong_schemas(client: FlaskClient, body: dict[str, Any], places: list[str]) -> None:
    answer = client.post("/crm/v3/schemas", json={**CAR, **body})
    assert answer.status_code == 400
    assert [one["in"] for one in answer.json["errors"]] == places
