"""The engine's tests once more, on the oldest PostgreSQL that is promised to do (decision 13).

Needs Debian's package postgresql-15 (`.ci/run` installs it); its binaries start a server of their own for these tests.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
BINARIES = Path("/usr/lib/postgresql/15/bin")
OURS = ("CRM_TEST_", "PYTEST_")


@pytest.mark.skipif(not BINARIES.exists(), reason="PostgreSQL 15 is not installed")
def test_the_engine_on_postgresql_15() -> None:
    """In a process of its own: which server tests use is decided once per run."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    environment |= {"CRM_TEST_PG_BIN": str(BINARIES), "CRM_TEST_PG_MAJOR": "15"}
    command = [sys.executable, "-m", "pytest", "tests/integration/eav", "-n", "2", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-5_000:]
    assert " passed" in done.stdout
