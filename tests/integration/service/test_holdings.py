"""What others keep a copy by: the catalog, canonical pages, checksums; and that the log begins with the catalog."""

from __future__ import annotations

from typing import Any

import pytest

from services.contacts.manifest import MANIFEST as CONTACTS
from shared.service.catalog_news import tell_declared
from tests.integration.service.conftest import System

BASE = "/api/v1/contacts"


@pytest.fixture
def web(system: System) -> Any:
    return system.client("contacts")


def _make(web: Any, **values: Any) -> dict[str, Any]:
    made = web.post("/api/v1/objects/contacts", json={"values": values})
    assert made.status_code == 201, made.text
    return made.json


def _all(web: Any, path: str, **more: str) -> list[dict[str, Any]]:
    found, after = [], "0"
    while after:
        page = web.get(path, query_string={"after": after, "limit": "2", **more}).json
        found += page["results"]
        after = page.get("next_after", "")
    return found


def test_the_log_begins_with_the_declared_types(web: Any) -> None:
    first = web.get(f"{BASE}/changes?after=origin&types=catalog").json["results"]
    told = {one["entity_type"]: one["detail"] for one in first if one["kind"] == "catalog.type"}
    assert {"contact", "company"} <= set(told)
    ids = {one["name"]: one["id"] for one in told["contact"]["attributes"]}
    assert ids["email"] > 0
    catalog = {one["name"]: one for one in web.get(f"{BASE}/catalog").json["types"]}
    assert {one["name"]: one["id"] for one in catalog["contact"]["attributes"]}.items() >= ids.items()


def test_what_was_told_is_not_told_again_until_it_changes(system: System) -> None:
    runtime = system.runtime("contacts")
    assert tell_declared(runtime.db, CONTACTS.types, CONTACTS.metrics) == []
    with runtime.db.connect() as connection:
        connection.run("update told_type set digest = 'another' where entity_type = 'company'")
    assert tell_declared(runtime.db, CONTACTS.types, CONTACTS.metrics) == ["company"]


def test_pages_hold_what_events_told(web: Any) -> None:
    made = _make(web, email="held@example.org", first_name="Zoë", lifecycle_stage="lead")
    catalog = {one["name"]: one for one in web.get(f"{BASE}/catalog").json["types"]}
    ids = {one["name"]: str(one["id"]) for one in catalog["contact"]["attributes"]}
    [held] = [one for one in _all(web, f"{BASE}/entities/contact") if one["id"] == made["id"]]
    assert held["version"] == 1
    assert held["values"][ids["email"]] == "held@example.org"
    [event] = web.get(f"{BASE}/changes?types=contact&limit=1000").json["results"][-1:]
    assert {key: new for key, (_, new) in event["changed"].items()} == held["values"]
    web.delete(f"/api/v1/objects/contacts/{made['id']}")
    [gone] = [one for one in _all(web, f"{BASE}/entities/contact") if one["id"] == made["id"]]
    assert (gone["archived"], gone["version"], gone["values"]) == (True, 2, held["values"])


def test_sums_are_those_of_the_pages(web: Any) -> None:
    for number in range(5):
        _make(web, first_name=f"Sum {number}")
    held = [one for one in _all(web, f"{BASE}/entities/contact") if not one["archived"]]
    ranges = web.get(f"{BASE}/checksums/contact?span=3&ranges=1000").json["results"]
    assert sum(one["count"] for one in ranges) == len(held)
    for one in ranges:
        inside = [int(e["checksum"]) for e in held if int(one["low"]) <= int(e["id"]) <= int(one["high"])]
        assert (len(inside), str(sum(inside))) == (one["count"], one["total"])


def test_a_flipped_value_is_found_by_reading_again(system: System, web: Any) -> None:
    made = _make(web, first_name="Damaged")
    assert web.get(f"{BASE}/checksums/contact?verify=true").json["results"] == []
    runtime = system.runtime("contacts")
    live = runtime.catalog.type("contact")
    column = live.attributes["first_name"].column
    with runtime.db.connect() as connection:
        sql = f"update eav_entity_{live.table} set {column} = 'flipped', extra = null where id = %s"
        connection.run(sql, (int(made["id"]),))
    found = web.get(f"{BASE}/checksums/contact?verify=true").json["results"]
    assert [one["id"] for one in found] == [made["id"]]
    with runtime.db.connect() as connection:
        connection.run(f"delete from eav_entity_{live.table} where id = %s", (int(made["id"]),))


@pytest.mark.parametrize("path", ["catalog", "entities/contact", "checksums/contact"])
def test_the_right_to_the_feed_is_needed(system: System, path: str) -> None:
    token = system.client("workspace").post(
        "/api/v1/tokens", json={"name": "x", "scopes": ["crm.objects.contacts.read"]}
    )
    assert system.client("contacts", token.json["token"]).get(f"{BASE}/{path}").status_code == 403


def test_unknown_types_and_absurd_numbers(web: Any) -> None:
    assert web.get(f"{BASE}/entities/nonsense").status_code == 404
    assert web.get(f"{BASE}/checksums/contact?span=0").status_code == 400
    assert web.get(f"{BASE}/entities/contact?after=99999999999999999999").status_code in (200, 400)
    assert web.get(f"{BASE}/checksums/contact?after=9223372036854775807").status_code == 200
