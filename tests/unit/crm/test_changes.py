"""`crm change` and `crm changes`: what is asked, watched and shown."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from crm.commands import changes
from tests.unit.crm.fake import FakeSystem, run_crm

PATH = "/api/v1/objects/contact/bulk-update"


class Changing(FakeSystem):
    """Mass changes that need three looks to be done."""

    def __init__(self, end: str = "done", **more: Any) -> None:
        super().__init__()
        self.looks = 0
        self.end = end
        self.more = more
        self.asked: list[tuple[str, str, Any]] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if not path.startswith(PATH):
            return super().answer(request)
        body = json.loads(request.content) if request.content else None
        self.asked.append((request.method, path.removeprefix(PATH), body))
        self.looks += 1
        going = self.looks < 3
        counts = {"rows": self.looks, "updated": self.looks - 1, "unchanged": 1, "rejected": 0}
        told = {"id": "7", "type": "contact", "state": "running" if going else self.end, "phase": "run", "reason": ""}
        more = {"total": None if self.looks == 1 else 3, "counts": counts, "errors": [], "kept": []}
        return httpx.Response(202, json={**told, **more, **({} if going else self.more)})


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "EVERY", 0.0)


def test_a_change_is_ordered_watched_and_told() -> None:
    system = Changing()
    code, out, _ = run_crm(system, "change", "contact", "City = Berlin", "Lifecycle stage=Paying customer", "预计收入=")
    assert (code, "change 7: done" in out, "Unchanged" in out) == (0, True, True)
    method, path, body = system.asked[0]
    assert (method, path) == ("POST", "")
    assert body == {
        "filter": {"attribute": "city", "operator": "EQ", "value": "Berlin"},
        "values": {"lifecycle_stage": "customer", "a1": None},
        "dry_run": False,
    }
    assert [one[:2] for one in system.asked[1:]] == [("GET", "/7"), ("GET", "/7")]


def test_what_was_wrong_and_what_was_left_alone() -> None:
    wrong = {"errors": [{"id": "5", "name": "city", "code": "X", "message": "too far"}]}
    left = {"kept": [{"id": "6", "name": "a1"}], "reason": "the disk is full"}
    code, out, _ = run_crm(Changing("failed", **wrong, **left), "changes", "show", "contact", "7", "--watch")
    assert code == 1
    assert all(word in out for word in ("too far", "Left alone", "the disk is full"))


@pytest.mark.parametrize(("verb", "looks"), [("pause", 1), ("cancel", 1), ("resume", 3), ("undo", 3)])
def test_steering(verb: str, looks: int) -> None:
    system = Changing()
    code, out, _ = run_crm(system, "changes", verb, "contact", "7", "--json")
    assert (code, json.loads(out)["id"]) == (0, "7")
    assert system.asked[0] == ("POST", f"/7/{verb}", {})
    assert len(system.asked) == looks


def test_a_filter_is_needed() -> None:
    system = Changing()
    assert run_crm(system, "change", "contact", " ", "city=Berlin")[0] == 2
    assert not system.asked
