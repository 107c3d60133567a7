"""`crm erasures`: the ledger goes to a file and back, page by page, and is applied again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.unit.crm.fake import FakeSystem, run_crm


class Ledgers(FakeSystem):
    """Two services with ledgers of five entries."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: dict[str, list[Any]] = {}

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path == "/readyz":
            return httpx.Response(200, json={"status": "ok", "services": {"contacts": {}, "workspace": {}}})
        parts = path.removeprefix("/api/v1/").split("/")
        if len(parts) < 2 or parts[1] != "erasures":
            return super().answer(request)
        if path.endswith("/reapply"):
            return httpx.Response(200, json={"known": 5, "erased": 2 if parts[0] == "contacts" else 0})
        if path.endswith("/lift"):
            asked = json.loads(request.content)
            return httpx.Response(200, json={"lifted": asked["value"] == "ada@example.org"})
        if request.method == "POST":
            entries = json.loads(request.content)["entries"]
            self.taken.setdefault(parts[0], []).extend(entries)
            return httpx.Response(200, json={"entries": len(entries)})
        after = int(request.url.params.get("after", 0))
        page = [{"type": "contact", "id": str(n), "erased_at": "2030", "values": []} for n in range(after, after + 2)]
        body: dict[str, Any] = {"results": [one for one in page if int(one["id"]) < 5]}
        if after + 2 < 5:
            body["next_after"] = str(after + 2)
        return httpx.Response(200, json=body)


def test_export_then_import(tmp_path: Path) -> None:
    file = tmp_path / "ledger"
    code, out, _ = run_crm(Ledgers(), "erasures", "export", str(file))
    assert (code, ": 10" in out) == (0, True)
    system = Ledgers()
    code, out, _ = run_crm(system, "erasures", "import", str(file))
    assert (code, "10" in out) == (0, True)
    assert {name: [one["id"] for one in found] for name, found in system.taken.items()} == {
        "contacts": list("01234"), "workspace": list("01234"),
    }  # fmt: skip
    assert all("service" not in one for found in system.taken.values() for one in found)


@pytest.mark.parametrize("text", ["not json", "{}", "[]", '"x"', '{"service": "contacts"}\nrest'])
def test_what_is_no_ledger_changes_nothing(tmp_path: Path, text: str) -> None:
    file, system = tmp_path / "ledger", Ledgers()
    file.write_text(text)
    code, _, _ = run_crm(system, "erasures", "import", str(file))
    assert code == 2
    assert system.taken == {}


def test_reapply_and_lift() -> None:
    code, out, _ = run_crm(Ledgers(), "erasures", "reapply", "--json")
    assert (code, json.loads(out)["services"]["contacts"]) == (0, {"known": 5, "erased": 2})
    for value, words in (("ada@example.org", "may be written again"), ("x@y.test", "was not kept out")):
        code, out, _ = run_crm(Ledgers(), "erasures", "lift", "contacts", "contact", "email", value)
        assert (code, words in out) == (0, True)


class Reviews(Ledgers):
    """One thing to look at in contacts."""

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path.endswith("/settle"):
            return httpx.Response(200, json={"settled": path == "/api/v1/contacts/erasures/review/7/settle"})
        if path.endswith("/review"):
            note, ada = {"type": "note", "id": "3"}, {"type": "contact", "id": "42"}
            line = {"id": "7", "erased": ada, "entity": note, "at": "2026-03-01T09:30:00.000Z"}
            return httpx.Response(200, json={"results": [line] if "contacts" in path else []})
        return super().answer(request)


def test_what_is_to_be_looked_at_and_settled() -> None:
    code, out, _ = run_crm(Reviews(), "erasures", "review")
    assert code == 0
    assert all(text in out for text in ("contacts/7", "contact 42", "note 3", "2026-03-01 09:30"))
    code, out, _ = run_crm(Reviews(), "erasures", "review", "--settle", "contacts/7")
    assert (code, "settled" in out) == (0, True)
