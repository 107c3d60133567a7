"""What journeys ask of a running system, and what they read from its answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from deploy.local.waiting import wait_until

PATIENCE = 120.0
"""Seconds until reports have caught up with everything written, on a machine that has other work."""


def outcomes(body: Mapping[str, Any], phase: str = "run") -> tuple[int, int, int, int]:
    """Created, updated, unchanged, rejected."""
    told = body[phase]
    found = tuple(told[name] for name in ("created", "updated", "unchanged", "rejected"))
    assert sum(found) == told["rows"] == told["done"]
    return found


def count(http: httpx.Client, type_name: str, condition: Mapping[str, Any] | None = None, **more: Any) -> int:
    """How many entities fit."""
    body = {"limit": 1, "total": "exact", "attributes": [], **more} | ({"filter": condition} if condition else {})
    answer = http.post(f"/api/v1/objects/{type_name}/query", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["total"]


def strong(http: httpx.Client, path: str, body: Mapping[str, Any]) -> httpx.Response:
    """The answer of a report that holds everything written before; asked again while it says that it lags."""
    said: list[httpx.Response] = []

    def answered() -> bool:
        said[:] = [http.post(path, params={"fresh": "strong"}, json=body)]
        return said[0].status_code != 503

    wait_until(answered, PATIENCE, every=0.2)
    assert said[0].status_code == 200, said[0].text
    return said[0]
