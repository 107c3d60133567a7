"""Tokens: made and revoked in workspace, followed by replicas, never shown twice."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Any

from shared.kernel.clock import iso, now
from shared.service.tokens import ensure_bootstrap
from tests.factories.racing import at_once, until
from tests.integration.service.conftest import ADMIN, SERVICE, System, follow


def _make(system: System, *scopes: str, **more: Any) -> Any:
    body = {"name": "test", "scopes": list(scopes), **more}
    return system.client("workspace").post("/api/v1/tokens", json=body)


def test_text_is_shown_once_and_stored_as_a_hash(system: System) -> None:
    made = _make(system, "crm.objects.contacts.read")
    assert made.status_code == 201
    text = made.json["token"]
    assert text.startswith("crm_")
    assert len(text) >= 47
    listed = system.client("workspace").get("/api/v1/tokens")
    assert text not in listed.text
    assert made.json["id"] in [one["id"] for one in listed.json["results"]]
    with system.runtime("workspace").db.connect() as conn:
        dump = conn.rows("select t::text from service_token t") + conn.rows("select body::text from outbox")
    assert text not in str(dump)


def test_a_new_token_works_in_a_replica_at_once(system: System) -> None:
    text = _make(system, "crm.objects.contacts.read").json["token"]
    assert system.client("contacts", text).get("/api/v1/objects/contacts").status_code == 200
    denied = system.client("contacts", text).post("/api/v1/objects/contacts", json={})
    assert (denied.status_code, denied.json["category"]) == (403, "MISSING_SCOPES")
    assert denied.json["errors"][0]["context"]["requiredGranularScopes"] == ["crm.objects.contacts.write"]


def test_a_revoked_token_stops_within_a_second(system: System) -> None:
    made = _make(system, "*").json
    for service in ("workspace", "contacts"):
        assert system.client(service, made["token"]).get("/api/v1/types").status_code == 200
    assert system.client("workspace").delete(f"/api/v1/tokens/{made['id']}").status_code == 204
    assert system.client("workspace", made["token"]).get("/api/v1/types").status_code == 401
    follow(system.runtime("workspace").db, system.runtime("contacts").db)
    time.sleep(0.3)
    found = system.client("contacts", made["token"]).get("/api/v1/types")
    assert (found.status_code, found.json["category"]) == (401, "INVALID_AUTHENTICATION")
    assert system.client("workspace").delete(f"/api/v1/tokens/{made['id']}").status_code == 204


def test_expired_tokens_say_so(system: System) -> None:
    made = _make(system, "*", expires_at=iso(now() + timedelta(hours=1))).json
    assert system.client("workspace", made["token"]).get("/api/v1/types").status_code == 200
    runtime = system.runtime("workspace")
    with runtime.db.connect() as conn:  # an hour later
        conn.run("update service_token set expires_at = expires_at - interval '1 hour' where id = %s", (made["id"],))
    runtime.tokens.forget()
    found = system.client("workspace", made["token"]).get("/api/v1/types")
    assert (found.status_code, found.json["category"]) == (401, "EXPIRED_AUTHENTICATION")


def test_nobody_grants_what_they_lack(system: System) -> None:
    text = _make(system, "crm.tokens.write", "crm.objects.contacts.read").json["token"]
    weak = system.client("workspace", text)
    body = {"name": "x", "scopes": ["crm.objects.contacts.read", "crm.objects.contacts.write"]}
    found = weak.post("/api/v1/tokens", json=body)
    assert (found.status_code, found.json["errors"][0]["context"]["requiredGranularScopes"]) == (
        403,
        ["crm.objects.contacts.write"],
    )
    assert weak.post("/api/v1/tokens", json={"name": "x", "scopes": ["*"]}).status_code == 403
    assert weak.post("/api/v1/tokens", json={"name": "x", "scopes": ["crm.objects.contacts.read"]}).status_code == 201
    assert weak.get("/api/v1/tokens").status_code == 403


def test_what_is_wrong_with_a_token_to_be_is_told(system: System) -> None:
    body = {"scopes": ["admin", 5], "expires_at": "2001-01-01T00:00:00Z"}
    found = system.client("workspace").post("/api/v1/tokens", json=body)
    assert {one["in"] for one in found.json["errors"]} == {"name", "scopes", "expires_at"}
    assert system.client("workspace").delete("/api/v1/tokens/999999").status_code == 404
    assert system.client("workspace").delete("/api/v1/tokens/x").status_code == 404


def test_scopes_that_nothing_asks_for_are_refused(system: System) -> None:
    for wrong in ("crm.nonsense", "crm.object.contacts.read", "crm.feed.write", "crm.objects.contacts.delete", "crm"):
        found = _make(system, wrong)
        assert (found.status_code, found.json["errors"][0]["code"]) == (400, "INVALID_SCOPE"), wrong
    near = _make(system, "crm.object.contacts.read").json["errors"][0]
    assert near["context"]["nearest"][0] == "crm.objects.contacts.read"
    assert "did you mean crm.objects.contacts.read" in near["message"]
    assert _make(system, "crm.feed.raed").json["errors"][0]["context"]["nearest"][0] == "crm.feed.read"
    sound = ["*", "crm.objects.cars.write", "crm.schemas.custom.read", "crm.owners.read", "crm.teams.write"]
    sound += ["crm.users.read", "crm.feed.read", "crm.tokens.read", "crm.tokens.write", "crm.effective.write"]
    assert _make(system, *sound).status_code == 201


def test_the_last_administrator_stays(system: System) -> None:
    web = system.client("workspace")
    listed = web.get("/api/v1/tokens?limit=100").json["results"]
    for one in listed:
        if "*" in one["scopes"] and one["id"] != "1":
            assert web.delete(f"/api/v1/tokens/{one['id']}").status_code == 204
    _make(system, "crm.tokens.write")
    found = web.delete("/api/v1/tokens/1")
    assert (found.status_code, found.json["category"]) == (409, "CONFLICT")
    assert "make another administrator's token first" in found.json["message"]
    other = _make(system, "*").json
    second = system.client("workspace", other["token"])
    try:
        assert second.delete("/api/v1/tokens/1").status_code == 204
        assert second.delete("/api/v1/tokens/1").status_code == 204
        assert second.delete(f"/api/v1/tokens/{other['id']}").status_code == 409
    finally:
        with system.runtime("workspace").db.connect() as conn:
            conn.run("update service_token set revoked_at = null, version = version + 1 where id = 1")
        system.runtime("workspace").tokens.forget()


def test_unknown_tokens_pull_at_a_limited_rate(system: System) -> None:
    tokens = system.runtime("contacts").tokens
    calls: list[int] = []
    before, tokens.pull = tokens.pull, lambda: calls.append(1)
    try:
        for number in range(40):
            assert system.client("contacts", f"crm_{number:040}").get("/api/v1/types").status_code == 401
        assert system.client("contacts", "not-our-prefix-0123456789").get("/api/v1/types").status_code == 401
    finally:
        tokens.pull = before
    assert 1 <= len(calls) <= 20
    tokens._pulls_left = 10.0


def test_a_failing_pull_is_a_401(system: System) -> None:
    tokens = system.runtime("contacts").tokens

    def fail() -> None:
        raise ConnectionError("workspace is away")

    before, tokens.pull = tokens.pull, fail
    try:
        assert system.client("contacts", "crm_" + "x" * 43).get("/api/v1/types").status_code == 401
    finally:
        tokens.pull = before


def test_bootstrap_is_idempotent_and_replaces_only_other_texts(system: System) -> None:
    database = system.runtime("workspace").db
    with database.connect() as conn:
        assert not ensure_bootstrap(conn, ADMIN, SERVICE)
        conn.run("update service_token set revoked_at = now() where id = 2")
        assert not ensure_bootstrap(conn, ADMIN, SERVICE)
    system.runtime("workspace").tokens.forget()
    assert system.client("workspace", SERVICE).get("/api/v1/tokens").status_code == 401
    with database.connect() as conn:
        assert ensure_bootstrap(conn, ADMIN, SERVICE + "2")
        assert ensure_bootstrap(conn, ADMIN, SERVICE)
    system.runtime("workspace").tokens.forget()
    assert system.client("workspace", SERVICE).get("/api/v1/tokens").status_code == 200


def test_token_events_need_a_scope_of_their_own(system: System) -> None:
    _make(system, "crm.objects.contacts.read")
    kinds = {one["kind"] for one in system.client("workspace").get("/api/v1/workspace/changes").json["results"]}
    assert "token" in kinds
    text = _make(system, "crm.feed.read").json["token"]
    page = system.client("workspace", text).get("/api/v1/workspace/changes")
    assert page.headers["Cache-Control"] == "no-store"
    assert all(one["kind"] != "token" for one in page.json["results"])
    assert system.client("workspace", text).get("/api/v1/workspace/changes?types=token").json["results"] == []
    other = _make(system, "crm.objects.contacts.read").json["token"]
    assert system.client("workspace", other).get("/api/v1/workspace/changes").status_code == 403


def test_the_answer_of_a_new_token_is_never_kept(system: System) -> None:
    headers = {"Idempotency-Key": "make-token"}
    body = {"name": "once", "scopes": ["crm.feed.read"]}
    web = system.client("workspace")
    first = web.post("/api/v1/tokens", json=body, headers=headers)
    again = web.post("/api/v1/tokens", json=body, headers=headers)
    assert (first.status_code, again.status_code) == (201, 409)
    with system.runtime("workspace").db.connect() as conn:
        assert conn.rows("select answer from idempotency_key where key = 'make-token'") == [(None,)]
        assert conn.rows("select count(*) from service_token where name = 'once'") == [(1,)]


def test_waiting_for_a_pull_never_takes_every_thread(system: System) -> None:
    """The pull itself is a request that some thread must answer."""
    tokens = system.runtime("contacts").tokens
    waiting = threading.Event()
    before, tokens.pull = tokens.pull, lambda: waiting.wait(120)
    tokens._pulls_left = 10.0
    threads = [
        threading.Thread(target=lambda n=n: system.client("contacts", f"crm_{n:041}").get("/api/v1/types"))
        for n in range(3)
    ]
    try:
        for one in threads:
            one.start()
        until(lambda: len(tokens._sought) == 3)
        assert system.client("contacts", "crm_" + "y" * 41).get("/api/v1/types").status_code == 401
        assert system.client("contacts").get("/api/v1/types").status_code == 200
    finally:
        waiting.set()
        for one in threads:
            one.join()
        tokens.pull = before
        tokens._pulls_left = 10.0


def test_many_first_uses_of_one_token_share_a_pull(system: System) -> None:
    tokens = system.runtime("contacts").tokens
    made = system.client("workspace").post("/api/v1/tokens", json={"name": "new", "scopes": ["*"]}).json["token"]
    pulled, before = [], tokens.pull

    def pull() -> None:
        pulled.append(1)
        before()

    tokens.pull, tokens._pulls_left = pull, 10.0
    try:
        found = at_once(12, lambda _: system.client("contacts", made).get("/api/v1/types").status_code)
    finally:
        tokens.pull, tokens._pulls_left = before, 10.0
    assert found == [200] * 12
    assert len(pulled) == 1
