"""Waiting for the last of a system that serves already."""

from __future__ import annotations

from typing import Any

from deploy.local.start import settled

READY = {"status": "ready", "services": {"contacts": {"status": "ready", "checks": []}}}
CHECKS = [{"name": "redis", "state": "ok", "reason": ""}, {"name": "replicas", "state": "degraded", "reason": "deaf"}]
DEGRADED = {
    "status": "degraded",
    "services": {"workspace": {"status": "ready"}, "contacts": {"status": "degraded", "checks": CHECKS}},
}


def test_nothing_is_said_of_a_system_that_becomes_ready() -> None:
    answers: list[Any] = [READY, None, DEGRADED]
    assert settled(answers.pop, 60) == []
    assert answers == []


def test_what_stays_degraded_is_named_with_its_reason() -> None:
    assert settled(lambda: DEGRADED, 0) == ["contacts is degraded: replicas: deaf"]


def test_a_system_that_says_nothing_has_nothing_to_name() -> None:
    assert settled(lambda: None, 0) == []
