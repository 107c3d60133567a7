"""The contract tests, run against a system that an ops test has put together."""

from __future__ import annotations

import os
import subprocess
import sys

from deploy.local.programs import PROJECT

SECONDS = 900
CONTRACT = ("tests/contract", "--deselect=tests/contract/test_fuzz.py", "--deselect=tests/contract/test_bad_input.py")
"""All but what asks one door the same thing hundreds of times."""


def run_tests(url: str, token: str, *tests: str) -> None:
    """Run them in a pytest of their own; AssertionError with the end of what it printed when one fails."""
    words = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *tests]
    done = subprocess.run(
        words,
        cwd=PROJECT,
        env={**os.environ, "CRM_TEST_SYSTEM_URL": url, "CRM_TEST_SYSTEM_TOKEN": token},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
