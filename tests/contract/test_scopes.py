"""What a token may do at the dialect's doors: 403 names the scopes that would do."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from deploy.local.waiting import wait_until
from tests.contract.serving import System

CONTACTS = "/crm/v3/objects/contacts"
PROPERTIES = "/crm/v3/properties/contacts"
DEFINITION = {"name": "a", "label": "a", "type": "string", "fieldType": "text", "groupName": "contactinformation"}


@pytest.fixture(scope="module")
def reader(system: System, http: httpx.Client) -> Any:
    """A client that may read contacts and nothing else."""
    made = http.post("/api/v1/tokens", json={"name": "reader", "scopes": ["crm.objects.contacts.read"]})
    assert made.status_code == 201, made.text
    headers = {"Authorization": f"Bearer {made.json()['token']}"}
    with httpx.Client(base_url=system.url, headers=headers, trust_env=False, timeout=30) as client:
        yield client


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", CONTACTS, None, 200),
        ("GET", f"{CONTACTS}?archived=true", None, 200),
        ("POST", f"{CONTACTS}/search", {}, 200),
        ("POST", f"{CONTACTS}/batch/read", {"inputs": []}, 200),
        ("GET", PROPERTIES, None, 200),
        ("GET", f"{PROPERTIES}/groups", None, 200),
        ("GET", "/crm/v3/schemas/contacts", None, 200),
        ("GET", "/account-info/v3/details", None, 200),
        ("POST", CONTACTS, {"properties": {}}, 403),
        ("PATCH", f"{CONTACTS}/1", {"properties": {}}, 403),
        ("DELETE", f"{CONTACTS}/1", None, 403),
        ("POST", f"{CONTACTS}/batch/create", {"inputs": [{"properties": {}}]}, 403),
        ("POST", f"{CONTACTS}/batch/update", {"inputs": [{"id": "1", "properties": {}}]}, 403),
        ("POST", f"{CONTACTS}/batch/upsert", {"inputs": [{"id": "1", "properties": {}}]}, 403),
        ("POST", f"{CONTACTS}/batch/archive", {"inputs": [{"id": "1"}]}, 403),
        ("POST", PROPERTIES, DEFINITION, 403),
        ("PATCH", f"{PROPERTIES}/city", {"label": "x"}, 403),
        ("DELETE", f"{PROPERTIES}/city", None, 403),
        ("POST", f"{PROPERTIES}/batch/create", {"inputs": [DEFINITION]}, 403),
        ("POST", f"{PROPERTIES}/batch/archive", {"inputs": [{"name": "city"}]}, 403),
        ("POST", f"{PROPERTIES}/groups", {"name": "a", "label": "a"}, 403),
        ("PATCH", f"{PROPERTIES}/groups/contactinformation", {"label": "a"}, 403),
        ("DELETE", f"{PROPERTIES}/groups/contactinformation", None, 403),
        ("GET", "/crm/v3/objects/companies", None, 403),
        ("POST", "/crm/v3/objects/companies/search", {}, 403),
        ("GET", "/crm/v3/properties/companies", None, 403),
        ("GET", "/companies/v2/properties", None, 403),
        ("GET", "/crm/v3/owners", None, 403),
        ("GET", "/crm/v3/owners/1", None, 403),
        ("POST", "/crm/v3/schemas", {"name": "a", "labels": {"singular": "a"}}, 403),
    ],
)
def test_a_reader_of_contacts(reader: httpx.Client, method: str, path: str, body: Any, status: int) -> None:
    answer = reader.request(method, path, json=body) if body is not None else reader.request(method, path)
    assert answer.status_code == status, answer.text
    if status == 403:
        found = answer.json()
        assert found["category"] == "MISSING_SCOPES"
        assert found["errors"][0]["context"]["requiredGranularScopes"]


def test_custom_types_are_out_of_sight(reader: httpx.Client, car: str) -> None:
    assert reader.get(f"/crm/v3/objects/{car}").status_code == 403
    assert reader.get(f"/crm/v3/schemas/{car}").status_code == 403
    assert car not in {one["name"] for one in reader.get("/crm/v3/schemas").json()["results"]}


def test_a_revoked_token(system: System, http: httpx.Client) -> None:
    made = http.post("/api/v1/tokens", json={"name": "short", "scopes": ["crm.objects.contacts.read"]}).json()
    headers = {"Authorization": f"Bearer {made['token']}"}
    assert http.get(CONTACTS, headers=headers).status_code == 200
    assert http.delete(f"/api/v1/tokens/{made['id']}").status_code == 204
    answers: list[httpx.Response] = []

    def is_refused() -> bool:
        """Each process learns it for itself, within a quarter of a second of the others."""
        answers.append(http.get(CONTACTS, headers=headers))
        return answers[-1].status_code == 401

    assert wait_until(is_refused, 120)
    assert answers[-1].json()["category"] == "INVALID_AUTHENTICATION"
