"""`crm sla`: holidays are asked for as the API has them, and shown as what was added."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.unit.crm.fake import FakeSystem, run_crm

ADDED = {
    "name": "office", "version": 2, "valid_from": "2026-03-01T00:00:00.000Z", "body": {},
    "added": [{"date": "2026-01-06", "name": "Epiphany"}],
}  # fmt: skip


def answering(path: str, body: object) -> FakeSystem:
    system = FakeSystem()
    system.fail[path] = httpx.Response(201, json=body)
    return system


def test_holidays_are_added() -> None:
    system = answering("/sla/calendars/office/holidays", ADDED)
    line = ("sla", "holidays", "add", "office", "--country", "DE", "--subdivision", "BY", "--years", "2026-2028,2030")
    code, out, err = run_crm(system, *line)
    assert code == 0, err
    assert "1 holidays added: version 2" in out
    assert "Epiphany" in out
    ((_, _, body),) = system.requests
    assert body == {"country": "DE", "subdivision": "BY", "years": [2026, 2027, 2028, 2030]}
    code, out, _ = run_crm(system, *line, "--json")
    assert '"version":2' in out


POLICY = {
    "name": "standard", "version": 1, "valid_from": "2026-03-01T00:00:00.000Z", "body": {
        "calendar": "office", "filter": None,
        "targets": {"resolution": {"by_priority": {"URGENT": 7200}, "otherwise": 5400}},
        "thresholds": [{"name": "soon"}],
    },
}  # fmt: skip
OFFICE = {
    "name": "office", "version": 2, "valid_from": "2026-03-01T00:00:00.000Z",
    "body": {
        "time_zone": "UTC", "hours": {"monday": [["09:00", "12:00"], ["13:00", "17:00"]]}, "holidays": ["2026-01-01"],
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("words", "kind", "version", "told"),
    [
        (
            ("policies", "list"),
            "policies",
            POLICY,
            ("standard", "office", "all tickets", "URGENT 2 h", "1.5 h", "soon"),
        ),
        (("policies", "show", "standard"), "policies", POLICY, ("standard, version 1", "thresholds")),
        (("calendars", "list"), "calendars", OFFICE, ("office", "UTC", "mo 09:00-12:00", "13:00-17:00")),
        (("calendars", "show", "office"), "calendars", OFFICE, ("office, version 2", "holidays")),
    ],
)
def test_what_is_promised(words: tuple[str, ...], kind: str, version: dict[str, Any], told: tuple[str, ...]) -> None:
    older = {**version, "version": 0, "body": {}}
    system = answering(f"/sla/{kind}", {"results": [older, version]})
    code, out, err = run_crm(system, "sla", *words)
    assert code == 0, err
    assert all(one in " ".join(out.split()) for one in told), out
    _, out, _ = run_crm(system, "sla", *words, "--json")
    assert len(json.loads(out)["results"]) == 2
    if "show" in words:
        assert run_crm(system, "sla", *words[:2], "nobody")[0] == 2


def test_a_draft_is_tried_and_activated(tmp_path: Path) -> None:
    policy, calendar = tmp_path / "policy.json", tmp_path / "calendar.json"
    policy.write_text('{"name": "strict", "targets": {}}')
    calendar.write_text('{"name": "office", "hours": {}}')
    breaches = {"first_response": {"today": 1, "draft": 2}}
    previewed = {
        "tickets": 1234, "whole": False, "breaches": breaches, "more": [{"ticket": "7", "targets": ["first_response"]}],
        "fewer": [],
    }  # fmt: skip
    system = answering("/sla/preview", previewed)
    code, out, err = run_crm(system, "sla", "policies", "preview", str(policy), str(calendar), "--since", "2026-01-01")
    assert code == 0, err
    assert "1,234 tickets looked at; more than" in " ".join(out.split())
    assert "Late under the drafts only: 1" in out
    ((_, _, body),) = system.requests
    assert [len(body[name]) for name in ("policies", "calendars")] == [1, 1]
    assert body["since"] == "2026-01-01"
    for word, kind, file in (("activate", "policies", policy), ("declare", "calendars", calendar)):
        system = answering(f"/sla/{kind}", POLICY)
        code, out, _ = run_crm(system, "sla", kind, word, str(file), "--from", "2027-01-01T00:00:00Z")
        assert (code, "standard, version 1, from 2026-03-01" in out) == (0, True)
        assert system.requests[0][2]["valid_from"] == "2027-01-01T00:00:00Z"


@pytest.mark.parametrize(("word", "first"), [("due", "early"), ("breaches", "late")])
def test_what_ends_next_and_what_was_missed(word: str, first: str) -> None:
    system = FakeSystem()
    for name, at in (("early", "2026-03-01T10:00:00Z"), ("late", "2026-03-02T10:00:00Z")):
        values = {"subject": name, "status": "open", "resolution_status": "running", "resolution_due_at": at}
        system.entities.setdefault("ticket", {})[name] = {"id": name, "values": values}
    code, out, err = run_crm(system, "sla", word, "--limit", "10")
    assert (code, "2026-03-02 10:00" in out) == (0, True), err
    found = json.loads(run_crm(system, "sla", word, "--json")[1])["results"]
    assert next(one for one in found if one["due_at"])["ticket"] == first
    asked = [body for _, path, body in system.requests if path.endswith("/tickets/query")]
    assert len(asked) == 6
    assert "first_response_due_at" in str(asked[0]["filter"])


def test_years_that_are_none() -> None:
    code, _, _ = run_crm(FakeSystem(), "sla", "holidays", "add", "office", "--country", "DE", "--years", "soon")
    assert code == 2


def test_countries() -> None:
    one = {"code": "DE", "name": "Germany", "subdivisions": [{"code": "BY", "name": "Bayern"}, {"code": "Augsburg"}]}
    _, out, _ = run_crm(answering("/sla/holidays", {"results": [one]}), "sla", "holidays", "countries", "DE")
    assert "BY (Bayern), Augsburg" in out
