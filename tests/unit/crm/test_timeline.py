"""`crm timeline`: pages become one table, what is left out is said, JSON is what the API answered."""

from __future__ import annotations

import json
from typing import Any

import httpx

from tests.unit.crm.fake import FakeSystem, run_crm

LINES: list[dict[str, Any]] = [
    {
        "at": "2026-03-02T09:30:00.000Z",
        "recorded_at": "2026-03-02T09:30:00.000Z",
        "kind": "task",
        "service": "contacts",
        "entity": {"type": "task", "id": "7"},
        "data": {"title": "Ring back", "status": "WAITING"},
    },
    {
        "at": "2026-03-01T09:30:00.000Z",
        "recorded_at": "2026-03-01T09:30:00.000Z",
        "kind": "stage",
        "service": "opportunities",
        "source": "API",
        "source_id": "1",
        "entity": {"type": "deal", "id": "5", "values": {"name": "Big", "amount": None}},
        "changes": [{"attribute": "stage", "label": "Stage", "old": None, "new": "won", "new_label": "Closed won"}],
    },
    {
        "at": "2026-02-01T09:30:00.000Z",
        "recorded_at": "2026-02-01T09:30:00.000Z",
        "kind": "changed",
        "service": "contacts",
        "changes": [{"attribute": "city", "label": "City", "old": "Rome", "new": None}],
    },
]


class Timeline(FakeSystem):
    """One line a page."""

    def answer(self, request: httpx.Request) -> httpx.Response:
        if not request.url.path.startswith("/api/v1/timeline/"):
            return super().answer(request)
        place = int(request.url.params.get("cursor", 0))
        body: dict[str, Any] = {"results": LINES[place : place + 1]}
        if place + 1 < len(LINES):
            body["next_cursor"] = str(place + 1)
        return httpx.Response(200, json={**body, "left_out": [{"type": "note", "scope": "crm.objects.notes.read"}]})


def test_a_table() -> None:
    code, out, err = run_crm(Timeline(), "timeline", "contacts", "42")
    assert (code, err) == (0, "")
    for text in (
        "2026-03-02 09:30", "task 7: Ring back", "WAITING", "deal 5: Big", "Stage: Closed won", "API 1",
        "City: Rome → (cleared)", "Left out: note (needs crm.objects.notes.read)",
    ):  # fmt: skip
        assert text in out
    assert "There is more" not in out


def test_no_more_than_asked_for_and_what_is_asked() -> None:
    system = Timeline()
    code, out, _ = run_crm(system, "timeline", "contacts", "42", "--limit", "2", "--kinds", "task,stage", "--json")
    assert code == 0
    body = json.loads(out)
    assert body["results"] == LINES[:2]
    assert body["next_cursor"] == "2"
    code, out, _ = run_crm(system, "timeline", "contacts", "42", "--limit", "1")
    assert "There is more" in out
