"""The rules that break real clients when missed, over plain HTTP: statuses, slashes, booleans, lists, pages, JSON."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

CONTACTS = "/crm/v3/objects/contacts"
ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def make(http: httpx.Client, **properties: Any) -> dict[str, Any]:
    answer = http.post(CONTACTS, json={"properties": properties})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", CONTACTS, {"properties": {}}, 201),
        ("GET", CONTACTS, None, 200),
        ("GET", "/crm/v4/objects/contacts", None, 200),
        ("POST", f"{CONTACTS}/search", {}, 200),
        ("POST", f"{CONTACTS}/batch/create", {"inputs": [{"properties": {}}]}, 201),
        ("POST", f"{CONTACTS}/batch/create", {"inputs": []}, 201),
        ("POST", f"{CONTACTS}/batch/read", {"inputs": []}, 200),
        ("POST", f"{CONTACTS}/batch/update", {"inputs": []}, 200),
        ("POST", f"{CONTACTS}/batch/upsert", {"inputs": []}, 200),
        ("POST", f"{CONTACTS}/batch/archive", {"inputs": []}, 204),
        ("POST", f"{CONTACTS}/batch/archive", {"inputs": [{"id": "999999999"}]}, 204),
        ("POST", f"{CONTACTS}/batch/read", {"inputs": [{"id": "999999999"}]}, 207),
        ("POST", f"{CONTACTS}/batch/update", {"inputs": [{"id": "999999999", "properties": {}}]}, 207),
        ("DELETE", f"{CONTACTS}/999999999", None, 204),
        ("GET", "/crm/v3/owners", None, 200),
        ("GET", "/crm/v3/owners/", None, 200),
        ("GET", "/crm/v3/properties/contacts", None, 200),
        ("GET", "/crm/v3/properties/companies/groups", None, 200),
        ("GET", "/crm-object-schemas/v3/schemas", None, 200),
        ("GET", "/crm/v3/schemas", None, 200),
        ("GET", "/crm/v3/schemas/contacts", None, 200),
        ("GET", "/account-info/v3/details", None, 200),
        ("GET", "/crm/objects/2026-03/contacts", None, 200),
        ("POST", "/crm/objects/2026-03/0-1/search", {}, 200),
        ("GET", "/crm/properties/2026-03/companies/name", None, 200),
        ("GET", "/crm/owners/2026-03/", None, 200),
        ("GET", "/crm-object-schemas/2026-03/schemas", None, 200),
        ("GET", "/account-info/2026-03/details", None, 200),
    ],
)
@pytest.mark.parametrize("slash", [False, True])
def test_exact_statuses_with_and_without_a_slash(
    http: httpx.Client, method: str, path: str, body: Any, status: int, slash: bool
) -> None:
    address = path.rstrip("/") + "/" * slash
    answer = http.request(method, address, json=body) if body is not None else http.request(method, address)
    assert answer.status_code == status, answer.text
    if status == 204:
        assert answer.content == b""
    else:
        assert answer.headers["content-type"] == "application/json"


def test_a_record_in_full(http: httpx.Client, unique: str) -> None:
    made = http.post(
        CONTACTS, json={"properties": {"firstname": unique, "annualrevenue": 12.5, "hs_email_optout": True}}
    )
    body = made.json()
    assert body.keys() == {"id", "properties", "createdAt", "updatedAt", "archived"}
    assert body["id"].isdigit()
    assert ISO.fullmatch(body["createdAt"])
    assert body["createdAt"] == body["properties"]["createdate"]
    assert body["updatedAt"] == body["properties"]["lastmodifieddate"]
    assert body["properties"]["annualrevenue"] == "12.5"
    assert body["properties"]["hs_email_optout"] == "true"
    assert all(value is None or isinstance(value, str) for value in body["properties"].values())
    assert made.headers["X-Change-Id"] == f"contacts/contact/{body['id']}/1"
    changed = http.patch(f"{CONTACTS}/{body['id']}", json={"properties": {"city": "X"}})
    assert (changed.headers["ETag"], changed.json()["properties"].keys()) == (
        '"2"', {"city", "createdate", "hs_object_id", "lastmodifieddate"},
    )  # fmt: skip


@pytest.mark.parametrize("word", ["True", "true", "TRUE"])
def test_booleans_in_any_case(http: httpx.Client, word: str) -> None:
    made = make(http)
    http.delete(f"{CONTACTS}/{made['id']}")
    assert http.get(f"{CONTACTS}/{made['id']}?archived={word}").json()["archived"] is True
    assert http.get(f"{CONTACTS}/{made['id']}?archived={word.replace('rue', 'alse').replace('RUE', 'ALSE')}").is_error


def test_lists_repeated_and_joined(http: httpx.Client) -> None:
    made = make(http, firstname="A", city="B")
    query = "properties=firstname,city&properties=state&properties=no_such,zip&properties=hs_object_id"
    assert http.get(f"{CONTACTS}/{made['id']}?{query}").json()["properties"] == {
        "firstname": "A",
        "city": "B",
        "state": None,
        "zip": None,
        "hs_object_id": made["id"],
        "createdate": made["createdAt"],
        "lastmodifieddate": made["updatedAt"],
    }


def test_links_lead_on_as_they_are(http: httpx.Client, unique: str) -> None:
    made = [make(http, firstname=unique)["id"] for _ in range(5)]
    start = int(made[0]) - 1
    link = f"{http.base_url}{CONTACTS}?limit=2&properties=firstname,city&archived=False&after={start}"
    pages: list[list[str]] = []
    while link:
        page = http.get(link).json()
        pages.append([one["id"] for one in page["results"]])
        following = page.get("paging", {}).get("next")
        link = following["link"] if following else ""
        if following:
            assert following["after"] == pages[-1][-1]
            assert urlsplit(link).query.startswith("limit=2&properties=firstname%2Ccity&archived=False&after=")
    ids = [one for page in pages for one in page]
    assert ids[:5] == made
    assert len(ids) == len(set(ids))


def test_a_json_content_type_without_a_body(http: httpx.Client) -> None:
    assert http.post(CONTACTS, headers={"Content-Type": "application/json"}).status_code == 201


def test_unknown_fields_are_ignored(http: httpx.Client) -> None:
    assert http.post(CONTACTS, json={"firstname": "flat", "objectWriteTraceId": "x"}).status_code == 201


def test_clearing(http: httpx.Client) -> None:
    made = make(http, firstname="A", lastname="B", lifecyclestage="lead", hs_email_optout="true")
    clear = {"firstname": "", "lastname": None, "lifecyclestage": "", "hs_email_optout": None}
    changed = http.patch(f"{CONTACTS}/{made['id']}", json={"properties": clear}).json()["properties"]
    assert {name: changed[name] for name in clear} == dict.fromkeys(clear)
    read = http.get(f"{CONTACTS}/{made['id']}?properties={','.join(clear)}").json()["properties"]
    assert {name: read[name] for name in clear} == dict.fromkeys(clear)


def test_history_of_a_list_page(http: httpx.Client, unique: str) -> None:
    made = make(http, firstname=unique)
    after = int(made["id"]) - 1
    page = http.get(f"{CONTACTS}?after={after}&limit=50&propertiesWithHistory=firstname,no_such&properties=city").json()
    history = page["results"][0]["propertiesWithHistory"]
    assert history.keys() == {"firstname"}
    assert history["firstname"][0]["value"] == unique
    assert ISO.fullmatch(history["firstname"][0]["timestamp"])


@pytest.mark.parametrize(
    "path",
    [
        "/properties/v2/contacts/properties",
        "/properties/v1/companies/properties",
        "/companies/v2/properties",
        "/properties/v2/0-1/properties",
    ],
)
def test_bare_lists_of_definitions(http: httpx.Client, path: str) -> None:
    found = http.get(path).json()
    assert isinstance(found, list)
    needed = {"description", "fieldType", "groupName", "label", "name", "options", "type"}
    assert all(needed <= one.keys() for one in found)
    assert "hs_object_id" in {one["name"] for one in found}


def test_the_account(http: httpx.Client) -> None:
    found = http.get("/account-info/v3/details").json()
    assert isinstance(found["portalId"], int)
    assert found.keys() >= {"accountType", "timeZone", "companyCurrency", "uiDomain", "utcOffset"}


def test_records_of_a_custom_type_by_all_its_names(http: httpx.Client, car: str) -> None:
    wire = http.get(f"/crm/v3/schemas/{car}").json()["objectTypeId"]
    made = http.post(f"/crm/v3/objects/{wire}", json={"properties": {"model": "T"}}).json()
    for name in (car, f"p_{car}", f"p1_{car}", f"p77_{car}", wire):
        assert http.get(f"/crm/v3/objects/{name}/{made['id']}").json()["properties"]["model"] == "T"
        found = http.post(f"/crm/v3/objects/{name}/search", json={"query": "t"})
        assert found.json()["total"] >= 1


def test_a_property_is_usable_at_once_everywhere(http: httpx.Client, unique: str) -> None:
    body = {"name": unique, "label": unique, "type": "number", "fieldType": "number", "groupName": "contactinformation"}
    assert http.post("/crm/v3/properties/contacts", json=body).status_code == 201
    made = make(http, **{unique: "007.50"})
    assert made["properties"][unique] == "7.5"
    found = http.post(f"{CONTACTS}/search", json={
        "filters": [{"propertyName": unique, "operator": "BETWEEN", "value": 7, "highValue": 8}],
        "properties": [unique], "sorts": [f"-{unique}"],
    }).json()  # fmt: skip
    assert [one["properties"][unique] for one in found["results"]] == ["7.5"]
