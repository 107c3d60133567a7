"""Single records and lists: what clients see of them."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from shared.service.links import LinkTo

URL = "/crm/v3/objects/contacts"


def make(client: FlaskClient, **properties: Any) -> str:
    answer = client.post(URL, json={"properties": properties})
    assert answer.status_code == 201, answer.json
    return str(answer.json["id"])


def test_create_answers_what_was_written_with_its_change_id(client: FlaskClient) -> None:
    answer = client.post(URL, json={"properties": {"firstname": "Ada"}, "unknown": 1})
    assert answer.status_code == 201
    assert answer.json == {
        "id": "1",
        "properties": {"firstname": "Ada", "hs_object_id": "1"},
        "createdAt": "2026-01-02T03:04:05.678Z",
        "updatedAt": "2026-01-02T03:04:05.678Z",
        "archived": False,
    }
    assert answer.headers["ETag"] == '"1"'
    assert answer.headers["X-Change-Id"] == "contacts/contact/1/1"


def test_a_create_without_properties_is_an_empty_record(client: FlaskClient) -> None:
    assert client.post(URL, json={"firstname": "flat"}).status_code == 201
    assert client.post(URL).status_code == 201


@pytest.mark.parametrize("spelling", ["contacts", "contact", "0-1"])
@pytest.mark.parametrize("version", ["v3", "v4"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_all_spellings_of_the_address(client: FlaskClient, spelling: str, version: str, slash: str) -> None:
    assert client.get(f"/crm/{version}/objects/{spelling}{slash}").json == {"results": []}


def test_read_update_archive(client: FlaskClient) -> None:
    number = make(client, firstname="Ada")
    changed = client.patch(f"{URL}/{number}", json={"properties": {"lastname": "L"}})
    assert (changed.status_code, changed.json["properties"]["lastname"]) == (200, "L")
    read = client.get(f"{URL}/{number}?properties=firstname,nothing&properties=lastname")
    assert read.json["properties"] == {"firstname": "Ada", "lastname": "L", "hs_object_id": number}
    for _ in range(2):
        gone = client.delete(f"{URL}/{number}")
        assert (gone.status_code, gone.data) == (204, b"")
    assert client.get(f"{URL}/{number}").status_code == 404
    archived = client.get(f"{URL}/{number}?archived=True").json
    assert (archived["archived"], archived["archivedAt"]) == (True, "2026-01-02T03:04:05.678Z")
    assert [one["id"] for one in client.get(f"{URL}?archived=true").json["results"]] == [number]


def test_by_another_unique_property(client: FlaskClient) -> None:
    number = make(client, email="a/b@example.org")
    for address in ("a%2Fb%40example.org", "a%2Fb@example.org"):
        assert client.get(f"{URL}/{address}?idProperty=email").json["id"] == number
    assert client.patch(f"{URL}/a%2Fb%40example.org?idProperty=email", json={}).status_code == 200
    assert client.get(f"{URL}/{number}?idProperty=hs_object_id").status_code == 200


def test_ids_with_a_slash_behind_them(client: FlaskClient) -> None:
    number = make(client, firstname="Ada")
    assert client.get(f"{URL}/{number}/").status_code == 200
    assert client.patch(f"{URL}/{number}/", json={}).status_code == 200
    assert client.delete(f"{URL}/{number}/").status_code == 204


@pytest.mark.parametrize(
    "number", ["abc", "-1", "1.5", "٣", "99999999999999999999", "9" * 5000, "1e3", " ", "0x1", "1/2"]
)
def test_what_is_no_id_is_not_found(client: FlaskClient, number: str) -> None:
    for answer in (client.get(f"{URL}/{number}"), client.patch(f"{URL}/{number}", json={})):
        assert answer.status_code == 404
        assert answer.json["category"] == "OBJECT_NOT_FOUND"


@pytest.mark.parametrize("version", ["v3", "v4"])
@pytest.mark.parametrize("number", ["abc", "-1", "77", "9" * 30])
def test_archiving_what_nothing_has_is_fine(client: FlaskClient, number: str, version: str) -> None:
    gone = client.delete(f"/crm/{version}/objects/contacts/{number}")
    assert (gone.status_code, gone.data) == (204, b"")


def test_pages_repeat_every_parameter(client: FlaskClient) -> None:
    for _ in range(3):
        make(client, firstname="Ada")
    first = client.get(f"{URL}?limit=2&properties=firstname&properties=a%26b&archived=False").json
    assert [one["id"] for one in first["results"]] == ["1", "2"]
    assert first["paging"]["next"] == {
        "after": "2",
        "link": f"https://crm.example.org{URL}?limit=2&properties=firstname&properties=a%26b&archived=False&after=2",
    }
    second = client.get(first["paging"]["next"]["link"].removeprefix("https://crm.example.org")).json
    assert [one["id"] for one in second["results"]] == ["3"]
    assert "paging" not in second


@pytest.mark.parametrize(
    "query",
    ["limit=101", "limit=0", "limit=-1", "limit=x", "limit=51&propertiesWithHistory=email", "after=x", "after=-1"],
)
def test_wrong_pages_are_refused(client: FlaskClient, query: str) -> None:
    answer = client.get(f"{URL}?{query}")
    assert (answer.status_code, answer.json["category"]) == (400, "VALIDATION_ERROR")


def test_history(client: FlaskClient) -> None:
    number = make(client, firstname="x")
    history = client.get(f"{URL}/{number}?propertiesWithHistory=firstname").json["propertiesWithHistory"]
    assert history == {
        "firstname": [
            {
                "value": "x",
                "timestamp": "2026-01-02T03:04:05.678Z",
                "sourceType": "API",
                "sourceId": "token-1",
                "sourceLabel": "7",
                "updatedByUserId": 7,
            }
        ]
    }


def test_wrong_values_are_listed_in_the_message(client: FlaskClient) -> None:
    answer = client.post(URL, json={"properties": {"firstname": "bad", "nope": "1"}})
    assert answer.status_code == 400
    assert answer.json["message"].startswith('Property values were not valid: [{"isValid":false,')
    assert [one["code"] for one in answer.json["errors"]] == ["PROPERTY_DOESNT_EXIST", "INVALID_OPTION"]
    assert answer.json["errors"][0]["context"]["propertyName"] == ["nope"]


def test_a_taken_address_is_a_conflict(client: FlaskClient) -> None:
    number = make(client, email="a@example.org")
    answer = client.post(URL, json={"properties": {"email": "a@example.org"}})
    assert answer.status_code == 409
    assert answer.json["message"] == f"Contact already exists. Existing ID: {number}"


def test_a_change_can_be_tied_to_a_version(client: FlaskClient, service: Any) -> None:
    number = make(client, firstname="Ada")
    client.patch(f"{URL}/{number}", json={}, headers={"If-Match": '"1"'})
    assert service.entities.asked[-1][1][0][0].expected_version == 1
    assert client.patch(f"{URL}/{number}", json={}, headers={"If-Match": '"1", "2"'}).status_code == 400


def test_links_on_create_are_handed_down(client: FlaskClient, service: Any) -> None:
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": ident} for ident in (279, 1)]
    body = {"properties": {}, "associations": [{"to": {"id": 9}, "types": types}]}
    assert client.post(URL, json=body).status_code == 201
    (draft,) = service.entities.asked[-1][1][0]
    assert draft.links == (LinkTo("company", 9, (1,)),)
    assert client.post(URL, json={"properties": {}, "associations": []}).status_code == 201
    for wrong in ([], [{"associationTypeId": 280}], [{"associationTypeId": 279}, {"associationTypeId": 4}]):
        answer = client.post(URL, json={"properties": {}, "associations": [{"to": {"id": "9"}, "types": wrong}]})
        assert (answer.status_code, answer.json["errors"][0]["in"]) == (400, "associations[0].types")


def test_strangers_are_refused(client: FlaskClient) -> None:
    answer = client.get(URL, headers={"Authorization": "Bearer bad"})
    assert (answer.status_code, answer.json["category"]) == (401, "INVALID_AUTHENTICATION")
