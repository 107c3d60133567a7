"""Mass change through the native door: foreseen, done, steered, taken back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from shared.service.jobs import KINDS
from shared.service.mass import kind
from shared.service.work import ledger
from shared.service.work.running import run_one
from tests.integration.service.conftest import System, system

__all__ = ["system"]

PATH = "/api/v1/objects/contacts/bulk-update"
BONN = {"attribute": "city", "operator": "EQ", "value": "Bonn"}


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kind, "IDS_A_CHUNK", 10)


@pytest.fixture(scope="module")
def people(system: System) -> list[str]:
    client = system.client("contacts")
    inputs = [
        {"values": {"email": f"mass{n}@example.com", "city": "Bonn" if n % 2 else "Ulm", "firstname": "Before"}}
        for n in range(60)
    ]
    answer = client.post("/api/v1/objects/contacts/batch/create", json={"inputs": inputs})
    assert answer.status_code == 201, answer.text
    return [one["id"] for one in answer.json["results"]]


def work(system: System, most: int = 1000) -> int:
    runtime = system.runtime("contacts")
    for done in range(most):
        claim = ledger.claim(runtime.db)
        if claim is None:
            return done
        run_one(runtime, KINDS, claim)
    return most


def order(system: System, **body: Any) -> dict[str, Any]:
    answer = system.client("contacts").post(PATH, json=body)
    assert answer.status_code == 202, answer.text
    return answer.json


def shown(system: System, ident: str) -> dict[str, Any]:
    answer = system.client("contacts").get(f"{PATH}/{ident}")
    assert answer.status_code == 200, answer.text
    return answer.json


def steer(system: System, ident: str, verb: str, status: int = 202) -> dict[str, Any]:
    answer = system.client("contacts").post(f"{PATH}/{ident}/{verb}")
    assert answer.status_code == status, answer.text
    return answer.json


def names(system: System) -> dict[str, tuple[Any, Any]]:
    answer = system.client("contacts").get("/api/v1/objects/contacts?limit=100&attributes=firstname,city")
    return {one["id"]: (one["values"].get("first_name"), one["values"].get("city")) for one in answer.json["results"]}


@pytest.fixture
def untouched(system: System, people: list[str]) -> Iterator[dict[str, tuple[Any, Any]]]:
    """What there is before; the test takes back what it does."""
    before = names(system)
    yield before
    assert names(system) == before


def test_a_change_is_foreseen_done_and_taken_back(system: System, untouched: dict[str, Any]) -> None:
    dry = order(system, filter=BONN, values={"firstname": "After"}, dry_run=True)
    assert (dry["state"], dry["phase"], dry["total"]) == ("running", "dry", None)
    work(system)
    foreseen = shown(system, dry["id"])
    assert foreseen["counts"] == {"rows": 30, "updated": 30, "unchanged": 0, "rejected": 0}
    assert names(system) == untouched
    job = order(system, filter=BONN, values={"firstname": "After"})
    work(system)
    done = shown(system, job["id"])
    assert (done["state"], done["phase"], done["total"]) == ("done", "run", 30)
    assert done["counts"] == foreseen["counts"]
    assert sum(one == ("After", "Bonn") for one in names(system).values()) == 30
    again = order(system, filter=BONN, values={"firstname": "After"})
    work(system)
    assert shown(system, again["id"])["counts"]["unchanged"] == 30
    steer(system, job["id"], "undo")
    work(system)
    assert shown(system, job["id"])["state"] == "done"


def test_what_fits_is_decided_once_and_what_changed_since_stays(system: System, people: list[str]) -> None:
    job = order(system, filter=BONN, values={"city": "Köln"})
    work(system)
    assert shown(system, job["id"])["counts"]["updated"] == 30
    answer = system.client("contacts").patch(f"/api/v1/objects/contacts/{people[1]}", json={"values": {"city": "Wien"}})
    assert answer.status_code == 200
    steer(system, job["id"], "undo")
    work(system)
    found = shown(system, job["id"])
    assert found["counts"] == {"rows": 30, "updated": 29, "unchanged": 1, "rejected": 0}
    assert found["kept"] == [{"id": people[1], "name": "city"}]
    assert names(system)[people[1]][1] == "Wien"
    system.client("contacts").patch(f"/api/v1/objects/contacts/{people[1]}", json={"values": {"city": "Bonn"}})
    assert sum(city == "Bonn" for _, city in names(system).values()) == 30


def test_pause_resume_and_cancel(system: System, untouched: dict[str, Any]) -> None:
    job = order(system, filter=BONN, values={"firstname": "Slow"})
    assert work(system, 2) == 2
    assert steer(system, job["id"], "pause")["state"] == "paused"
    assert work(system) == 0
    assert shown(system, job["id"])["counts"]["rows"] == 10
    assert steer(system, job["id"], "resume")["state"] == "running"
    assert work(system, 1) == 1
    assert steer(system, job["id"], "cancel")["state"] == "canceled"
    assert work(system) == 0
    steer(system, job["id"], "resume", 409)
    steer(system, job["id"], "undo")
    work(system)
    assert shown(system, job["id"])["counts"]["rows"] == 20
    steer(system, job["id"], "undo")


def test_what_one_entity_cannot_take_is_told(system: System, people: list[str]) -> None:
    """An entity that goes while its chunk waits is refused alone."""
    job = order(system, filter=BONN, values={"firstname": "Gone"})
    work(system, 1)
    client = system.client("contacts")
    assert client.delete(f"/api/v1/objects/contacts/{people[3]}").status_code == 204
    work(system)
    found = shown(system, job["id"])
    assert found["counts"] == {"rows": 30, "updated": 29, "unchanged": 0, "rejected": 1}
    assert [(one["id"], one["code"]) for one in found["errors"]] == [(people[3], "OBJECT_NOT_FOUND")]
    assert client.post(f"/api/v1/objects/contacts/{people[3]}/restore").status_code == 200
    steer(system, job["id"], "undo")
    work(system)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"values": {"city": "X"}}, "filter"),
        ({"filter": BONN}, "values"),
        ({"filter": BONN, "values": {}}, "values"),
        ({"filter": BONN, "values": {"citty": "X"}}, "citty"),
        ({"filter": BONN, "values": {"email": "one@example.com"}}, "email"),
        ({"filter": {"attribute": "nonsense", "operator": "EQ", "value": 1}, "values": {"city": "X"}}, "nonsense"),
        ({"filter": BONN, "values": {"city": "X"}, "dry_run": "yes"}, "dry_run"),
        ({"filter": BONN, "values": {"city": "X"}, "dryrun": True}, "dryrun"),
    ],
)
def test_what_can_never_work_is_refused_at_once(system: System, body: dict[str, Any], said: str) -> None:
    answer = system.client("contacts").post(PATH, json=body)
    assert answer.status_code == 400
    assert said in answer.text


def test_rights_and_other_types(system: System, people: list[str]) -> None:
    job = order(system, filter=BONN, values={"firstname": "Before"}, dry_run=True)
    work(system)
    assert system.client("contacts", None).get(f"{PATH}/{job['id']}").status_code == 401
    for path in (f"/api/v1/objects/companies/bulk-update/{job['id']}", f"{PATH}/99999", f"{PATH}/x"):
        assert system.client("contacts").get(path).status_code == 404
    steer(system, job["id"], "undo", 409)
    answer = system.client("workspace").post(
        "/api/v1/tokens", json={"name": "r", "scopes": ["crm.objects.contacts.read"]}
    )
    assert answer.status_code == 201, answer.text
    reader = system.client("contacts", answer.json["token"])
    assert reader.post(PATH, json={"filter": BONN, "values": {"city": "X"}}).status_code == 403
