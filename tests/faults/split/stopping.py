"""Stopping and starting a service of a system that runs apart, and what is asked of it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from deploy.local import runner
from deploy.local.waiting import wait_until
from tests.faults.system import START_SECONDS, System

CONTACTS = "/api/v1/objects/contacts"


@contextmanager
def stopped(split: System, service: str) -> Iterator[None]:
    """All processes of the service are stopped inside the block; afterwards it is ready again."""
    names = [one["name"] for one in runner.states(split.home) if one["name"].startswith(f"{service}-")]
    assert len(names) >= 3
    for name in names:
        runner.ask(split.home, "stopProcess", name, True)
    try:
        yield
    finally:
        for name in names:
            runner.ask(split.home, "startProcess", name, False)
        assert wait_until(lambda: status(split, f"/{service}/readyz") == 200, START_SECONDS)


def status(split: System, path: str) -> int:
    with split.client() as client:
        return client.get(path).status_code


def values(**more: str) -> dict[str, Any]:
    return {"values": {"email": f"{uuid.uuid4().hex}@apart.example", **more}}


def reported(http: httpx.Client) -> int:
    """How many contacts reporting counts; -1 while it cannot say."""
    answer = http.post("/reporting/v1/metrics/contacts/query", json={})
    return sum(row["n"] for row in answer.json()["rows"]) if answer.status_code == 200 else -1
