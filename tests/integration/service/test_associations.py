"""Links through the wire dialect's doors of real services."""

from __future__ import annotations

from typing import Any

import pytest

from tests.factories.counting import own
from tests.integration.service.conftest import System, follow_relations

OBJECTS, V4, V3 = "/crm/v3/objects", "/crm/v4/associations", "/crm/v3/associations"


def spec(ident: int) -> dict[str, Any]:
    return {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": ident}


@pytest.fixture
def web(system: System) -> Any:
    return system.client("contacts")


def make(web: Any, kind: str, count: int = 1, **properties: Any) -> list[str]:
    made = web.post(f"{OBJECTS}/{kind}/batch/create", json={"inputs": [{"properties": properties}] * count})
    assert made.status_code == 201, made.text
    return [one["id"] for one in made.json["results"]]


def linked(web: Any, kind: str, ident: str, to: str) -> dict[int, list[int]]:
    """Linked ids with their association types."""
    found = web.get(f"/crm/v4/objects/{kind}/{ident}/associations/{to}")
    assert found.status_code == 200, found.text
    return {one["toObjectId"]: [each["typeId"] for each in one["associationTypes"]] for one in found.json["results"]}


def test_single_links(web: Any) -> None:
    (contact,), (company, second) = make(web, "contacts"), make(web, "companies", 2)
    path = f"/crm/v4/objects/contacts/{contact}/associations"
    assert web.get(f"{path}/companies").json == {"results": []}
    done = web.put(f"{path}/default/companies/{company}", content_type="application/json")
    assert done.status_code == 200, done.text
    assert done.json["status"] == "COMPLETE"
    assert done.json["results"] == [
        {"from": {"id": contact}, "to": {"id": company}, "associationSpec": spec(279)},
        {"from": {"id": company}, "to": {"id": contact}, "associationSpec": spec(280)},
    ]
    assert linked(web, "contacts", contact, "companies") == {int(company): [279, 1]}
    assert linked(web, "0-2", company, "contact") == {int(contact): [280, 2]}
    done = web.put(f"{path}/company/{second}", json=[spec(1)])
    assert (done.status_code, done.json) == (
        201,
        {
            "fromObjectTypeId": "0-1", "fromObjectId": int(contact), "toObjectTypeId": "0-2",
            "toObjectId": int(second), "labels": ["Primary"],
        },
    )  # fmt: skip
    assert linked(web, "contacts", contact, "companies") == {int(company): [279], int(second): [279, 1]}
    shown = web.get(f"{OBJECTS}/contacts/{contact}?associations=companies,deals&associations=nothing").json
    assert shown["associations"] == {
        "companies": {
            "results": [
                {"id": company, "type": "contact_to_company_unlabeled"},
                {"id": second, "type": "contact_to_company"},
                {"id": second, "type": "contact_to_company_unlabeled"},
            ]
        }
    }
    assert web.get(f"{path}/deals").json == {"results": []}
    assert web.delete(f"{path}/companies/{company}").status_code == 204
    assert web.delete(f"{path}/companies/{company}").status_code == 204
    assert web.delete(f"{path}/companies/999999").status_code == 204
    assert list(linked(web, "contacts", contact, "companies")) == [int(second)]


def test_paging(web: Any) -> None:
    (company,), contacts = make(web, "companies"), make(web, "contacts", 5)
    inputs = [{"from": {"id": company}, "to": {"id": one}} for one in contacts]
    done = web.post(f"{V4}/companies/contacts/batch/associate/default", json={"inputs": inputs})
    assert (done.status_code, len(done.json["results"])) == (200, 10)
    path, seen = f"/crm/v4/objects/companies/{company}/associations/contacts?limit=2", []
    while path:
        page = web.get(path).json
        seen += [str(one["toObjectId"]) for one in page["results"]]
        following = page.get("paging", {}).get("next", {})
        assert following.get("after", "0").isdigit()
        path = following.get("link", "").removeprefix(web.application.extensions["crm"].settings.base_url)
    assert seen == contacts
    found = web.post(
        f"{V4}/companies/contacts/batch/read", json={"inputs": [{"id": company, "after": contacts[2]}]}
    ).json
    assert [one["toObjectId"] for one in found["results"][0]["to"]] == [int(one) for one in contacts[3:]]
    assert web.get(f"/crm/v4/objects/companies/{company}/associations/contacts?limit=501").status_code == 400
    old = web.get(f"/crm/v3/objects/companies/{company}/associations/contacts?limit=1").json
    assert [one["type"] for one in old["results"]] == ["company_to_contact", "company_to_contact_unlabeled"]
    assert "/crm/v3/objects/companies/" in old["paging"]["next"]["link"]


def test_lists_show_links_of_every_record(web: Any) -> None:
    one, _ = make(web, "contacts", 2)
    companies = make(web, "companies", 3)
    inputs = [{"from": {"id": one}, "to": {"id": each}} for each in companies]
    web.post(f"{V4}/contacts/companies/batch/associate/default", json={"inputs": inputs})
    found = web.get(f"{OBJECTS}/contacts?associations=companies&limit=2&after={int(one) - 1}").json["results"]
    assert {entry["id"] for entry in found[0]["associations"]["companies"]["results"]} == set(companies)
    assert found[1]["associations"] == {}
    counts = set()
    for limit in (100, 1):
        with web.application.extensions["crm"].db.counted() as statements:
            web.get(f"{OBJECTS}/contacts?associations=companies&limit={limit}")
        counts.add(len(own(statements)))
    assert len(counts) == 1
    assert "associations" not in web.get(f"{OBJECTS}/contacts?limit=1").json["results"][0]


def test_create_with_links(web: Any) -> None:
    company, second = make(web, "companies", 2)
    body = {
        "properties": {"firstname": "Ada"},
        "associations": [
            {"to": {"id": company}, "types": [spec(279)]},
            {"to": {"id": int(second)}, "types": [spec(1), spec(279)]},
        ],
    }
    made = web.post(f"{OBJECTS}/contacts", json=body)
    assert made.status_code == 201, made.text
    assert linked(web, "contacts", made.json["id"], "companies") == {int(company): [279], int(second): [279, 1]}
    body["associations"][0]["to"]["id"] = "999999"
    refused = web.post(f"{OBJECTS}/contacts", json=body)
    assert (refused.status_code, refused.json["context"]["ids"]) == (404, ["999999"])
    body["associations"][0] = {"to": {"id": company}, "types": [spec(97)]}
    refused = web.post(f"{OBJECTS}/contacts", json=body)
    assert refused.status_code == 400
    assert "feedback_submissions" in refused.json["message"]
    good = {"properties": {"firstname": "Eva"}, "associations": [{"to": {"id": company}, "types": [spec(279)]}]}
    bad = {**good, "associations": [{"to": {"id": "999999"}, "types": [spec(279)]}]}
    assert web.post(f"{OBJECTS}/contacts/batch/create", json={"inputs": [good, bad]}).status_code == 404
    traced = [{**one, "objectWriteTraceId": str(n)} for n, one in enumerate((good, bad))]
    done = web.post(f"{OBJECTS}/contacts/batch/create", json={"inputs": traced})
    assert (done.status_code, len(done.json["results"]), done.json["numErrors"]) == (207, 1, 1)
    assert done.json["errors"][0]["context"]["objectWriteTraceId"] == ["1"]
    ident = done.json["results"][0]["id"]
    assert linked(web, "contacts", ident, "companies") == {int(company): [279, 1]}
    more = {"id": ident, "properties": {}, "associations": [{"to": {"id": second}, "types": [spec(279)]}]}
    assert web.post(f"{OBJECTS}/contacts/batch/update", json={"inputs": [more]}).status_code == 200
    assert set(linked(web, "contacts", ident, "companies")) == {int(company), int(second)}


def test_batches(web: Any) -> None:
    contacts, (company,) = make(web, "contacts", 3), make(web, "companies")
    inputs = [
        {"from": {"id": one}, "to": {"id": company}, "types": [spec(ident)]}
        for one, ident in zip(contacts[:2], (1, 279), strict=True)
    ]
    done = web.post(f"{V4}/contacts/companies/batch/create", json={"inputs": inputs})
    assert (done.status_code, [one["labels"] for one in done.json["results"]]) == (201, [["Primary"], ["Primary"]])
    lost = {**inputs[0], "to": {"id": "999999"}}
    done = web.post(f"{V4}/contacts/companies/batch/create", json={"inputs": [lost, inputs[0]]})
    assert (done.status_code, len(done.json["results"]), done.json["numErrors"]) == (207, 1, 1)
    assert done.json["errors"][0]["context"]["toObjectId"] == ["999999"]
    read = {"inputs": [{"id": one} for one in contacts]}
    found = web.post(f"{V4}/contacts/companies/batch/read", json=read)
    assert found.status_code == 207
    assert [one["from"]["id"] for one in found.json["results"]] == contacts[:2]
    (error,) = found.json["errors"]
    assert (error["subCategory"], error["category"]) == ("crm.associations.NO_ASSOCIATIONS_FOUND", "OBJECT_NOT_FOUND")
    assert error["context"]["fromObjectId"] == [contacts[2]]
    taken = {"inputs": [{"from": {"id": contacts[0]}, "to": {"id": company}, "types": [spec(1)]}]}
    assert web.post(f"{V4}/contacts/companies/batch/labels/archive", json=taken).status_code == 204
    assert linked(web, "contacts", contacts[0], "companies") == {int(company): [279]}
    gone = {"inputs": [{"from": {"id": contacts[0]}, "to": [{"id": company}, {"id": "5"}]}]}
    assert web.post(f"{V4}/contacts/companies/batch/archive", json=gone).status_code == 204
    assert linked(web, "contacts", contacts[0], "companies") == {}


def test_version_3(web: Any) -> None:
    contacts, (company,) = make(web, "contacts", 2), make(web, "companies")
    types = web.get(f"{V3}/company/contact/types").json["results"]
    assert {one["id"]: one["name"] for one in types} == {
        "280": "company_to_contact_unlabeled",
        "2": "company_to_contact",
    }
    inputs = [{"from": {"id": company}, "to": {"id": one}, "type": "company_to_contact_unlabeled"} for one in contacts]
    done = web.post(f"{V3}/companies/contacts/batch/create", json={"inputs": inputs})
    assert (done.status_code, done.json["results"]) == (201, inputs)
    found = web.post(f"{V3}/companies/contacts/batch/read", json={"inputs": [{"id": company}, {"id": company}]}).json
    assert [one["id"] for one in found["results"][0]["to"]] == [contacts[0], contacts[0], contacts[1], contacts[1]]
    primary = [{**inputs[0], "type": "COMPANY_TO_CONTACT"}]
    assert web.post(f"{V3}/companies/contacts/batch/archive", json={"inputs": primary}).status_code == 204
    assert linked(web, "companies", company, "contacts") == {int(contacts[0]): [280], int(contacts[1]): [280, 2]}
    assert web.post(f"{V3}/companies/contacts/batch/archive", json={"inputs": inputs}).status_code == 204
    assert linked(web, "companies", company, "contacts") == {}


def test_hierarchy(web: Any) -> None:
    parent, child, grandchild = make(web, "companies", 3)
    done = web.put(f"/crm/v4/objects/companies/{parent}/associations/companies/{child}", json=[spec(13)])
    assert (done.status_code, done.json["labels"]) == (201, ["Child company"])
    shown = web.get(f"{OBJECTS}/companies/{child}?associations=company").json["associations"]["companies"]["results"]
    assert [one["type"] for one in shown] == ["child_to_parent_company", "company_to_company"]
    assert (
        web.put(f"/crm/v4/objects/companies/{grandchild}/associations/0-2/{child}", json=[spec(14)]).status_code == 201
    )
    circle = web.put(f"/crm/v4/objects/companies/{grandchild}/associations/companies/{parent}", json=[spec(13)])
    assert (circle.status_code, circle.json["errors"][0]["code"]) == (400, "CIRCULAR_ASSOCIATION")
    itself = web.put(f"/crm/v4/objects/companies/{child}/associations/default/companies/{child}")
    assert itself.status_code == 400


def test_archiving_hides_links(web: Any) -> None:
    (contact,), (company,) = make(web, "contacts"), make(web, "companies")
    web.put(f"/crm/v4/objects/contacts/{contact}/associations/default/companies/{company}")
    assert web.delete(f"{OBJECTS}/companies/{company}").status_code == 204
    assert linked(web, "contacts", contact, "companies") == {}
    assert web.get(f"/crm/v4/objects/companies/{company}/associations/contacts").status_code == 404


def test_searching_by_links(web: Any) -> None:
    contacts, (company,) = make(web, "contacts", 2), make(web, "companies", name="Found by its contacts")
    web.put(f"/crm/v4/objects/contacts/{contacts[0]}/associations/default/companies/{company}")
    one = {"propertyName": "associations.company", "operator": "EQ", "value": company}
    found = web.post(f"{OBJECTS}/contacts/search", json={"filterGroups": [{"filters": [one]}]})
    assert found.status_code == 200, found.text
    assert [each["id"] for each in found.json["results"]] == [contacts[0]]
    by_name = {"propertyName": "company.name", "operator": "EQ", "value": "found by its contacts"}
    found = web.post(f"{OBJECTS}/contacts/search", json={"filters": [by_name]})
    assert [each["id"] for each in found.json["results"]] == [contacts[0]]


def test_labels_made_in_workspace(system: System, web: Any) -> None:
    labels = f"{V4}/contacts/companies/labels"
    workspace = system.client("workspace")
    found = workspace.get(labels).json["results"]
    assert found == [
        {"category": "HUBSPOT_DEFINED", "typeId": 279, "label": None},
        {"category": "HUBSPOT_DEFINED", "typeId": 1, "label": "Primary"},
    ]
    made = workspace.post(labels, json={"name": "adviser", "label": "Berät", "inverseLabel": "wird beraten"})
    assert made.status_code == 200, made.text
    ahead, back = made.json["results"]
    assert (ahead["category"], ahead["label"], back["label"]) == ("USER_DEFINED", "Berät", "wird beraten")
    assert back in workspace.get(f"{V4}/companies/contacts/labels").json["results"]
    (contact,), (company,) = make(web, "contacts"), make(web, "companies")
    path = f"/crm/v4/objects/contacts/{contact}/associations/companies/{company}"
    used = {"associationCategory": "USER_DEFINED", "associationTypeId": ahead["typeId"]}
    done = web.put(path, json=[used])
    assert (done.status_code, done.json["labels"]) == (201, ["Primary", "Berät"])
    shown = web.get(f"/crm/v4/objects/companies/{company}/associations/contacts").json["results"][0]
    assert {"category": "USER_DEFINED", "typeId": back["typeId"], "label": "wird beraten"} in shown["associationTypes"]
    change = {"associationTypeId": ahead["typeId"], "label": "Adviser"}
    assert workspace.put(labels, json=change).status_code == 204
    follow_relations(system)
    assert web.put(path, json=[used]).json["labels"] == ["Primary", "Adviser"]
    assert workspace.delete(f"{labels}/{ahead['typeId']}").status_code == 204
    assert ahead["typeId"] not in [one["typeId"] for one in workspace.get(labels).json["results"]]
    follow_relations(system)
    assert linked(web, "contacts", contact, "companies") == {int(company): [279, 1]}
    assert web.put(path, json=[used]).status_code == 400


def test_limits(system: System, web: Any) -> None:
    workspace = system.client("workspace")
    limits = f"{V4}/definitions/configurations/companies/contacts"
    wanted = {"inputs": [{"category": "HUBSPOT_DEFINED", "typeId": 280, "maxToObjectIds": 2}]}
    made = workspace.post(f"{limits}/batch/create", json=wanted)
    assert (made.status_code, made.json["results"][0]["userEnforcedMaxToObjectIds"]) == (201, 2)
    assert workspace.get(limits).json["results"] == [
        {"category": "HUBSPOT_DEFINED", "typeId": 280, "label": None, "userEnforcedMaxToObjectIds": 2}
    ]
    assert workspace.get(f"{V4}/definitions/configurations/all").json == workspace.get(limits).json
    follow_relations(system)
    (company,), contacts = make(web, "companies"), make(web, "contacts", 3)
    inputs = [{"from": {"id": company}, "to": {"id": one}} for one in contacts]
    done = web.post(f"{V4}/companies/contacts/batch/associate/default", json={"inputs": inputs})
    assert (done.status_code, done.json["errors"][0]["code"]) == (400, "LIMIT_EXCEEDED")
    labelled = {"inputs": [{**one, "types": [spec(280)]} for one in inputs]}
    done = web.post(f"{V4}/companies/contacts/batch/create", json=labelled)
    assert (done.status_code, len(done.json["results"])) == (207, 2)
    assert done.json["errors"][0]["errors"][0]["code"] == "LIMIT_EXCEEDED"
    wanted["inputs"][0]["maxToObjectIds"] = 3
    assert workspace.post(f"{limits}/batch/update", json=wanted).status_code == 200
    assert workspace.post(f"{limits}/batch/purge", json={"inputs": [{"typeId": 280}]}).status_code == 204
    assert workspace.get(limits).json == {"results": []}
    follow_relations(system)
    assert web.post(f"{V4}/companies/contacts/batch/associate/default", json={"inputs": inputs}).status_code == 200
