"""Services stand on their own: apart in processes and databases, none of them anybody's special case.

`library` is a stub that only tests know (see stub/service.py); what holds for contacts must hold for it.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from deploy.local.waiting import wait_until
from deploy.routes import route_table
from deploy.services import ALL
from tests.journeys.apart import Service, apart
from tests.journeys.stub.service import MANIFEST as STUB

CEILING = 60


@dataclass(frozen=True)
class Case:
    """A service other than workspace: an entity type of its own, good values, and values that a rule refuses."""

    name: str
    plural: str
    unique: str
    bad: dict[str, object] = field(hash=False)

    def values(self) -> dict[str, object]:
        """Values that nobody else has."""
        word = uuid.uuid4().hex[:12]
        return {self.unique: f"{word}@apart.example" if self.unique == "email" else word}

    @property
    def path(self) -> str:
        """Where its entities are."""
        return f"/api/v1/objects/{self.plural}"


CONTACTS = Case("contacts", "contacts", "email", {"email": "nonsense"})
LIBRARY = Case("library", "books", "isbn", {"pages": -1})
every_service = pytest.mark.parametrize("case", [CONTACTS, LIBRARY], ids=lambda case: case.name)


@pytest.fixture(scope="module")
def services(tmp_path_factory, pg_url: str, new_redis: Any) -> Iterator[dict[str, Service]]:
    home = tmp_path_factory.mktemp("apart")
    with apart(home, pg_url, new_redis(), ["workspace", "contacts", "library"]) as running:
        yield running


@pytest.fixture
def workspace(services: dict[str, Service]) -> Service:
    return services["workspace"]


@pytest.fixture
def without_workspace(services: dict[str, Service]) -> Iterator[None]:
    """Workspace is stopped during the test, and runs again after it."""
    workspace = services["workspace"]
    workspace.stop()
    assert not workspace.is_ready()
    yield
    workspace.start()


def make_token(workspace: Service, *scopes: str) -> tuple[str, str]:
    """A new token's id and text."""
    made = workspace.ask("POST", "/api/v1/tokens", json={"name": "journey", "scopes": list(scopes)})
    assert made.status_code == 201, made.text
    return made.json()["id"], made.json()["token"]


def status(service: Service, case: Case, token: str) -> int:
    """What a list answers to this token."""
    return service.ask("GET", case.path, token).status_code


@every_service
def test_kit_rules_and_doors_are_everybodys(services: dict[str, Service], case: Case):
    service = services[case.name]
    values = case.values()
    made = service.ask("POST", case.path, json={"values": values})
    assert made.status_code == 201, made.text
    ident = made.json()["id"]
    assert service.ask("GET", f"/crm/v3/objects/{case.plural}/{ident}").json()["id"] == ident
    assert service.ask("POST", case.path, json={"values": values}).status_code == 409
    refused = service.ask("POST", case.path, json={"values": case.bad})
    assert (refused.status_code, refused.json()["category"]) == (400, "VALIDATION_ERROR")
    added = service.ask("POST", f"/api/v1/types/{case.plural}/attributes", json={"label": "预计收入", "type": "number"})
    assert added.status_code == 201, added.text
    assert service.ask("PATCH", f"{case.path}/{ident}", json={"values": {"预计收入": 5}}).status_code == 200
    query = {"filter": {"attribute": "预计收入", "operator": "GT", "value": 4}, "total": "exact"}
    found = service.ask("POST", f"{case.path}/query", json=query).json()
    assert [one["id"] for one in found["results"]] == [ident]
    document = service.ask("GET", f"/{case.name}/openapi.json").json()
    assert added.json()["name"] in str(document)

    def told() -> list[Any]:
        changes = service.ask("GET", f"/api/v1/{case.name}/changes?limit=500").json()["results"]
        return [one["kind"] for one in changes if str(one.get("entity_id")) == ident]

    assert wait_until(lambda: told() == ["entity.created", "entity.updated"], CEILING), told()


@every_service
def test_a_new_token_works_at_once_and_within_its_scopes(workspace: Service, services: dict[str, Service], case: Case):
    _id, reader = make_token(workspace, f"crm.objects.{case.plural}.read")
    assert status(services[case.name], case, reader) == 200
    refused = services[case.name].ask("POST", case.path, reader, json={"values": case.values()})
    assert (refused.status_code, refused.json()["category"]) == (403, "MISSING_SCOPES")
    other = LIBRARY if case is CONTACTS else CONTACTS
    assert status(services[other.name], other, reader) == 403


@every_service
def test_a_revoked_token_stops_working(
    workspace: Service, services: dict[str, Service], case: Case, record_property: Any
):
    ident, reader = make_token(workspace, f"crm.objects.{case.plural}.read")
    service = services[case.name]
    assert status(service, case, reader) == 200
    assert workspace.ask("DELETE", f"/api/v1/tokens/{ident}").status_code == 204
    revoked = time.monotonic()
    assert wait_until(lambda: status(service, case, reader) == 401, CEILING)
    took = time.monotonic() - revoked
    record_property("seconds_until_refused", round(took, 3))
    print(f"{case.name}: refused {took:.2f} s after it was revoked")


@every_service
def test_owners_are_workspaces_and_known_everywhere(workspace: Service, services: dict[str, Service], case: Case):
    owner = {"email": f"{uuid.uuid4().hex[:12]}@apart.example", "first_name": "Ada"}
    made = workspace.ask("POST", "/api/v1/objects/owners", json={"values": owner})
    assert made.status_code == 201, made.text
    values = {**case.values(), "owner_id": made.json()["id"]}
    assert services[case.name].ask("POST", case.path, json={"values": values}).status_code == 201
    values = {**case.values(), "owner_id": "999999999"}
    refused = services[case.name].ask("POST", case.path, json={"values": values})
    assert (refused.status_code, "999999999" in refused.text) == (400, True)


def test_a_role_reaches_its_own_database_only(services: dict[str, Service]):
    for one in services.values():
        with psycopg.connect(one.database) as connection:
            assert connection.execute("select count(*) from eav_type").fetchone() != (0,)
        for other in services.values():
            if other is one:
                continue
            path = urlsplit(other.database).path
            with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
                psycopg.connect(urlunsplit(urlsplit(one.database)._replace(path=path)))
            with (
                psycopg.connect(one.database) as connection,
                pytest.raises(psycopg.errors.FeatureNotSupported, match="cross-database"),
            ):
                connection.execute(f"select * from {path[1:]}.public.service_token")


def test_roles_are_no_administrators(services: dict[str, Service]):
    for one in services.values():
        with psycopg.connect(one.database) as connection:
            rights = "select rolsuper, rolcreatedb, rolcreaterole from pg_roles where rolname = current_user"
            assert connection.execute(rights).fetchone() == (False, False, False)


def test_routes_come_from_manifests_alone():
    table = route_table((*ALL, STUB))
    assert table.service("/crm/v3/objects/books/42") == "library"
    assert table.service("/api/v1/objects/book/42") == "library"
    assert table.service("/api/v1/library/changes") == "library"
    assert route_table(ALL).service("/crm/v3/objects/books/42") == "workspace"


def test_without_workspace_the_others_go_on(
    services: dict[str, Service], workspace: Service, request: pytest.FixtureRequest
):
    tokens = {}
    for case in (CONTACTS, LIBRARY):
        service = services[case.name]
        _id, reader = make_token(workspace, f"crm.objects.{case.plural}.read")
        ident, revoked = make_token(workspace, f"crm.objects.{case.plural}.read")
        assert [status(service, case, one) for one in (reader, revoked)] == [200, 200]
        workspace.ask("DELETE", f"/api/v1/tokens/{ident}")
        assert wait_until(lambda: status(service, case, revoked) == 401, CEILING)  # noqa: B023
        tokens[case] = (reader, revoked)
    request.getfixturevalue("without_workspace")
    for case, (reader, revoked) in tokens.items():
        go_on_alone(services[case.name], case, reader, revoked)


def go_on_alone(service: Service, case: Case, reader: str, revoked: str) -> None:
    """Reads, writes and tokens of one service while workspace is down."""
    for _ in range(3):
        assert status(service, case, reader) == 200
        assert status(service, case, revoked) == 401
        assert status(service, case, "crm_" + uuid.uuid4().hex) == 401
        made = service.ask("POST", case.path, json={"values": case.values()})
        assert made.status_code == 201, made.text
        path = f"{case.path}/{made.json()['id']}"
        # An owner that cannot be asked about is taken on trust.
        changed = service.ask("PATCH", path, json={"values": {"owner_id": "424242"}})
        assert (changed.status_code, changed.json()["version"]) == (200, 2)
        assert service.is_ready()
    assert service.ask("GET", f"/{case.name}/healthz").status_code == 200


def test_workspace_is_back_and_all_is_as_before(services: dict[str, Service], workspace: Service):
    assert workspace.is_ready()
    for case in (CONTACTS, LIBRARY):
        ident, reader = make_token(workspace, f"crm.objects.{case.plural}.read")
        assert wait_until(lambda: status(services[case.name], case, reader) == 200, CEILING)  # noqa: B023
        workspace.ask("DELETE", f"/api/v1/tokens/{ident}")
        assert wait_until(lambda: status(services[case.name], case, reader) == 401, CEILING)  # noqa: B023
