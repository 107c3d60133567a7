"""Pipelines and labels changed by several at once: one wins, the others are told, nothing is left half done."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from tests.integration.service.conftest import System

MANY = 4
ROUNDS = 6


def at_once(*jobs: Callable[[], Any]) -> list[Any]:
    """What the jobs answer when they begin together."""
    gate = Barrier(len(jobs))

    def run(job: Callable[[], Any]) -> Any:
        gate.wait()
        return job()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))


def project(system: System, **pipeline: Any) -> str:
    """A custom type, with a pipeline if one is described."""
    web, name = system.client("workspace"), f"project{uuid.uuid4().hex[:8]}"
    assert web.post("/api/v1/types", json={"name": name, "label": name}).status_code == 201
    if pipeline:
        assert web.post(f"/api/v1/types/{name}/pipelines", json=pipeline).status_code == 201
    return name


def test_the_first_pipeline_made_by_several(system: System) -> None:
    for _ in range(ROUNDS):
        path = f"/api/v1/types/{project(system)}/pipelines"

        def make(path: str = path, label: str = "Same") -> int:
            body = {"label": label, "stages": [{"label": "A"}]}
            return int(system.client("workspace").post(path, json=body).status_code)

        assert sorted(at_once(*[make] * MANY)) == [201, *[409] * (MANY - 1)]
        labels = [lambda n=n, path=path: make(path, f"Other {n}") for n in range(MANY)]  # type: ignore[misc]
        assert at_once(*labels) == [201] * MANY
        assert len(system.client("workspace").get(path).json["results"]) == MANY + 1


def test_a_stage_is_put_away_while_it_is_entered(system: System) -> None:
    stages = [{"id": "a", "label": "A"}, {"id": "b", "label": "B"}]
    for _ in range(ROUNDS):
        name = project(system, label="P", id="p", stages=stages)
        path = f"/api/v1/objects/{name}"
        ident = system.client("workspace").post(path, json={"values": {"hs_pipeline_stage": "a"}}).json["id"]

        def enter(path: str = f"{path}/{ident}") -> int:
            body = {"values": {"hs_pipeline_stage": "b"}}
            return int(system.client("workspace").patch(path, json=body).status_code)

        def leave(path: str = f"/api/v1/types/{name}/pipelines/p/stages/b") -> int:
            return int(system.client("workspace").delete(path).status_code)

        outcome = tuple(at_once(enter, leave))
        assert outcome in ((200, 400), (400, 204))
        held = system.client("workspace").get(f"{path}/{ident}?attributes=hs_pipeline_stage").json["values"]
        assert held["hs_pipeline_stage"] == ("b" if outcome[0] == 200 else "a")


@pytest.mark.parametrize("pair", [("contacts", "companies"), ("contacts", "contacts")])
def test_a_label_made_by_several(system: System, pair: tuple[str, str]) -> None:
    path = f"/crm/v4/associations/{pair[0]}/{pair[1]}/labels"
    for _ in range(ROUNDS):
        body = {"name": f"n{uuid.uuid4().hex[:8]}", "label": uuid.uuid4().hex}

        def make(body: dict[str, str] = body) -> int:
            return int(system.client("workspace").post(path, json=body).status_code)

        assert sorted(at_once(*[make] * MANY)) == [200, *[409] * (MANY - 1)]
        found = system.client("workspace").get(path).json["results"]
        mine = [one["typeId"] for one in found if one["label"] == body["label"]]
        assert len(mine) == 1
        system.client("workspace").delete(f"{path}/{mine[0]}")
