"""What a verification tells on a screen: what is wrong, by name, and the rest in one line."""

from __future__ import annotations

from typing import Any

import httpx
from rich.console import Console

from crm.commands import verify
from tests.unit.crm.fake import FakeSystem, run_crm

CELL: dict[str, Any] = {
    "group": {"city": "Graz", "stage": None},
    "in": "days",
    "day": "2026-03-01",
    "stored": {"n": 4, "with_value": 0, "sum": "0"},
    "right": {"n": 3, "with_value": 1, "sum": "2.5"},
}
FOUND: dict[str, Any] = {
    "at": "2026-03-02T10:00:00.000Z",
    "right": True,
    "sources": {},
    "links": {"links": 3, "ranges": 1, "repaired": 0, "differences": []},
    "metrics": {"sound": {"groups": 30, "wrong": 0}},
    "accounts": [{"source": "contacts", "produced": 9, "applied": 6, "put_aside": 2, "skipped": 1, "balanced": True}],
    "held_back": [],
}


def told(found: dict[str, Any]) -> str:
    console = Console(width=200)
    with console.capture() as captured:
        console.print(verify.shown(found))
    return " ".join(captured.get().split())


def test_what_is_right_is_one_line() -> None:
    output = told(FOUND)
    assert "sound" not in output
    assert "1 metrics with 30 groups; wrong: 0 metrics" in output


def test_what_is_wrong_is_named() -> None:
    wrong = {**FOUND, "right": False, "metrics": {"bad": {"groups": 3, "wrong": 25, "cells": [CELL], "more": 24}}}
    output = told(wrong)
    assert "city=Graz, stage= (days 2026-03-01): n 4, right: n 3, with value 1, sum 2.5" in output.replace("│", "")
    assert "and 24 more" in output


def test_a_repair_says_what_a_second_look_found() -> None:
    repaired = {**FOUND, "metrics": {"bad": {"groups": 3, "wrong": 1, "cells": [CELL], "more": 0}}}
    assert "a second look found everything right" in told({**repaired, "after_repair": FOUND})
    remains = {**FOUND, "links": {**FOUND["links"], "differences": ["a link is missing here"]}}
    assert "a link is missing here" in told({**repaired, "right": False, "after_repair": remains})


def test_repairs_are_listed() -> None:
    line = {"id": "7", "what": "metric bad", "detail": "1 group was wrong", "repaired": True, "at": FOUND["at"],
            "found": {"cells": [CELL], "more": 0}}  # fmt: skip
    system = FakeSystem()
    system.fail["/reporting/v1/repairs"] = httpx.Response(200, json={"results": [line]})
    code, output, _ = run_crm(system, "repairs")
    assert (code, "metric bad" in output, "Graz" in output) == (0, True, True), output


def test_a_metric_that_is_wrong_says_which_groups() -> None:
    system = FakeSystem()
    bad = {"groups": 3, "wrong_groups": 1, "wrong": [CELL], "more": 0}
    system.fail["/verify"] = httpx.Response(200, json=bad)
    code, output, _ = run_crm(system, "metrics", "verify", "bad", "--repair")
    assert (code, "what remains" in output, output.count("city=Graz")) == (1, True, 2), output
    system.fail["/verify"] = httpx.Response(200, json={**bad, "wrong_groups": 0, "wrong": []})
    code, output, _ = run_crm(system, "metrics", "verify", "bad", "--repair")
    assert (code, output.strip()) == (0, "3 groups, all right")
