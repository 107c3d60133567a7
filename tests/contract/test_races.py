"""Many clients at once: what is unique stays unique, pages neither skip nor repeat, nothing is lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from tests.contract.serving import System

CONTACTS = "/crm/v3/objects/contacts"


def together(system: System, count: int, run: Any) -> list[Any]:
    """`run(client, number)` from as many threads at once, each with a client of its own."""

    def one(number: int) -> Any:
        with httpx.Client(base_url=system.url, headers=system.headers, trust_env=False, timeout=60) as client:
            return run(client, number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_one_address_is_given_once(system: System, unique: str) -> None:
    def make(client: httpx.Client, number: int) -> httpx.Response:
        address = f"{unique if number % 2 else unique.upper()}@example.org"
        return client.post(CONTACTS, json={"properties": {"email": address}})

    answers = together(system, 12, make)
    made = [one.json()["id"] for one in answers if one.status_code == 201]
    refused = [one.json() for one in answers if one.status_code == 409]
    assert (len(made), len(refused)) == (1, 11)
    assert {one["message"] for one in refused} == {f"Contact already exists. Existing ID: {made[0]}"}


def test_upserts_of_one_address_make_one_record(system: System, unique: str) -> None:
    def upsert(client: httpx.Client, number: int) -> httpx.Response:
        one = {"id": f"{unique}@example.org", "idProperty": "email", "properties": {"firstname": str(number)}}
        return client.post(f"{CONTACTS}/batch/upsert", json={"inputs": [one]})

    answers = together(system, 12, upsert)
    # Whoever loses the race for a new record may be told so, but never makes a second one.
    done = [one.json()["results"][0] for one in answers if one.status_code == 200]
    assert {one.status_code for one in answers} <= {200, 409}
    assert len({one["id"] for one in done}) == 1
    assert sum(one["new"] for one in done) == 1


def test_no_change_is_lost(system: System, http: httpx.Client) -> None:
    made = http.post(CONTACTS, json={"properties": {}}).json()["id"]
    names = ["firstname", "lastname", "city", "state", "zip", "company", "address", "jobtitle"]

    def change(client: httpx.Client, number: int) -> int:
        return client.patch(f"{CONTACTS}/{made}", json={"properties": {names[number]: "X"}}).status_code

    assert together(system, len(names), change) == [200] * len(names)
    read = http.get(f"{CONTACTS}/{made}?properties={','.join(names)}")
    assert {name: read.json()["properties"][name] for name in names} == dict.fromkeys(names, "X")
    assert read.headers["ETag"] == f'"{1 + len(names)}"'


def test_a_walk_meets_all_that_was_there_while_others_write(system: System, http: httpx.Client, unique: str) -> None:
    inputs = [{"properties": {"lastname": unique}} for _ in range(60)]
    there = {one["id"] for one in http.post(f"{CONTACTS}/batch/create", json={"inputs": inputs}).json()["results"]}

    def work(client: httpx.Client, number: int) -> list[str]:
        if number:
            for _ in range(15):
                client.post(CONTACTS, json={"properties": {"lastname": unique}})
            return []
        seen: list[str] = []
        after = str(min(int(one) for one in there) - 1)
        while after:
            page = client.get(f"{CONTACTS}?limit=7&after={after}").json()
            seen += [one["id"] for one in page["results"]]
            after = page.get("paging", {}).get("next", {}).get("after", "")
        return seen

    seen = together(system, 3, work)[0]
    assert len(seen) == len(set(seen))
    assert there <= set(seen)


def test_a_property_made_by_several_at_once(system: System, unique: str) -> None:
    body = {"name": unique, "label": "X", "type": "string", "fieldType": "text", "groupName": "contactinformation"}

    def define(client: httpx.Client, _: int) -> int:
        return client.post("/crm/v3/properties/contacts", json=body).status_code

    assert sorted(together(system, 6, define)) == [201, *[409] * 5]


def test_first_values_of_new_properties_at_once(system: System, http: httpx.Client, unique: str) -> None:
    fields = [
        {"name": f"{unique}{number}", "label": "X", "type": "number", "fieldType": "number",
         "groupName": "contactinformation"}
        for number in range(6)
    ]  # fmt: skip
    assert http.post("/crm/v3/properties/contacts/batch/create", json={"inputs": fields}).status_code == 201

    def write(client: httpx.Client, number: int) -> str:
        made = client.post(CONTACTS, json={"properties": {fields[number]["name"]: number}})
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    made = together(system, 6, write)
    for number, ident in enumerate(made):
        name = fields[number]["name"]
        assert http.get(f"{CONTACTS}/{ident}?properties={name}").json()["properties"][name] == str(number)
