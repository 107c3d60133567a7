"""`crm triggers` and `crm macros`: what is declared, what fired, and what would be done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.unit.crm.fake import FakeSystem, run_crm

TRIGGER: dict[str, Any] = {
    "id": "3", "name": "remind", "version": 2, "declared_at": "2030-01-01T10:00:00.000Z", "readable": True,
    "body": {"on": ["time"], "order": 5, "actions": [{"reply": {"text": "x"}}]},
}  # fmt: skip
OTHER: dict[str, Any] = {
    **TRIGGER, "id": "4", "name": "first", "body": {"on": "created", "enabled": False, "actions": [{"note": {}}]},
}  # fmt: skip
FIRED = {
    "id": "9", "trigger": "remind", "version": 2, "ticket": "42", "at": "2030-01-01T10:00:00.000Z",
    "cause": "ticket/42/3",
    "why": {"on": "changed", "changed": ["priority"]}, "chain": [], "outcome": "failed", "reason": "no such reply",
    "did": None,
}  # fmt: skip


def answering(path: str, body: object) -> FakeSystem:
    system = FakeSystem()
    system.fail[path] = httpx.Response(200, json=body)
    return system


def test_triggers_are_listed_in_their_order() -> None:
    code, out, err = run_crm(answering("/service_desk/triggers", {"results": [TRIGGER, OTHER]}), "triggers", "list")
    assert code == 0, err
    assert out.index("first") < out.index("remind")
    assert "reply" in out


def test_a_trigger_is_shown() -> None:
    code, out, err = run_crm(answering("/service_desk/triggers/remind", TRIGGER), "triggers", "show", "remind")
    assert code == 0, err
    assert "remind, version 2" in out


def test_what_fired() -> None:
    system = answering("/service_desk/triggers/fired", {"results": [FIRED]})
    code, out, err = run_crm(system, "triggers", "fired", "--ticket", "42", "--outcome", "failed")
    assert code == 0, err
    assert "no such reply" in out
    assert "changed priority" in out
    code, out, _ = run_crm(system, "triggers", "fired", "--json")
    assert json.loads(out)["results"][0]["cause"] == "ticket/42/3"


@pytest.mark.parametrize(("word", "on"), [("enable", True), ("disable", False)])
def test_a_trigger_is_switched(word: str, on: bool) -> None:
    system = answering("/service_desk/triggers/remind", TRIGGER)
    code, out, err = run_crm(system, "triggers", word, "remind")
    assert code == 0, err
    assert f"is {word}d" in out
    assert system.requests[-1][2] == {"enabled": on}


def test_files_are_declared_and_tried(tmp_path: Path) -> None:
    file = tmp_path / "trigger.json"
    file.write_text(json.dumps({"on": "created", "actions": []}), encoding="utf-8")
    tried = {"looked_at": 1000, "fired": 1, "results": [{"ticket": "42", "at": "2030", "why": "created", "would": {
        "changed": {"priority": [None, "HIGH"]}, "said": [{"body": "Hello"}], "told": []}}]}  # fmt: skip
    code, out, err = run_crm(
        answering("/service_desk/triggers/try", tried), "triggers", "try", str(file), "--days", "3"
    )
    assert code == 0, err
    assert "1,000 tickets looked at" in out
    assert "priority: None > HIGH; Hello" in out
    code, out, err = run_crm(answering("/service_desk/triggers", TRIGGER), "triggers", "declare", str(file))
    assert (code, "version 2" in out) == (0, True), err
    file.write_text("[]", encoding="utf-8")
    assert run_crm(FakeSystem(), "triggers", "declare", str(file))[0] == 2


def test_macros() -> None:
    macro = {"id": "1", "name": "take-over", "version": 1, "body": {"actions": [{"set": {}}, {"note": {}}]}}
    _, out, err = run_crm(answering("/service_desk/macros", {"results": [macro]}), "macros", "list")
    assert "set, note" in out, err
    done = {"results": [{"ticket": "42", "changed": {"priority": ["LOW", "HIGH"]}, "said": [{"body": "Hello"}]}]}
    system = answering("/service_desk/macros/take-over/apply", done)
    code, out, err = run_crm(system, "macros", "apply", "take-over", "42", "43", "--preview")
    assert code == 0, err
    assert "priority: LOW > HIGH" in out
    assert system.requests[-1][2] == {"tickets": ["42", "43"], "preview": True}
    replies = {"results": [{"name": "thanks", "version": 1, "body": {"text": "Thank you"}}]}
    assert "Thank you" in run_crm(answering("/service_desk/replies", replies), "macros", "replies")[1]
