"""What journeys ask of a running system, and what they read from its answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx


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
