"""What building anew tells on a screen, and that a difference is an exit code."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.unit.crm.fake import FakeSystem, run_crm

METRIC: dict[str, Any] = {
    "metric": "won",
    "version": 3,
    "state": "ready",
    "entities": 1200,
    "left": 0,
    "comparison": {"version": 2, "groups": 40, "differing": 0, "examples": [], "days_differing": 0},
}
REPLICA: dict[str, Any] = {"source": "contacts", "state": "done", "entities": 7, "of": 7, "repaired": 0}
_DIFFERED = {**METRIC, "comparison": {**METRIC["comparison"], "differing": 2}}
_HALF = {**METRIC, "state": "filling", "left": 200, "comparison": None}


@pytest.mark.parametrize(
    ("arguments", "body", "code", "told"),
    [
        (["rebuild", "won"], METRIC, 0, "40 groups, the same as in version 2"),
        (["rebuild", "won"], _DIFFERED, 1, "2 groups DIFFERED"),
        (["rebuild", "won", "--wait", "0"], _HALF, 0, "200 of 1,200 entities are left"),
        (["rebuild-replica", "contacts"], {**REPLICA, "differences": []}, 0, "7 of 7 entities, 0 repaired"),
        (["rebuild-replica", "contacts"], {**REPLICA, "differences": ["company 4 is damaged here"]}, 1, "company 4"),
    ],
)
def test_what_a_rebuild_tells(arguments: list[str], body: dict[str, Any], code: int, told: str) -> None:
    system = FakeSystem()
    system.fail["/rebuild"] = httpx.Response(200, json=body)
    found, output, _ = run_crm(system, "metrics", *arguments)
    assert (found, told in output) == (code, True), output
