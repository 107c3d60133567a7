"""Whatever is sent to the doors of automation is answered, and never by an error of our own."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.integration.service_desk.automation.conftest import ROOT
from tests.integration.service_desk.conftest import Desk

ODD: list[Any] = [
    None, 0, -1, 10**30, 1.5, True, "", "x", "\x00", "é" * 300, [], {}, [None], [[]], [{}], {"": None}, {"and": []},
    {"attribute": None}, {"attribute": "priority", "operator": "EQ", "value": {}}, [{"set": None}], [{"set": {"": 1}}],
    [{"reply": {"text": None}}], [{"note": {"canned": []}}], [{"follow": {}}], [{"assign": {"owner": []}}],
    [{"notify": {"owners": None}}], [{"emit": {"name": None, "detail": 1}}], [{"ask": {"days": "x"}}], [{1: 2}],
    {"attribute": "closed_at", "after": -5}, {"attribute": [], "before": None}, ["created", None], ["time"],
]  # fmt: skip
WORDS = {
    "replies": ("name", "label", "text"),
    "replies/preview": ("ticket", "text", "canned", "agent"),
    "macros": ("name", "label", "actions"),
    "macros/x/apply": ("tickets", "preview", "agent"),
    "triggers": ("on", "filter", "was", "said", "changed", "at", "order", "enabled", "imports", "became", "actions"),
    "triggers/try": ("trigger", "tickets", "days"),
    "surveys": ("ticket", "days"),
}
GOOD: dict[str, dict[str, Any]] = {
    "replies": {"name": "odd", "text": "x"},
    "macros": {"name": "odd", "actions": [{"note": {"text": "x"}}]},
    "triggers": {"name": "odd", "on": "created", "actions": [{"note": {"text": "x"}}]},
    "triggers/try": {"trigger": {"on": "created", "actions": [{"note": {"text": "x"}}]}},
}


@pytest.mark.parametrize("path", WORDS)
def test_odd_bodies(desk: Desk, path: str) -> None:
    for word, value in itertools.product(WORDS[path], ODD):
        body = {**GOOD.get(path, {}), word: value}
        answer = desk.client.post(f"{ROOT}/{path}", json=body)
        assert answer.status_code < 500, (body, answer.text)
        assert answer.json is not None


def test_odd_questions(desk: Desk) -> None:
    for query in (
        "ticket=x",
        "outcome=maybe",
        "limit=0",
        "limit=x",
        "before=-1",
        "before=99999999999999999999",
        "trigger=%25",
    ):
        answer = desk.client.get(f"{ROOT}/triggers/fired?{query}")
        assert answer.status_code < 500, query
    for path in ("macros/%20", "triggers/x'--", "replies/%E9", "satisfaction/%20", "satisfaction/é"):
        assert desk.client.delete(f"{ROOT}/{path}").status_code in (404, 405)
        assert desk.client.get(f"{ROOT}/{path}").status_code in (404, 405)
