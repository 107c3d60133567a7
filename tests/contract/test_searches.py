"""Searches through the official SDK and in the forms that other clients send."""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import hubspot.crm.contacts as contacts
import pytest

URL = "/crm/v3/objects/contacts/search"


@pytest.fixture(scope="module")
def word(sdk: Any) -> str:
    """Five contacts under one last name: a, b, c, d, e with revenues 10, 20 .. and one without."""
    found = f"y{uuid.uuid4().hex[:10]}"
    rows = [
        {
            "lastname": found,
            "firstname": name,
            "email": f"{name}.{found}@example.org",
            "lifecyclestage": "lead" if name in "ab" else "customer",
            "closedate": f"2024-01-0{number + 1}T12:00:00Z",
            **({"city": "New Delhi"} if name != "e" else {}),
        }
        for number, name in enumerate("abcde")
    ]
    inputs = [contacts.SimplePublicObjectBatchInputForCreate(properties=one) for one in rows]
    sdk.crm.contacts.batch_api.create(contacts.BatchInputSimplePublicObjectBatchInputForCreate(inputs=inputs))
    return found


def ask(http: httpx.Client, word: str, *filters: dict[str, Any], **more: Any) -> Any:
    mine = {"propertyName": "lastname", "operator": "EQ", "value": word}
    body = {"filterGroups": [{"filters": [mine, *filters]}], "properties": ["firstname"], **more}
    answer = http.post(URL, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def names(found: Any) -> str:
    return "".join(one["properties"]["firstname"] for one in found["results"])


def test_by_the_sdk(sdk: Any, word: str) -> None:
    where = contacts.Filter(property_name="lastname", operator="EQ", value=word.upper())
    request = contacts.PublicObjectSearchRequest(
        filter_groups=[contacts.FilterGroup(filters=[where])],
        sorts=["-firstname"],
        properties=["firstname"],
        limit=2,
        after="0",
    )
    first = sdk.crm.contacts.search_api.do_search(request)
    assert (first.total, first.paging.next.after) == (5, "2")
    assert [one.properties["firstname"] for one in first.results] == ["e", "d"]
    request.after = first.paging.next.after
    second = sdk.crm.contacts.search_api.do_search(request)
    request.after = second.paging.next.after
    last = sdk.crm.contacts.search_api.do_search(request)
    assert [one.properties["firstname"] for one in (*second.results, *last.results)] == ["c", "b", "a"]
    assert last.paging is None


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"propertyName": "firstname", "operator": "EQ", "value": "A"}, "a"),
        ({"propertyName": "firstname", "operator": "NEQ", "value": "a"}, "bcde"),
        ({"propertyName": "firstname", "operator": "IN", "values": ["a", "C"]}, "ac"),
        ({"propertyName": "firstname", "operator": "NOT_IN", "values": ["a", "c"]}, "bde"),
        ({"propertyName": "firstname", "operator": "GT", "value": "c"}, "de"),
        ({"propertyName": "firstname", "operator": "BETWEEN", "value": "b", "highValue": "d"}, "bcd"),
        ({"propertyName": "city", "operator": "HAS_PROPERTY"}, "abcd"),
        ({"propertyName": "city", "operator": "NOT_HAS_PROPERTY"}, "e"),
        ({"propertyName": "city", "operator": "NEQ", "value": "x"}, "abcd"),
        ({"propertyName": "city", "operator": "NOT_IN", "values": ["x"]}, "abcde"),
        ({"propertyName": "city", "operator": "CONTAINS_TOKEN", "value": "delhi"}, "abcd"),
        ({"propertyName": "city", "operator": "CONTAINS_TOKEN", "value": "del*"}, "abcd"),
        ({"propertyName": "city", "operator": "CONTAINS_TOKEN", "value": "del"}, ""),
        ({"propertyName": "city", "operator": "NOT_CONTAINS_TOKEN", "value": "delhi"}, "e"),
        ({"propertyName": "email", "operator": "CONTAINS_TOKEN", "value": "*@example.org"}, "abcde"),
        ({"propertyName": "lifecyclestage", "operator": "EQ", "value": "lead"}, "ab"),
        ({"propertyName": "lifecyclestage", "operator": "IN", "values": ["customer"]}, "cde"),
        ({"propertyName": "closedate", "operator": "GTE", "value": "2024-01-04T12:00:00.000Z"}, "de"),
        ({"propertyName": "closedate", "operator": "LT", "value": 1704196800000}, "a"),
        ({"propertyName": "closedate", "operator": "LT", "value": "1704196800000"}, "a"),
        ({"propertyName": "hs_object_id", "operator": "GT", "value": 0}, "abcde"),
    ],
)
def test_operators(http: httpx.Client, word: str, where: dict[str, Any], expected: str) -> None:
    found = ask(http, word, where, sorts=["firstname"])
    assert (names(found), found["total"]) == (expected, len(expected))


def test_groups_are_alternatives(http: httpx.Client, word: str) -> None:
    mine = {"propertyName": "lastname", "operator": "EQ", "value": word}
    groups = [
        {"filters": [mine, {"propertyName": "firstname", "operator": "EQ", "value": one}]} for one in ("a", "c", "z")
    ]
    body = {"filterGroups": groups, "properties": ["firstname"]}
    assert names(http.post(URL, json=body).json()) == "ac"


def test_filters_without_groups_and_numbers_as_after(http: httpx.Client, word: str) -> None:
    body = {
        "filters": [{"propertyName": "lastname", "operator": "EQ", "value": word}],
        "sorts": [{"propertyName": "firstname", "direction": "DESCENDING"}],
        "properties": ["firstname"],
        "limit": 2,
        "after": 2,
    }
    found = http.post(URL, json=body).json()
    assert (names(found), found["total"], found["paging"]["next"]["after"]) == ("cb", 5, "4")


def test_free_text(http: httpx.Client, word: str) -> None:
    def count(query: str) -> int:
        return int(http.post(URL, json={"query": query}).json()["total"])

    assert count(word) == 5
    assert count(word[2:8].upper()) == 5
    assert count(f"{word} a.{word}@example.org") == 1
    assert count(f"{word} nothing-like-this") == 0


def test_defaults(http: httpx.Client, word: str) -> None:
    mine = {"propertyName": "lastname", "operator": "EQ", "value": word}
    found = http.post(URL, json={"filterGroups": [{"filters": [mine]}]}).json()
    assert set(found["results"][0]["properties"]) == {
        "createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname",
    }  # fmt: skip
    ids = [int(one["id"]) for one in found["results"]]
    assert ids == sorted(ids)
    assert http.post(URL, json={}).json()["total"] >= 5
    assert len(http.post(URL).json()["results"]) <= 10


def test_pages_of_any_depth(http: httpx.Client, word: str) -> None:
    found = ask(http, word, after="12000")
    assert (found["results"], found["total"], "paging" in found) == ([], 5, False)


def test_archived_records_are_not_found(http: httpx.Client, word: str) -> None:
    made = http.post("/crm/v3/objects/contacts", json={"properties": {"lastname": f"{word}gone"}}).json()
    where = {"filters": [{"propertyName": "lastname", "operator": "EQ", "value": f"{word}gone"}]}
    assert http.post(URL, json=where).json()["total"] == 1
    http.delete(f"/crm/v3/objects/contacts/{made['id']}")
    assert http.post(URL, json=where).json()["total"] == 0
