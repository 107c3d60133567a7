"""Owners and the account."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from services.workspace.schema import TYPES
from shared.eav.entity import Entity
from shared.service.web.dialect import WORKSPACE_OPERATIONS
from shared.service.web.operation import register
from tests.unit.dialect.fakes import AT, runtime

URL = "/crm/v3/owners"


@pytest.fixture
def client() -> FlaskClient:
    """Three owners; the last one archived."""
    service: Any = runtime(*TYPES)
    rows = {
        1: {"email": "a@example.org", "firstname": "A", "userid": "77", "team_id": "9"},
        2: {"email": "queue@example.org", "type": "QUEUE"},
        3: {"email": "gone@example.org", "userid": "78"},
    }
    service.entities.rows = {key: Entity(key, 1, AT, AT, dict(one)) for key, one in rows.items()}
    service.entities.rows[3].archived_at = AT
    service.entities.rows[9] = Entity(9, 1, AT, AT, {"name": "Sales"})
    app = Flask("owners")
    register(app, service, WORKSPACE_OPERATIONS)
    found = app.test_client()
    found.environ_base["HTTP_AUTHORIZATION"] = "Bearer good"
    return found


def test_an_owner(client: FlaskClient) -> None:
    assert client.get(f"{URL}/1").json == {
        "id": "1",
        "email": "a@example.org",
        "firstName": "A",
        "lastName": "",
        "type": "PERSON",
        "userId": 77,
        "userIdIncludingInactive": 77,
        "createdAt": AT,
        "updatedAt": AT,
        "archived": False,
        "teams": [{"id": "9", "name": "Sales", "primary": True}],
    }


def test_by_user(client: FlaskClient) -> None:
    assert client.get(f"{URL}/2").json["type"] == "QUEUE"
    assert client.get(f"{URL}/2?idProperty=email").status_code == 400


@pytest.mark.parametrize("path", ["/4", "/x", "/3", "/99999999999999999999?idProperty=userId"])
def test_unknown_owners(client: FlaskClient, path: str) -> None:
    assert client.get(f"{URL}{path}").status_code == 404


def test_an_archived_owner_keeps_its_user_for_the_record(client: FlaskClient) -> None:
    found = client.get(f"{URL}/3?archived=true").json
    assert ("userId" in found, found["userIdIncludingInactive"]) == (False, 78)


def test_listing(client: FlaskClient) -> None:
    first = client.get(f"{URL}/?limit=1&archived=False").json
    assert [one["id"] for one in first["results"]] == ["1"]
    assert first["paging"]["next"]["link"] == f"https://crm.example.org{URL}/?limit=1&archived=False&after=1"
    assert [one["id"] for one in client.get(f"{URL}?email=queue@example.org").json["results"]] == ["2"]
    assert client.get(f"{URL}?email=nobody@example.org").json == {"results": []}
    assert client.get(f"{URL}?limit=500").status_code == 200
    assert client.get(f"{URL}?limit=501").status_code == 400


def test_the_account(client: FlaskClient) -> None:
    found = client.get("/account-info/v3/details").json
    assert (found["portalId"], found["uiDomain"], found["timeZone"]) == (1, "crm.example.org", "UTC")
