"""Operators' doors on the bus of real services: overview, letters, metrics, readiness."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.bus import outbox
from shared.bus.client import DirectSource
from shared.bus.consumer import Subscription
from shared.bus.following import ATTEMPTS, Follower
from shared.contracts.event import Event
from tests.integration.service.conftest import System

LETTERS = "/api/v1/contacts/dead-letters"


@pytest.fixture
def letter(system: System, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A subscription of contacts whose handler refused an event; what it applied since it became willing."""
    workspace, contacts = system.runtime("workspace"), system.runtime("contacts")
    applied: list[int] = []
    willing: list[bool] = []

    def handle(connection: Any, events: Any) -> None:
        if not willing:
            raise ValueError("the words of a person")
        applied.extend(one.version for one in events)

    subscription = Subscription("contacts.test", "workspace", handle, frozenset({"owner"}), begin="now")
    monkeypatch.setitem(contacts.follows, subscription.name, subscription)
    follower = Follower(contacts.db, DirectSource({"workspace": workspace.feed}), subscription)
    follower.pull(0.0)
    with workspace.db.transaction() as connection:
        about = [Event("entity.updated", "owner", datetime.now(UTC), 1, version) for version in (1, 2)]
        outbox.append(connection, about)
    for _ in range(ATTEMPTS):
        with pytest.raises(ValueError, match="words") as failure:
            follower.pull(0.0)
        follower.failed(failure.value)
    follower.pull(0.0)
    yield applied, willing
    with contacts.db.connect() as connection:
        connection.run("delete from dead_letter")
        connection.run("delete from watermark where subscription = %s", (subscription.name,))
        connection.run("delete from consumer_state where subscription = %s", (subscription.name,))


def test_a_letter_is_listed_counted_and_replayed(system: System, letter: Any) -> None:
    applied, willing = letter
    web = system.client("contacts")
    page = web.get(f"{LETTERS}?subscription=contacts.test&limit=1").json
    [first] = page["results"]
    assert (first["error"], first["entity_type"], first["behind"]) == ("ValueError", "owner", False)
    rest = web.get(f"{LETTERS}?after={page['next_after']}").json["results"]
    assert [one["behind"] for one in rest] == [True]
    followed = {one["subscription"]: one for one in web.get("/api/v1/contacts/bus").json["follows"]}
    assert followed["contacts.test"]["dead_letters"] == 2
    assert followed["contacts.test"]["dead_letter"]["error"] == "ValueError"
    text = web.get("/contacts/metrics").text
    assert 'crm_dead_letters{service="contacts",subscription="contacts.test"} 2.0' in text
    assert any("put aside" in one["reason"] for one in web.get("/contacts/readyz").json["checks"])

    refused = web.post(f"{LETTERS}/{first['id']}/replay")
    assert refused.status_code == 503
    assert "words" not in refused.text
    willing.append(True)
    assert web.post(f"{LETTERS}/{first['id']}/replay").json["applied"] == 2
    assert applied == [1, 2]
    assert web.post(f"{LETTERS}/{first['id']}/replay").status_code == 404
    assert web.get(LETTERS).json == {"results": []}


def test_a_letter_is_given_up(system: System, letter: Any) -> None:
    applied, willing = letter
    web = system.client("contacts")
    willing.append(True)
    first = web.get(LETTERS).json["results"][0]["id"]
    assert web.post(f"{LETTERS}/{first}/skip").json["events"] == 2
    assert applied == [2]


@pytest.mark.parametrize("id", ["0", "999999999", "abc", "-1", "9" * 30])
def test_no_such_letter(system: System, id: str) -> None:
    assert system.client("contacts").post(f"{LETTERS}/{id}/skip").status_code == 404


def test_readers_of_a_log_are_told_with_what_they_lack(system: System) -> None:
    web = system.client("contacts")
    head = web.get("/api/v1/contacts/changes?after=now&reader=etl").json["next"]
    assert web.get(f"/api/v1/contacts/changes?after={head}&reader=etl").status_code == 200
    shown = {one["name"]: one for one in web.get("/api/v1/contacts/bus").json["readers"]}
    assert (shown["etl"]["behind"], shown["etl"]["lost"]) == (0, False)


def test_rights(system: System) -> None:
    token = system.client("workspace").post("/api/v1/tokens", json={"name": "x", "scopes": ["crm.feed.read"]})
    web = system.client("workspace", token.json["token"])
    assert web.get("/api/v1/workspace/bus").status_code == 403
    assert web.get("/api/v1/workspace/dead-letters").status_code == 403
    assert web.post("/api/v1/workspace/dead-letters/1/skip").status_code == 403
