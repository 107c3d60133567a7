"""A fresh copy of the project, in a path with spaces: one command makes everything and runs it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.orphans import running
from deploy.local.ports import free_port
from deploy.local.programs import PROJECT
from tests.faults.system import START_SECONDS, System, open_directory


@pytest.fixture
def copy() -> Iterator[System]:
    """The project's files as git knows them, elsewhere, without an environment."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    files = subprocess.run(listed, cwd=PROJECT, capture_output=True, text=True, check=True).stdout.split("\0")
    with open_directory("crm clone-") as directory:
        project = directory / "a project"
        for file in filter(None, files):
            (project / file).parent.mkdir(parents=True, exist_ok=True)
            if (PROJECT / file).exists():
                shutil.copy2(PROJECT / file, project / file)
        made = System(directory / "the home", free_port(), project=project)
        try:
            yield made
        finally:
            made.clear_away()


def _make(one: System, target: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "-s", target],
        cwd=one.project,
        env=one.environment,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )


def test_from_nothing_to_a_running_system(copy: System) -> None:
    copy.start()
    assert "installing what requirements.lock names" in copy.output()
    token = copy.home.admin_token.read_text()
    assert _make(copy, "token").stdout == token
    with copy.client() as client:
        assert client.get("/crm/v3/objects/contacts").json() == {"results": []}
    command = Path(copy.project) / ".venv" / "bin" / "crm"
    help_text = subprocess.run([command, "--help"], cwd="/", capture_output=True, text=True, check=False)
    assert help_text.returncode == 0, help_text.stderr
    assert "Usage: crm " in help_text.stdout

    copy.interrupt()
    assert not running(copy.home)
    assert _make(copy, "token").stdout == token

    copy.start()
    assert "installing" not in copy.output()
    assert _make(copy, "down").returncode == 0
    assert not running(copy.home)
