"""`crm mail`: what goes out and came in is listed; what did not go is queued once more, page by page."""

from __future__ import annotations

import json
from typing import Any

import httpx

from tests.unit.crm.fake import FakeSystem, run_crm

ROOT = "/api/v1/service_desk/"


class Post(FakeSystem):
    """Three messages that failed, one to a page."""

    def __init__(self, on: bool = True) -> None:
        super().__init__()
        self.on = on
        self.again: list[str] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        path, params = request.url.path, request.url.params
        if path == f"{ROOT}messages":
            came = {"message_id": "<1@x>", "sender": "no-reply@example.org", "automatic": True, "outcome": "dropped",
                    "ticket": None, "entry": None, "at": "2026-03-02T09:00:00.000Z"}  # fmt: skip
            return httpx.Response(200, json={"results": [came]})
        if path == f"{ROOT}mail":
            ids = [one for one in (3, 2, 1) if one < int(params.get("before", 9))][:1]
            body: dict[str, Any] = {"on": self.on, "results": [_failed(one) for one in ids]}
            return httpx.Response(200, json=body if self.on else {**body, "problem": "mail is off"})
        if path.endswith("/resend"):
            self.again.append(path.split("/")[-2])
            return httpx.Response(202, json=_failed(int(self.again[-1])))
        return super().answer(request)


def _failed(ident: int) -> dict[str, Any]:
    return {"id": str(ident), "ticket": "7", "entry": "8", "to": "ada@example.org", "state": "failed", "attempts": 1,
            "queued_at": "2026-03-02T09:00:00.000Z", "reason": "550 no such user"}  # fmt: skip


def test_what_goes_out_and_what_came() -> None:
    code, out, _ = run_crm(Post(), "mail", "out", "--state", "failed")
    assert (code, "550 no such user" in out) == (0, True)
    _, out, _ = run_crm(Post(on=False), "mail", "out")
    assert "mail is off" in out
    code, out, _ = run_crm(Post(), "mail", "came", "--outcome", "dropped")
    assert (code, "no-reply@example.org" in out) == (0, True)


def test_sending_once_more() -> None:
    system = Post()
    code, out, _ = run_crm(system, "mail", "resend", "--all", "failed", "--json")
    assert (code, system.again, len(json.loads(out)["results"])) == (0, ["3", "2", "1"], 3)
    assert run_crm(system, "mail", "resend", "2")[0] == 0
    assert run_crm(system, "mail", "resend")[0] == 2
