"""Merging through the doors of real services: shapes, refusals, rights, and what the log tells of it."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from flask.testing import FlaskClient

from shared.bus.feed import Feed
from shared.contracts.event import ARCHIVED, MERGED, RESTORED, UNMERGED
from tests.integration.service.conftest import System

CONTACTS = "/api/v1/objects/contacts"
DIALECT = "/crm/v3/objects/contacts"


@pytest.fixture
def contacts(system: System) -> FlaskClient:
    """Contacts, for the administrator."""
    return system.client("contacts")


@pytest.fixture
def word() -> str:
    """Something nobody else has."""
    return f"w{uuid.uuid4().hex[:10]}"


def make(client: FlaskClient, **values: object) -> str:
    answer = client.post(CONTACTS, json={"values": values})
    assert answer.status_code == 201, answer.json
    return str(answer.json["id"])


def events(system: System) -> list[Any]:
    """All events of contacts, oldest first."""
    after, found = "start", []
    while True:
        page = Feed(system.runtime("contacts").db).read(after).page()
        found += page.events
        after = str(page.next)
        if page.up_to_date:
            return found


def test_the_dialect_answers_the_survivor(contacts: FlaskClient, word: str) -> None:
    a = make(contacts, email=f"{word}@x.test", first_name="Ada")
    b = make(contacts, email=f"b{word}@x.test", last_name="Byron")
    answer = contacts.post(DIALECT + "/merge", json={"primaryObjectId": a, "objectIdToMerge": b})
    assert answer.status_code == 200
    assert answer.json["id"] == a
    names = "firstname,lastname,hs_merged_object_ids,hs_additional_emails"
    for ident in (a, b):
        read = contacts.get(f"{DIALECT}/{ident}?properties={names}&propertiesWithHistory=lastname").json
        assert read["id"] == a
        properties = read["properties"]
        assert (properties["firstname"], properties["lastname"]) == ("Ada", "Byron")
        assert (properties["hs_merged_object_ids"], properties["hs_additional_emails"]) == (b, f"b{word}@x.test")
        assert read["propertiesWithHistory"]["lastname"][0]["sourceType"] == "MERGE_OBJECTS"
    found = contacts.get(f"{DIALECT}/b{word}%40x.test?idProperty=email")
    assert found.json["id"] == a
    taken = contacts.post(DIALECT, json={"properties": {"email": f"B{word}@x.test"}})
    assert taken.status_code == 409
    assert taken.json["message"] == f"Contact already exists. Existing ID: {a}"
    again = contacts.post(DIALECT + "/merge", json={"primaryObjectId": a, "objectIdToMerge": b})
    assert (again.status_code, again.json["id"]) == (200, a)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"primaryObjectId": "{a}"}, 400),
        ({"primaryObjectId": "{a}", "objectIdToMerge": "{a}"}, 400),
        ({"primaryObjectId": "{a}", "objectIdToMerge": "999999999999"}, 404),
        ({"primaryObjectId": "x", "objectIdToMerge": "{a}"}, 404),
        ({"primaryObjectId": ["1"], "objectIdToMerge": {}}, 400),
    ],
)
def test_the_dialect_refuses(contacts: FlaskClient, word: str, body: dict[str, Any], status: int) -> None:
    a = make(contacts, first_name=word)
    filled = {name: one.replace("{a}", a) if isinstance(one, str) else one for name, one in body.items()}
    answer = contacts.post(DIALECT + "/merge", json=filled)
    assert answer.status_code == status
    assert answer.json["category"] in ("VALIDATION_ERROR", "OBJECT_NOT_FOUND")


def test_the_native_door_previews_merges_and_undoes(contacts: FlaskClient, word: str) -> None:
    a = make(contacts, email=f"{word}@x.test", first_name="Ada", company="X")
    b = make(contacts, email=f"b{word}@x.test", last_name="Byron", company="Longer name")
    body: dict[str, Any] = {"absorb": [b], "rules": {"*": "fill", "company": "longest", "first_name": {"from": b}}}
    preview = contacts.post(f"{CONTACTS}/{a}/merge", json={**body, "preview": True})
    assert preview.status_code == 200
    assert contacts.get(f"{CONTACTS}/{b}").json["id"] == b
    merged = contacts.post(f"{CONTACTS}/{a}/merge", json=body)
    told = merged.json["merge"]
    assert {**told, "id": None} == preview.json["merge"]
    assert told["sources"]["company"] == b
    assert told["unique_values"] == [{"attribute": "email", "value": f"b{word}@x.test", "from": b}]
    assert merged.json["values"]["company"] == "Longer name"
    assert merged.json["values"]["first_name"] is None
    assert merged.headers["ETag"] == '"2"'
    listed = contacts.get(f"{CONTACTS}/{b}/merges").json["results"]
    assert [(one["id"], one["absorbed"], one["undone"]) for one in listed] == [(told["id"], [b], False)]
    undone = contacts.post(f"{CONTACTS}/{a}/unmerge", json={"merge": told["id"]})
    assert undone.status_code == 200
    assert [one["id"] for one in undone.json["restored"]] == [b]
    assert undone.json["restored"][0]["values"]["company"] == "Longer name"
    assert undone.json["entity"]["values"]["first_name"] == "Ada"
    assert undone.json["kept"] == []
    assert contacts.post(f"{CONTACTS}/{a}/unmerge", json={}).status_code == 404
    assert contacts.get(f"{CONTACTS}/{a}/merges").json["results"][0]["undone"] is True


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"absorb": "1"},
        {"absorb": [], "rules": {}},
        {"absorb": ["{b}"], "rules": {"email": "best"}},
        {"absorb": ["{b}"], "rules": {"email": {"from": "1", "also": 2}}},
        {"absorb": ["{b}"], "rules": []},
        {"absorb": ["{b}", "{b}"]},
        {"absorb": ["{b}"], "survivor": "1"},
    ],
)
def test_the_native_door_is_strict(contacts: FlaskClient, word: str, body: dict[str, Any]) -> None:
    a, b = make(contacts, first_name=word), make(contacts, first_name=word)
    if isinstance(body.get("absorb"), list):
        body = {**body, "absorb": [one.replace("{b}", b) for one in body["absorb"]]}
    answer = contacts.post(f"{CONTACTS}/{a}/merge", json=body)
    assert answer.status_code == 400, answer.json
    assert contacts.get(f"{CONTACTS}/{b}").json["id"] == b


def test_the_log_tells_every_version_and_where_values_come_from(system: System, word: str) -> None:
    contacts = system.client("contacts")
    a = make(contacts, first_name="Ada")
    b = make(contacts, last_name=word)
    firm = contacts.post("/api/v1/objects/companies", json={"values": {"name": word}}).json["id"]
    linked = contacts.put(f"/crm/v4/objects/contacts/{b}/associations/default/companies/{firm}")
    assert linked.status_code == 200
    merge = contacts.post(f"{CONTACTS}/{a}/merge", json={"absorb": [b]}).json["merge"]["id"]
    contacts.post(f"{CONTACTS}/{a}/unmerge", json={})
    told = [one for one in events(system) if one.entity_type == "contact" and str(one.entity_id) in (a, b)]
    by_kind = {one.kind: one for one in told}
    merged = by_kind[MERGED]
    assert (str(merged.entity_id), merged.version, merged.source) == (a, 2, "MERGE_OBJECTS")
    assert merged.detail["merge"] == merge
    assert merged.detail["absorbed"] == [{"id": b, "version": 2}]
    assert b in merged.detail["sources"].values()
    assert [279, 280, b, firm, True] in merged.detail["links"]
    assert [new for _, new in merged.changed.values()].count(word) == 1
    assert by_kind[UNMERGED].detail["restored"] == [{"id": b, "version": 3}]
    assert by_kind[UNMERGED].detail["links"] == merged.detail["links"]
    for ident in (a, b):
        mine = [one for one in told if str(one.entity_id) == ident and one.kind != "link"]
        assert [one.version for one in mine] == list(range(1, len(mine) + 1))
    assert [one.kind for one in told if str(one.entity_id) == b][-2:] == [ARCHIVED, RESTORED]


def test_merging_needs_the_right_to_write(system: System, word: str) -> None:
    workspace = system.client("workspace")
    made = workspace.post("/api/v1/tokens", json={"name": word, "scopes": ["crm.objects.contacts.read"]})
    reader = system.client("contacts", made.json["token"])
    contacts = system.client("contacts")
    a, b = make(contacts, first_name=word), make(contacts, first_name=word)
    for path, body in (("merge", {"absorb": [b]}), ("merge", {"absorb": [b], "preview": True}), ("unmerge", {})):
        assert reader.post(f"{CONTACTS}/{a}/{path}", json=body).status_code == 403
    wanted = {"primaryObjectId": a, "objectIdToMerge": b}
    assert reader.post(DIALECT + "/merge", json=wanted).status_code == 403
    assert reader.get(f"{CONTACTS}/{a}/merges").status_code == 200


def test_a_repeated_merge_is_carried_out_once(contacts: FlaskClient, word: str) -> None:
    a, b = make(contacts, first_name=word), make(contacts, first_name=word)
    headers = {"Idempotency-Key": word}
    answers = [contacts.post(f"{CONTACTS}/{a}/merge", json={"absorb": [b]}, headers=headers) for _ in range(2)]
    assert answers[0].data == answers[1].data
    assert len(contacts.get(f"{CONTACTS}/{a}/merges").json["results"]) == 1


def test_companies_gather_their_domains(contacts: FlaskClient, word: str) -> None:
    path = "/crm/v3/objects/companies"
    ids = [
        contacts.post(path, json={"properties": {"name": word, "domain": f"{n}.{word}.test"}}).json["id"]
        for n in range(3)
    ]
    for other in ids[1:]:
        contacts.post(path + "/merge", json={"primaryObjectId": ids[0], "objectIdToMerge": other})
    found = contacts.get(f"{path}/{ids[2]}?properties=hs_additional_domains,hs_merged_object_ids").json["properties"]
    assert found["hs_additional_domains"] == f"1.{word}.test;2.{word}.test"
    assert found["hs_merged_object_ids"] == ";".join(ids[1:])
