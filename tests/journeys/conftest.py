"""A whole system with its workers, and the command line beside it, for journeys that bring files in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contract.serving import System, served

SECONDS = 300


@pytest.fixture(scope="module")
def system(tmp_path_factory: Any, new_database: Any, new_redis: Any) -> Iterator[System]:
    """The whole system with its workers."""
    home = tmp_path_factory.mktemp("imports")
    with served(home, new_database, new_redis()) as running:
        for name in ("worker", "scheduler"):
            running.begin(name)
        yield running


@pytest.fixture(scope="module")
def http(system: System) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=system.url, headers=system.headers, trust_env=False, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def folder(tmp_path_factory: Any) -> Path:
    return tmp_path_factory.mktemp("files")


@pytest.fixture(scope="module")
def crm(system: System, folder: Path) -> Callable[..., Any]:
    """Runs the command line; the JSON it answers with."""

    def run(*words: str, code: int = 0) -> Any:
        environment = {**os.environ, "CRM_URL": system.url, "CRM_TOKEN": system.token, "CRM_HOME": str(folder / "home")}
        done = subprocess.run(
            [sys.executable, "-m", "crm.cli", *words, "--json"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == code, done.stdout[-2000:] + done.stderr[-2000:]
        return json.loads(done.stdout) if code == 0 else done.stderr

    return run
