"""`crm queues`, `crm assign`, `crm assignments` and `crm views`: what is asked, and what is shown of the answers."""

from __future__ import annotations

import json

import httpx

from tests.unit.crm.fake import FakeSystem, run_crm

QUEUE = {
    "id": "3", "name": "Billing", "open": 1200, "unassigned": 7, "breaching_soon": 1, "pool": "Support",
    "automatic": True,
}  # fmt: skip
GIVEN = {"owner": "12", "before": None, "rule": "german", "pool": "North", "reason": "turn", "told": {}}
WAITING = {"id": "42", "pool": "North", "reason": "everybody_is_full", "since": "2030-01-01T10:00:00.000Z",
           "tried_at": None, "told": {}}  # fmt: skip


def answering(path: str, body: object) -> FakeSystem:
    system = FakeSystem()
    system.fail[path] = httpx.Response(200, json=body)
    return system


def test_queues_are_listed_and_taken_from() -> None:
    code, out, err = run_crm(answering("/service_desk/queues", {"results": [QUEUE]}), "queues", "list")
    assert code == 0, err
    assert "1,200" in out
    assert "by itself" in out
    system = answering("/queues/3/next", {"ticket": {"id": "42", "values": {"subject": "It burns"}}})
    code, out, err = run_crm(system, "queues", "next", "3", "--owner", "12")
    assert (code, out.strip()) == (0, "ticket 42: It burns"), err
    assert system.requests[-1][2] == {"owner": "12"}
    code, out, _ = run_crm(answering("/queues/3/next", {"ticket": None}), "queues", "next", "3", "--owner", "12")
    assert out.strip() == "nothing waits here"


def test_who_gets_it_and_why() -> None:
    system = answering("/deals/42/assign", {"id": "42", "assignment": GIVEN})
    code, out, err = run_crm(system, "assign", "deals", "42", "--pool", "North")
    assert (code, out.strip()) == (0, "42 goes to owner 12: whose turn it was, by rule german, of pool North"), err
    assert system.requests[-1][2] == {"pool": "North"}
    nobody = {**GIVEN, "owner": None, "reason": "everybody_is_away"}
    code, out, _ = run_crm(answering("/deals/42/assign", {"assignment": nobody}), "assign", "deals", "42")
    assert out.strip() == "42 waits: everybody is away"
    line = {**GIVEN, "at": "2030-01-01T10:00:00.000Z", "actor": "system"}
    story = answering("/deals/42/assignments", {"results": [line], "waiting": WAITING})
    code, out, err = run_crm(story, "assignments", "why", "deals", "42")
    assert code == 0, err
    assert "waits since 2030-01-01 10:00: everybody has as many as they can" in out
    code, out, _ = run_crm(story, "assignments", "why", "deals", "42", "--json")
    assert json.loads(out)["results"][0]["rule"] == "german"


def test_what_waits_and_who_can_take_what() -> None:
    code, out, err = run_crm(answering("/deals/unassigned", {"results": [WAITING]}), "assignments", "waiting", "deals")
    assert (code, "everybody has as many as they can" in out) == (0, True), err
    agent = {"owner": "12", "capacity": 20, "skills": ["german"], "away_from": None, "away_until": None}
    code, out, err = run_crm(answering("/deals/agents", {"results": [agent]}), "assignments", "agents", "deals")
    assert (code, "german" in out) == (0, True), err
    rule = {"name": "all", "pool": "North", "skills": []}
    code, out, err = run_crm(answering("/assignment-rules", {"results": [rule]}), "assignments", "rules", "deals")
    assert (code, "North" in out) == (0, True), err


def test_views_are_saved_and_looked_through() -> None:
    system = answering("/views/Hot", {"name": "Hot", "attributes": ["email"], "shared": True, "description": ""})
    system.fail["/views/Hot/entities"] = httpx.Response(
        200, json={"results": [{"id": "7", "values": {"email": "ada@example.org"}}]}
    )
    code, out, err = run_crm(system, "views", "save", "contact", "Hot", "city = Berlin", "--sort", "-city", "--shared")
    assert (code, out.strip()) == (0, "view Hot saved"), err
    body = system.requests[-1][2]
    assert (body["sorts"], body["shared"]) == ([{"attribute": "city", "direction": "desc"}], True)
    code, out, err = run_crm(system, "views", "show", "contact", "Hot")
    assert (code, "ada@example.org" in out) == (0, True), err
    listed = answering(
        "/contact/views", {"results": [{"name": "Hot", "attributes": None, "shared": 0, "description": ""}]}
    )
    code, out, err = run_crm(listed, "views", "list", "contact")
    assert (code, "Hot" in out) == (0, True), err
