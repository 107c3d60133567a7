"""Progress as server-sent events: every change, an end, and not more streams than there are seats."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.workspace.api import progress
from shared.kernel.json import loads
from tests.integration.workspace.moving import Moving

MAPPING = {"key": {"column": 0, "attribute": "email"}, "columns": [{"column": 0, "attribute": "email"}]}


def told(pieces: Iterator[bytes]) -> Iterator[str]:
    for piece in pieces:
        if piece.startswith(b"event: import\ndata: "):
            yield loads(piece.partition(b"data: ")[2])["state"]


def test_every_change_until_it_rests(moving: Moving, monkeypatch: pytest.MonkeyPatch):
    job = moving.ready("email\np1@example.org\n")
    moving.put(job["id"], MAPPING)
    moving.do(job["id"], "start", move=False)
    steps = iter((lambda: moving.work("workspace"), moving.tell, lambda: moving.work("contacts"), moving.tell))
    monkeypatch.setattr(progress.time, "sleep", lambda _: next(steps)())
    with moving.client().get(f"/api/v1/imports/{job['id']}/events") as answer:
        states = list(told(answer.iter_encoded()))
    assert (states[0], states[-1]) == ("running", "done")


def test_who_finds_no_seat_is_told_the_state_and_to_come_again(moving: Moving):
    job = moving.upload("email\np2@example.org\n")
    path = f"/api/v1/imports/{job['id']}/events"
    held = [moving.client().get(path) for _ in range(progress.SEATS)]
    walks = [told(one.iter_encoded()) for one in held]
    assert [next(walk) for walk in walks] == ["reading"] * progress.SEATS
    with moving.client().get(path) as answer:
        pieces = list(answer.iter_encoded())
    assert (pieces[0], list(told(iter(pieces)))) == (b"retry: 2000\n\n", ["reading"])
    for one in held:
        one.close()
    moving.move()
    with moving.client().get(path) as answer:
        assert list(told(answer.iter_encoded())) == ["ready"]
